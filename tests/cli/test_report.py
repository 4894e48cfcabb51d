import json

import pytest
from command_line import FakeCertificate, run_certdde, write_fake_report

from certdde.errors import CertificateError


@pytest.fixture(autouse=True)
def fakes(stand_in):
    class Loading(FakeCertificate):
        @classmethod
        def load(cls, path):
            if not path.exists():
                raise CertificateError("there is no such file", where=str(path))
            return cls()

    stand_in("certdde.reports", write_report=write_fake_report)
    stand_in("certdde.certificates", Certificate=Loading)


def test_files_are_written_beside_the_certificate(tmp_path):
    path = tmp_path / "c.certdde"
    path.touch()
    result = run_certdde("report", path, "--json")
    assert result.status == 0
    assert json.loads(result.out) == {"files": {"markdown": str(tmp_path / "report.md")}}


def test_or_elsewhere(tmp_path):
    path = tmp_path / "c.certdde"
    path.touch()
    result = run_certdde("report", path, "-o", tmp_path / "new" / "place")
    assert result.out == f"{tmp_path / 'new' / 'place' / 'report.md'}\n"


def test_a_missing_certificate(tmp_path):
    assert "no such file" in run_certdde("report", tmp_path / "none").complaint()
