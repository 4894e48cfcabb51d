"""The certificate that a march leaves behind: parts by different methods under one claim."""

from __future__ import annotations

import pytest
from example_systems import hutchinson

from certdde import Constant
from certdde.learning.cegis import CegisSettings, search
from certdde.learning.finish import exact_cover
from certdde.learning.outcome import checked
from certdde.learning.proposals import attempt
from certdde.learning.training import TrainSettings
from certdde.studies.covering import covering_certificate
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from certdde.verify.bound_propagation.branch import Settings


@pytest.fixture(scope="module")
def parts():
    quadratic = attempt(
        "quadratic", hutchinson(), 0.0, 0.5, order=1, seed=0, settings=Settings()
    ).part
    settings = CegisSettings(order=1, moments=1, training=TrainSettings(steps=400, region=0.2))
    neural = search(hutchinson(), 0.5, 0.6, settings, cover=exact_cover).finished.part
    assert quadratic is not None
    assert neural is not None
    return [quadratic, neural]


def test_a_quadratic_and_a_neural_part(parts, tmp_path):
    """The quadratic functional gets networks that are 0, and its proof is made again with more variables."""
    delay = Constant("tau", 0.0, 0.6)
    found = covering_certificate(hutchinson(), delay, parts, "neural", Settings())
    certificate, _ = checked(found)
    assert certificate.rigor == "rigorous"
    result = certificate.save(tmp_path / "a.certdde").check()
    assert result.valid
    assert "c = (0.999, 0.999)" in result.claim


def test_a_gap_between_parts_is_not_called_rigorous(parts):
    delay = Constant("tau", 0.0, 0.6)
    broken = covering_certificate(hutchinson(), delay, parts[1:], "neural", Settings())
    assert checked(broken)[0].rigor == "float64"
    longer = covering_certificate(
        hutchinson(), Constant("tau", 0.0, 0.61), parts, "neural", Settings()
    )
    assert checked(longer)[0].rigor == "float64"


def test_a_margin_brings_its_certificate(tmp_path):
    data = {
        "system": {
            "equations": ["x' = -(1 + x)*x(t - tau)"],
            "domain": {"x": [-0.5, 1.0]},
        },
        "delays": {"tau": {"range": [0.0, 0.8]}},
    }
    found = margin(Problem.from_dict(data), method="lmi", start=0.0, stop=0.8)
    assert found.rigor == "rigorous"
    assert found.certificate.data["delay"]["range"] == [0.0, found.delay_margin]
    assert found.certificate.save(tmp_path / "a.certdde").check().valid
