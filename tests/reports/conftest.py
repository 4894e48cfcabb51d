"""Certificates of each kind, and their reports, each made when it is first asked for."""

from collections.abc import Callable

import pytest

from certdde.certificates import Certificate
from certdde.reports import write_report
from certdde.reports.figure import Figure
from certdde.reports.report import figures_of
from certdde.reports.subject import Subject

from .makers import MAKERS, Written


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Certificate]:
    """The certificate of a kind, saved."""
    made: dict[str, Certificate] = {}

    def get(kind: str) -> Certificate:
        if kind not in made:
            made[kind] = MAKERS[kind]().save(tmp_path_factory.mktemp(kind) / f"{kind}.certdde")
        return made[kind]

    return get


@pytest.fixture(scope="session")
def figures(certificate: Callable[[str], Certificate]) -> Callable[[str], list[Figure]]:
    """The figures of a kind, before they are drawn."""
    made: dict[str, list[Figure]] = {}

    def get(kind: str) -> list[Figure]:
        if kind not in made:
            made[kind] = figures_of(Subject.of(certificate(kind)))
        return made[kind]

    return get


@pytest.fixture(scope="session")
def report(
    tmp_path_factory: pytest.TempPathFactory,
    certificate: Callable[[str], Certificate],
    figures: Callable[[str], list[Figure]],
) -> Callable[[str], Written]:
    """The report on the certificate of a kind."""
    made: dict[str, Written] = {}

    def get(kind: str) -> Written:
        if kind not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("certdde.reports.report.figures_of", lambda subject: figures(kind))
                place = tmp_path_factory.mktemp("report") / kind
                made[kind] = Written(
                    certificate(kind), write_report(certificate(kind), place).files
                )
        return made[kind]

    return get


@pytest.fixture(params=list(MAKERS))
def any_report(request: pytest.FixtureRequest, report: Callable[[str], Written]) -> Written:
    return report(request.param)
