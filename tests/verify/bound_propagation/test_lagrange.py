"""The bound by multipliers holds at every point, and is exact where the bound term by term is not."""

import pytest
import torch

from certdde.verify.bound_propagation.lagrange import at_the_centre, multiplier_bound
from certdde.verify.bound_propagation.taylor import Taylor, quadratic_upper_bound


def drawn(seed, d=3, m=6, count=40):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return 2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1

    low = 0.2 * draw(count, m)
    form = Taylor(
        draw(count, m),
        draw(d, count, m),
        low,
        low + 0.1 * draw(count, m).abs(),
        draw(d, count).abs(),
    )
    h = draw(4, m, m)
    stiff = torch.diag(torch.linspace(0.0, 50.0, m, dtype=torch.float64))
    return form, h + h.transpose(1, 2) - stiff, draw


@pytest.mark.parametrize("seed", range(3))
def test_it_holds_at_sampled_points(seed):
    form, h, draw = drawn(seed)
    bound = multiplier_bound(form, h)
    d, count = form.r.shape
    size = torch.einsum("bi,eij,bj->eb", form.c.abs() + 4, h.abs(), form.c.abs() + 4)
    for trial in range(400):
        unit, inner = draw(d, count, 1), draw(*form.c.shape)
        if trial % 2:
            unit, inner = unit.sign(), inner.sign()
        e = (form.lo + form.hi) / 2 + inner * (form.hi - form.lo) / 2
        v = form.c + (form.L * form.r.unsqueeze(-1) * unit).sum(0) + e
        value = torch.einsum("bi,eij,bj->eb", v, h, v)
        assert (value <= bound + 1e-13 * size).all()


def test_it_is_the_maximum_of_a_concave_form_where_the_other_bound_is_not():
    x = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    form = Taylor.identity(x - 1, x + 1)
    h = torch.tensor([[[-5.0, 4.0], [4.0, -5.0]]], dtype=torch.float64)  # at most 0 everywhere
    assert quadratic_upper_bound(form, h).item() == pytest.approx(8.0)
    assert 0 <= multiplier_bound(form, h).item() < 1e-6


def test_no_bound_goes_below_the_value_at_the_centre():
    form, h, _ = drawn(7)
    least = at_the_centre(form, h)
    assert (multiplier_bound(form, h) >= least - 1e-12 * least.abs()).all()
    middle = form.c + (form.lo + form.hi) / 2
    assert (torch.einsum("bi,eij,bj->eb", middle, h, middle) <= least + 1e-12 * least.abs()).all()


@pytest.mark.parametrize("place", ["c", "L", "lo", "hi", "form"])
def test_nan_anywhere_gives_no_bound(place):
    from dataclasses import replace

    form, h, _ = drawn(1)
    if place == "form":
        h = h * torch.nan
    else:
        form = replace(form, **{place: getattr(form, place) * torch.nan})
    assert not (multiplier_bound(form, h) < 0).any()
