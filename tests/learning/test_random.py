"""Class random: the certified set and its probability, against the exact spectrum and a million draws."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from scipy import stats

from certdde.certificates.content import read_content
from certdde.certificates.random import RandomPiece, known, pieces_of, random_sentence, stated
from certdde.delays.random import Random
from certdde.errors import CertificateError, ProblemError
from certdde.learning import random_search
from certdde.learning.certify import certify
from certdde.learning.random_windows import counted, linearised
from certdde.learning.task import require_one
from certdde.reports import write_report
from certdde.studies.attack import attack_certificate, attack_problem
from certdde.studies.random_draws import drawn_contents
from certdde.systems import DelaySystem
from certdde.systems.problem import load_problem
from certdde.verify.spectral import several_abscissa

EXAMPLES = Path(__file__).parents[2] / "examples"
HALF_PI = 1.5707963267948966
PARETO = {"law": "pareto", "args": {"b": 1.5, "scale": 0.1}}
SCALAR = ["x' = -x(t - tau)"]
BOXED = {"x": [-0.5, 1.0]}


def scalar() -> DelaySystem:
    return DelaySystem.from_equations(SCALAR)


@pytest.fixture(scope="module")
def heavy(tmp_path_factory):
    """x' = -x(t - tau), a Pareto law."""
    found = certify(scalar(), Random.of("tau", PARETO))
    return found.save(tmp_path_factory.mktemp("heavy") / "a.certdde")


def test_the_set_reaches_to_the_exact_threshold(heavy):
    delay = heavy.data["delay"]
    assert heavy.status == "certified"
    assert heavy.rigor == "rigorous"
    [[low, high]] = delay["set"]
    assert low <= 0.1
    assert HALF_PI * (1 - 1e-6) < high < HALF_PI
    exact = stats.pareto(b=1.5, scale=0.1).cdf(high)
    assert exact - 1e-6 < delay["probability"] < exact
    assert heavy.check().valid


def test_the_claim_is_derived_from_the_sections(heavy):
    data = heavy.data
    claims = [piece.certificate.claim for piece in pieces_of(heavy)]
    assert data["claim"] == random_sentence(data["system"], data["delay"], claims)
    assert heavy.check().claim == data["claim"]


def test_what_is_left_is_reported(heavy):
    found = heavy.data["statistics"]["random"]
    total = found["mass"] + sum(row["mass"] for row in found["complement"])
    assert total == pytest.approx(1.0, abs=1e-9)
    unstable = [row for row in found["complement"] if row["status"] == "unstable"]
    assert sum(row["mass"] for row in unstable) > 0.01
    for row in unstable:
        low, high = row["range"]
        assert low == pytest.approx(HALF_PI, rel=1e-6)
        middle = 0.5 * (low + high)
        zero, minus = torch.zeros(1, 1).double().numpy(), -torch.eye(1).double().numpy()
        assert several_abscissa(zero, [(min(middle, 10.0), minus)]) > 0


def test_it_is_read_reported_and_attacked(heavy, tmp_path):
    content = read_content(heavy)
    assert isinstance(content.delay, Random)
    files = write_report(heavy, tmp_path).files
    assert {"law.png", "html", "md", "tex"} <= set(files)
    text = files["md"].read_text()
    assert "Certified delays" in text
    assert "unstable (spectrum)" in text
    low, high = heavy.data["delay"]["set"][0]
    for one in drawn_contents(heavy, seed=1):
        assert low <= one.delay.lower == one.delay.upper <= high
    assert not attack_certificate(heavy, budget=1.0).found


def test_a_false_piece_is_attacked(heavy):
    """A delay of the set at which the system is unstable is found by its spectrum."""
    [piece] = pieces_of(heavy)
    data = json.loads(json.dumps(piece.certificate.data))
    data["delay"]["range"] = [2.0, 3.0]
    path = heavy.path.with_name("false.certdde")
    from dataclasses import replace

    replace(piece.certificate, data=data).save(path)
    outer = json.loads(json.dumps(heavy.data))
    outer["delay"] |= {"range": [2.0, 3.0], "set": [[2.0, 3.0]]}
    false = replace(heavy, data=outer, entries={"piece0.certdde": path.read_bytes()})
    assert attack_certificate(false, budget=1.0).found
    assert not false.save(path).check().valid


def test_windows_are_counted_as_the_spectrum_says():
    for equations in (
        SCALAR,
        ["x' = v", "v' = -9*x + 0.1*v + x(t - tau)"],
        ["x' = -0.5*x(t - tau) - 0.4*x(t - 2*tau)"],
        ["x' = -x + y(t - tau)", "y' = -2*x - 0.3*y"],
    ):
        linear = linearised(DelaySystem.from_equations(equations))
        present, *delayed = linear.arrays
        pieces = counted(linear, 0.0, 4.0)
        assert pieces[0][0] == 0.0
        assert pieces[-1][1] == 4.0
        for low, high, roots in pieces:
            lags = [(k * 0.5 * (low + high), one) for k, one in enumerate(delayed, 1)]
            assert (several_abscissa(present, lags) > 0) == (roots > 0)


def test_nonlinear_pieces_touch_and_are_kept(tmp_path, monkeypatch):
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain=BOXED)
    law = {"law": "lognorm", "args": {"s": 0.5, "scale": 0.3}, "range": [0.0, 0.8]}
    options = {"method": "lmi", "budget": 60.0, "workdir": tmp_path}
    found = certify(system, Random.of("tau", law), **options)
    assert found.rigor == "rigorous", found.claim
    assert found.data["region"]["domain"] == BOXED
    pieces = pieces_of(found)
    assert found.data["delay"]["probability"] > 0.5
    expected = found.data["statistics"]["random"]["expected"]
    assert expected["V"] > 0
    assert expected["V_over_level"] > 0
    assert expected["mass"] == pytest.approx(found.data["statistics"]["random"]["mass"])

    def broken(task):
        raise KeyboardInterrupt

    monkeypatch.setattr(random_search.RandomSearch, "_part", lambda *_: broken(None))
    again = certify(system, Random.of("tau", law), **options)  # nothing is proved anew
    assert [one.content for one in pieces_of(again)] == [one.content for one in pieces]


def test_nothing_stable_is_nothing_certified():
    growing = DelaySystem.from_equations(["x' = x"], delays=["tau"])
    found = certify(growing, Random.of("tau", PARETO), budget=5.0)
    assert found.status == "unknown"
    assert "unstable" in found.claim
    [row, _] = found.data["statistics"]["random"]["complement"]
    assert row["status"] == "unstable"


def test_other_laws_are_not_in_the_claim():
    law = {"law": "invgauss", "args": {"mu": 0.5}}
    assert not known(law)
    found = certify(scalar(), Random.of("tau", law))
    assert found.rigor == "rigorous"
    assert found.data["delay"]["probability"] is None
    assert "probability" not in found.claim
    assert found.data["statistics"]["random"]["mass"] > 0.5


def test_probabilities_are_rounded_down():
    for value in (1.0, 0.5, 1 / 3, 1e-12, 0.8205472434):
        assert 0 < stated(value) < value
    assert stated(0.0) is None


def test_margins_and_attacks_are_refused_in_one_line():
    delay = Random.of("tau", PARETO)
    with pytest.raises(ProblemError, match="law"):
        require_one(delay)
    with pytest.raises(ProblemError, match="law"):
        attack_problem(scalar(), delay)
    with pytest.raises(CertificateError):
        RandomPiece.read(b"nonsense")


@pytest.mark.slow
def test_a_million_draws_do_not_contradict_the_example():
    """One-sided: a stable share below the claim by more than chance (1e-9) would refute it."""
    problem = load_problem(EXAMPLES / "random_delay.toml")
    found = certify(problem)
    assert found.rigor == "rigorous"
    delay = found.data["delay"]
    assert len(delay["set"]) > 1
    draws = stats.pareto(**delay["law"]["args"]).rvs(1_000_000, random_state=7)
    linear = linearised(problem.build())
    stable = [(a, b) for a, b, roots in counted(linear, 0.0, 10.0) if roots == 0]
    share = sum(int(((draws > a) & (draws < b)).sum()) for a, b in stable)
    assert stats.binom(1_000_000, delay["probability"]).cdf(share) > 1e-9
    inside = sum(int(((draws >= a) & (draws <= b)).sum()) for a, b in delay["set"])
    assert stats.binom(1_000_000, delay["probability"]).cdf(inside) > 1e-9
    assert share - inside < 2_000
