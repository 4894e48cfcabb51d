"""The training figure and table show the log, whatever of it a file has."""

import numpy as np
import pytest
from example_systems import hutchinson, logistic, pendulum

from certdde.certificates.certificate import not_certified
from certdde.delays.classes import Constant
from certdde.reports import write_report
from certdde.reports.figure import drawn
from certdde.reports.style import DARK, LIGHT
from certdde.reports.training_figure import figure_of
from certdde.reports.training_log import failures, searches
from certdde.systems import DelaySystem

OLD = {
    "range": [0.0, 1.0],
    "start": "quadratic functional for delays up to 0.8",
    "round": 1,
    "answer": "Refuted",
    "boxes": 4321,
    "counterexamples": 7,
    "worst": 0.25,
    "region": 2.0,
    "seconds_training": 1.5,
    "seconds_proof": 0.5,
}


def line(number, answer="Refuted", names=("x", "x(t - tau)"), **more):
    steps = [0.0, 100.0, 200.0]
    curve = {"step": steps, "worst": [1.0, None, 0.25], "loss": [2.0, 1.0, 0.5]}
    points = [[0.1 * number * (k + 1)] * len(names) for k in range(3)] if names else []
    told = {"names": list(names), "points": points} if names else {}
    new = {"margin": 0.03, "moments": 0, "curve": curve, "failures": told}
    return {**OLD, "round": number, "answer": answer, **new, **more}


def panels(system, lines, theme=LIGHT):
    return figure_of(system, lines).draw(theme).axes


def test_three_panels_where_all_is_known():
    axes = panels(hutchinson(), [line(1), line(2), line(3, "Proved", ())])
    assert [a.get_xlabel() for a in axes] == ["training step", "round", "$x$"]
    assert axes[2].get_ylabel() == "$x$$(t-$$\\tau$$)$"
    low, high = axes[2].get_xlim()
    assert -0.6 < low <= -0.5
    assert 1.0 <= high < 1.1
    assert len(axes[1].patches) == 3


def test_one_round_without_failures_is_one_panel():
    figure = figure_of(hutchinson(), [line(1, "Proved", ())])
    assert len(figure.draw(LIGHT).axes) == 1
    assert not figure.wide
    assert str(figure.caption[0]).startswith("The largest")


def test_failures_in_one_variable_are_a_strip_by_round():
    axes = panels(pendulum(), [line(1, names=("theta",)), line(2, names=("theta",))])
    assert (axes[2].get_xlabel(), axes[2].get_ylabel()) == ("$\\theta$", "round")


def test_steps_go_on_from_round_to_round():
    axes = panels(hutchinson(), [line(1), line(2)])
    curves = [one for one in axes[0].lines if len(one.get_xdata()) == 3]
    assert [one.get_xdata()[0] for one in curves] == [0, 201]


def test_the_mean_of_v_is_drawn_where_it_was_the_objective():
    one = line(1)
    told = line(1, curve={**one["curve"], "mean": [3.0, 2.0, 1.5]})
    dotted = [a for a in panels(hutchinson(), [told])[0].lines if a.get_linestyle() == ":"]
    assert [list(a.get_ydata()) for a in dotted] == [[3.0, 2.0, 1.5]]
    assert "mean of V" in str(figure_of(hutchinson(), [told]).caption[0])
    plain = figure_of(hutchinson(), [one])
    assert not [a for a in plain.draw(LIGHT).axes[0].lines if a.get_linestyle() == ":"]
    assert "mean of V" not in str(plain.caption[0])


def test_both_themes_are_drawn():
    image = drawn(figure_of(hutchinson(), [line(1), line(2)]))
    assert image.light.startswith(b"\x89PNG")
    assert image.light != image.dark
    assert panels(hutchinson(), [line(1)], DARK)[0].get_facecolor()[0] < 0.5


def test_a_log_without_curves_has_no_figure():
    assert figure_of(hutchinson(), [OLD]) is None
    assert figure_of(hutchinson(), []) is None


def test_places_are_in_the_coordinates_of_the_user():
    found = failures(logistic(), [line(1)])
    assert found.limits == ((0.5, 2.0), (0.5, 2.0))
    assert found.rounds[1].min() == pytest.approx(1.1)


def test_the_two_variables_in_which_failures_spread_most_are_shown():
    system = DelaySystem.from_equations(
        ["x' = -x + x*y*z", "y' = -y", "z' = -z + 0.1*x(t - tau)"],
        domain={"x": [-1, 1], "y": [-1, 1], "z": [-1, 1]},
    )
    points = [[0.1, 0.9, -0.5], [0.1, -0.9, 0.5], [0.2, 0.0, 0.0]]
    told = line(1, failures={"names": ["x", "y", "z"], "points": points})
    found = failures(system, [told])
    assert found.names == ("$y$", "$z$")
    assert np.allclose(found.rounds[1], np.array(points)[:, 1:])


def test_searches_that_read_moments_are_shown_in_the_variables_of_all():
    names = ("x", "x(t - tau)", "moment0(x)")
    lines = [line(1), line(1, names=names, moments=1)]
    assert searches(lines) == [1, 2]
    assert failures(hutchinson(), lines).names == ("$x$", "$x$$(t-$$\\tau$$)$")
    assert "moment 0" in failures(hutchinson(), [line(1, names=names[2:])]).names[0]


def written(log, folder):
    record = not_certified(
        "unknown",
        "Not certified: none.",
        hutchinson(),
        Constant("tau", 0.0, 1.0),
        statistics={"boxes": {}, "seconds": {}, "baselines": [], "cegis": log},
    )
    return write_report(record, folder).files


def test_a_log_of_an_earlier_version_is_reported(tmp_path):
    files = written([OLD], tmp_path)
    assert "training.png" not in files
    text = files["md"].read_text(encoding="utf-8")
    assert "| fails | 4,321 | 7 |" in text


def test_a_full_log_is_reported_with_its_figure(tmp_path):
    nothing = {**OLD, "round": 0, "answer": "NoStart", "start": "", "worst": None}
    part = line(3, "Proved", (), level=0.4)
    files = written([line(1), line(2, "GaveUp"), part, nothing], tmp_path)
    assert files["training.png"].exists()
    text = files["md"].read_text(encoding="utf-8")
    for word in ("given up", "no start", "proved up to V = 0.4", "**Training.**"):
        assert word in text
