"""The figures show what they say: sets, boxes, labels."""

import io

import numpy as np
import pytest
import torch

from certdde.delays.classes import Constant
from certdde.learning.certify import certify
from certdde.learning.region import grid_points, inside
from certdde.reports.energy import Energy
from certdde.reports.figure import drawn
from certdde.reports.partition_figure import Boxes, _boxes, _draw, painted, partition_figure
from certdde.reports.region_map import certified_ratio, core_ratio, region_maps
from certdde.reports.report import figures_of
from certdde.reports.starts import drawn_trajectories, spread
from certdde.reports.style import DARK, LIGHT, delayed_label, label
from certdde.reports.subject import Subject
from certdde.reports.values_figure import values_figure
from certdde.systems import DelaySystem


@pytest.fixture
def subject(certificate):
    return lambda kind: Subject.of(certificate(kind))


@pytest.mark.parametrize("kind", ["scalar", "planar", "parts"])
def test_the_certified_set_is_that_of_the_region(subject, kind):
    found = subject(kind)
    points = grid_points(found.system, 40)
    pieces = [(piece.functional, piece.breaks, piece.level) for piece in found.pieces]
    ratio = certified_ratio(found, points)
    assert bool(((ratio <= 1) == inside(pieces, points)).all())
    assert 0 < float((ratio <= 1).double().mean()) < 1
    assert bool((core_ratio(found, points) <= ratio + 1e-12).all())


@pytest.fixture(scope="module")
def plane(certificate):
    """The map of the planar system."""
    return region_maps(Subject.of(certificate("planar")), [(0, 1)])[0]


def test_the_share_of_the_map_is_that_of_the_certificate(subject, plane):
    found, region = subject("planar"), plane
    area = found.data["region"]["area"]
    share = float((region.certified <= 1).double().mean())
    assert share == pytest.approx(area["certified"] / area["domain"], abs=0.02)
    simulated = float(region.simulated.double().mean())
    assert simulated == pytest.approx(area["simulated"] / area["domain"], abs=0.03)


def test_solutions_from_the_certified_set_stay_in_the_sublevel_set_of_v_0(subject, plane):
    found = subject("planar")
    (run,) = drawn_trajectories(found, [plane], found.delay.upper)
    assert int(run.certified.sum()) >= 4
    assert not bool((run.certified & run.leaves).any())
    states = run.found.states[:, run.certified].reshape(-1, 2)
    assert bool((core_ratio(found, states) <= 1).all())


def test_the_partition_tiles_the_domain(subject):
    found = subject("scalar")
    boxes = _boxes(found, found.pieces[0])
    volume = np.prod(boxes.upper - boxes.lower, axis=1).sum()
    assert volume == pytest.approx(1.5**2)
    assert boxes.lower.min() == pytest.approx(0.5)
    assert boxes.upper.max() == pytest.approx(2.0)
    holds = ((boxes.lower <= 1) & (boxes.upper >= 1)).all(1)
    assert bool(boxes.star[holds].all())
    assert boxes.names == ("$x$", "$x$$(t-$$\\tau$$)$")


def test_a_partition_of_one_variable(subject):
    figure = partition_figure(subject("planar"))
    assert figure is not None
    image = drawn(figure)
    assert image.light.startswith(b"\x89PNG")
    assert image.light != image.dark


def test_a_partition_of_many_boxes_is_painted():
    edges = np.linspace(-1, 1, 101)
    low = np.stack(np.meshgrid(edges[:-1], edges[:-1], indexing="ij"), -1).reshape(-1, 2)
    star = (np.abs(low + 0.01) < 0.1).all(1)
    boxes = Boxes(low, low + 0.02, np.where(star, 255, 254), ("$x$", "$y$"), "")
    image = painted(boxes, 50)
    assert image[25, 25, 0] == 1
    assert image[0, 0, 0] == 0
    buffer = io.BytesIO()
    _draw([boxes], LIGHT).savefig(buffer, format="png")
    assert buffer.tell() > 1000


def test_a_system_without_nonlinear_variables_has_no_partition(figures):
    assert [figure.name for figure in figures("linear")] == ["trajectories", "values"]


def test_axes_carry_the_names_and_coordinates_of_the_user(figures):
    axes = figures("scalar")[0].draw(LIGHT).axes
    assert axes[0].get_ylabel() == "$x$"
    low, high = axes[0].get_ylim()
    assert low < 0.5 < 2.0 < high < 2.2
    planar = figures("planar")[0].draw(DARK).axes[0]
    assert (planar.get_xlabel(), planar.get_ylabel()) == ("$\\theta$", "$\\omega$")


def test_the_caption_of_v_tells_what_was_found(subject, figures, monkeypatch):
    assert "decreases from each sample to the next" in str(figures("scalar")[1].caption)

    def rising(subject, delay, horizon):
        values = torch.tensor([[0.5] * 4, [0.4] * 4, [0.45] * 4], dtype=torch.float64)
        return Energy(delay, torch.arange(3.0), values)

    monkeypatch.setattr("certdde.reports.values_figure.energy_at", rising)
    assert "largest rise between two samples is 0.1 of" in str(
        values_figure(subject("scalar")).caption
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("theta", "$\\theta$"),
        ("x1", "$x_{1}$"),
        ("x_1", "$x_{1}$"),
        ("speed", "$\\mathrm{speed}$"),
        ("x_dot", "x_dot"),
        ("a$b", "a\\$b"),
    ],
)
def test_labels(name, shown):
    assert label(name) == shown


def test_a_delayed_label_is_one_that_matplotlib_reads():
    from matplotlib.mathtext import MathTextParser

    assert MathTextParser("agg").parse(delayed_label("theta", "tau_1")).width > 0


def test_spread_points_are_far_from_each_other():
    points = torch.rand(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    chosen = spread(points, 5)
    distances = torch.cdist(chosen, chosen) + torch.eye(5)
    assert float(distances.min()) > 0.4
    assert len(spread(points[:3], 5)) == 3
    assert len(spread(points[:0], 5)) == 0


@pytest.mark.slow
def test_three_states_are_shown_on_planes_through_the_equilibrium(tmp_path):
    system = DelaySystem.from_equations(
        ["x' = -x + 0.2*y*z", "y' = -y - 0.3*y(t - tau) + 0.1*x**2", "z' = -2*z + 0.2*x(t - tau)"],
        domain={"x": [-1, 1], "y": [-1, 1], "z": [-1, 1]},
    )
    found = Subject.of(certify(system, Constant("tau", 0.0, 0.5), method="lmi"))
    region, _, partition = figures_of(found)
    axes = region.draw(LIGHT).axes
    labels = [(panel.get_xlabel(), panel.get_ylabel()) for panel in axes]
    assert labels == [("$x$", "$y$"), ("$x$", "$z$"), ("$y$", "$z$")]
    boxes = _boxes(found, found.pieces[0])
    assert np.prod(boxes.upper - boxes.lower, axis=1).sum() == pytest.approx(4)
    assert "plane through the equilibrium" in str(partition.caption)
