"""The star test in a frame, and what boxes are split along."""

import pytest
import torch

from certdde.inequalities.inequality import Inequality
from certdde.verify.answers import Proved, Refuted
from certdde.verify.bound_propagation.branch import Settings, prove
from certdde.verify.bound_propagation.star import HOPEFUL, LEAST, Star


def inequality(form, features=lambda xi: xi, half=1.0):
    """x^T H x < 0 over a cube, or the same of features."""
    matrix = torch.as_tensor(form, dtype=torch.float64)
    d = len(matrix)
    cube = torch.full((d,), half, dtype=torch.float64)
    names = tuple(f"x{k}" for k in range(d))
    return Inequality(names, -cube, cube, features, matrix[None])


def skewed(seed, d=5):
    """A negative definite matrix of condition about 1e8, and a box of any place."""
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))
    form = -(q * torch.logspace(0, -8, d, dtype=torch.float64)) @ q.T
    return (form + form.T) / 2


@pytest.mark.parametrize("seed", range(10))
def test_a_frame_makes_the_matrix_minus_one(seed):
    star = Star.of(inequality(skewed(seed)))
    assert star.frame is not None
    found = star.frame.T @ skewed(seed) @ star.frame
    assert torch.allclose(found, -torch.eye(5, dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_no_frame_shows_what_does_not_hold(seed):
    """A form that is positive in one direction, in frames drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64))
    form = (q * torch.tensor([-1.0, -2.0, -0.5, 1e-6], dtype=torch.float64)) @ q.T
    built = inequality((form + form.T) / 2)
    low = torch.rand(50, 4, generator=generator, dtype=torch.float64) - 0.5
    assert Star.of(built).frame is None
    for _ in range(20):
        frame = torch.randn(4, 4, generator=generator, dtype=torch.float64)
        assert not Star(built, frame)(low, low + 0.1).any()
    assert not Star(built, torch.zeros(4, 4, dtype=torch.float64))(low, low + 0.1).any()


class _Bent:
    """Features (x, x^2, .., x^2) by whatever x is."""

    def __call__(self, xi):
        if isinstance(xi, torch.Tensor):
            return torch.cat([xi, xi * xi], -1)
        return type(xi).join([xi, xi * xi])


def bent(size, weak=0.1):
    """-|x|^2 with products of x and x^2: negative on a cube if size is small."""
    form = -torch.eye(4, dtype=torch.float64)
    form[2:, 2:] = 0
    form[0, 2] = form[2, 0] = size
    form[1, 3] = form[3, 1] = size * weak
    names, cube = ("x", "y"), torch.ones(2, dtype=torch.float64)
    return Inequality(names, -cube, cube, _Bent(), form[None])


def test_boxes_off_the_origin_pass_where_the_slopes_vary_little():
    """2 s x^3 < x^2 for |x| <= 1, s = 0.4; the box is far wider than its distance allows the bound of v^T H v."""
    star = Star.of(bent(0.4))
    lower = torch.tensor([[0.05, 0.05]], dtype=torch.float64)
    assert star(lower, lower + 0.9).all()
    assert not Star.of(bent(0.6))(lower, lower + 0.9).any()  # 2 s x > 1 at 0.95


def test_what_is_false_somewhere_is_refuted():
    assert isinstance(prove(bent(0.6), Settings(max_boxes=10_000)), Refuted)


def test_what_is_true_is_proved():
    answer = prove(bent(0.45), Settings(max_boxes=10_000, grid=1))
    assert isinstance(answer, Proved)


def cubes(weights):
    """Six variables; the slope of w_k x_k^2 varies along axis k."""
    d = len(weights)
    form = torch.zeros(2 * d, 2 * d, dtype=torch.float64)
    form[:d, :d] = -torch.eye(d)
    for k, w in enumerate(weights):
        form[k, d + k] = form[d + k, k] = w
    cube = torch.ones(d, dtype=torch.float64)
    return Inequality(tuple("abcdef"), -cube, cube, _Bent(), form[None])


def test_axes_count_by_what_they_add_to_the_spread():
    shares = Star.of(cubes([0.4, 0.2, 0.1, 0.05, 0.0, 0.4])).shares()
    wanted = torch.tensor([1.0, 0.5, 0.25, 0.125, LEAST, 1.0], dtype=torch.float64)
    assert torch.allclose(shares, wanted, atol=0.02)


def test_axes_are_alike_where_the_test_has_no_chance_or_the_variables_are_few():
    assert Star.of(cubes([40.0, 20.0, 10.0, 5.0, 0.0, 40.0])).shares() is None
    assert Star.of(bent(0.4)).shares() is None


def test_hope_falls_with_the_width():
    star = Star.of(cubes([4.0, 2.0, 1.0, 0.5, 0.0, 4.0]))
    assert star.spread > HOPEFUL
    widths = [2.0, 1.01 * 2 * HOPEFUL / star.spread, 0.99 * 2 * HOPEFUL / star.spread]
    low = torch.zeros(3, 6, dtype=torch.float64)
    high = torch.tensor(widths, dtype=torch.float64)[:, None].expand(3, 6)
    assert star.hopeful(low, high).tolist() == [False, False, True]
