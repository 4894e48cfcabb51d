"""Polynomial functionals as networks of squares: the same V, and a search that begins there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from example_systems import hutchinson, pendulum

from certdde.delays.classes import Constant
from certdde.functionals.polynomial import PolynomialFunctional
from certdde.learning.cegis import CegisSettings, Searched
from certdde.learning.certify import certify
from certdde.learning.distil import distilled
from certdde.learning.finish import Finished, constant_cover, finish
from certdde.learning.polynomial_start import better, chosen_start, polynomial_start
from certdde.learning.shapes import Choices
from certdde.learning.sos import sos_part
from certdde.systems.problem import Problem
from certdde.verify.answers import Proved, Unknown
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.sos.search import Settings as Programs

LONGEST = 0.9
HUTCHINSON = "x' = -(1 + x)*x(t - tau)"


@pytest.fixture(scope="module")
def polynomial() -> PolynomialFunctional:
    part = sos_part(hutchinson(), 0.0, LONGEST, order=1, settings=Programs(4, 0))
    return part.functional


def test_the_network_is_the_polynomial(polynomial):
    found = distilled(polynomial, [(-0.5, 1.0)], LONGEST, LONGEST)
    assert found.error < 1e-5
    x = torch.linspace(-0.5, 1.0, 31, dtype=torch.float64).unsqueeze(-1)
    for tau in (0.1, LONGEST):
        wanted = polynomial.on_constant_histories(x, tau)
        torch.testing.assert_close(
            found.functional.on_constant_histories(x, tau), wanted, rtol=1e-4, atol=1e-6
        )
    assert found.functional.V0.activation == "square"
    assert float(torch.linalg.eigvalsh(found.functional.bessel(LONGEST))[0]) > 0
    assert float(torch.linalg.eigvalsh(found.functional.S)[0]) > 0


def made_up(n: int, order: int, seed: int) -> PolynomialFunctional:
    """P and S definite enough that a quartic V0 and W, each a sum of squares, can be split off."""
    generator = torch.Generator().manual_seed(seed)

    def terms(places: list[int], count: int) -> dict[tuple[int, ...], float]:
        """|m|^2 of a random quadratic map m, without its quadratic terms."""
        total: dict[tuple[int, ...], float] = {}
        for _ in range(2):
            monomials = [(i,) for i in places] + [(i, j) for i in places for j in places if i <= j]
            row = 0.4 * torch.randn(len(monomials), generator=generator, dtype=torch.float64)
            for a, u in zip(monomials, row.tolist(), strict=True):
                for b, v in zip(monomials, row.tolist(), strict=True):
                    if len(a) + len(b) > 2:
                        key = tuple((*a, *b).count(k) for k in range(count))
                        total[key] = total.get(key, 0.0) + u * v
        return total

    size, one = n * (order + 1), torch.eye(n, dtype=torch.float64)
    return PolynomialFunctional(
        order,
        4,
        4 * torch.eye(size, dtype=torch.float64),
        4 * one,
        one,
        one,
        terms(list(range(size)), size),
        terms(list(range(n)), n),
    )


@pytest.mark.parametrize(("n", "order"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_gradients_agree_where_p_sees_moments_at_the_delay_of_the_fit(n, order):
    v = made_up(n, order, 3)
    found = distilled(v, [(-1.0, 0.5)] * n, 0.7, 0.8)
    assert found is not None
    assert found.error < 1e-4
    generator = torch.Generator().manual_seed(0)
    x = -1 + 1.5 * torch.rand(20, n, generator=generator, dtype=torch.float64)
    wanted = v.on_constant_histories(x, 0.7)
    torch.testing.assert_close(
        found.functional.on_constant_histories(x, 0.7), wanted, rtol=1e-3, atol=1e-4
    )


def test_degrees_beyond_four_are_not_squares_of_quadratic_forms(polynomial):
    higher = replace(polynomial, p={(6, 0): 1.0})
    assert distilled(higher, [(-0.5, 1.0)], 0.5, LONGEST) is None


def test_the_start_is_proved_as_it_is_where_no_quadratic_functional_is():
    system, settings = hutchinson(), CegisSettings(hidden=(8,))
    start = polynomial_start(system, 0.0, 1.0, settings)
    assert start.functional.V0.activation == ((("square", 2), ("tanh", 8)),)
    cover = constant_cover(0.0, 1.0)
    proofs = Settings(max_boxes=100_000)
    assert isinstance(finish(system, start.functional, cover, proofs).answer, Proved)
    again = polynomial_start(system, 0.0, 1.0, settings)
    assert torch.equal(again.functional.V0.weights[1], start.functional.V0.weights[1])


def test_where_a_search_starts():
    system = hutchinson()
    cases = {
        ("constant", "auto", 0): True,
        ("constant", "auto", 1): False,
        ("constant", "sos", 0): True,
        ("constant", "quadratic", 0): False,
        ("measurable", "sos", 0): False,
    }
    for (kind, choice, moments), expected in cases.items():
        settings = CegisSettings(moments=moments, choices=Choices(start=choice))
        found = chosen_start(system, kind, 0.0, 0.5, settings, (1.0,))
        assert (found is not None) is expected, (kind, choice, moments)
    assert chosen_start(pendulum(), "constant", 0.0, 0.1, CegisSettings()) is None  # a sine


def test_a_proved_start_stands_in_for_a_search_that_failed():
    system = hutchinson()
    start = polynomial_start(system, 0.0, 0.8, CegisSettings(hidden=(4,)))
    failed = Searched(Finished(None, Unknown("no", torch.zeros(0, 2), 0)), (), "")
    found = better(system, failed, start, constant_cover(0.0, 0.8), Settings(max_boxes=100_000))
    assert found.finished.part is not None
    assert better(system, found, start, constant_cover(0.0, 0.8), Settings()) is found


@pytest.mark.slow
def test_certificates_from_the_start_are_checked():
    """Beyond what a quadratic functional certifies (0.88), after a few steps of training."""
    found = certify(hutchinson(), Constant("tau", 0.0, 0.95), method="neural", steps=30)
    assert found.rigor == "rigorous"
    [part] = found.data["functional"]["parts"]
    assert part["networks"]["V0"]["activation"] == [[["square", 2], ["tanh", 16]]]
    assert "sums of squares" in found.data["statistics"]["cegis"][0]["start"]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["sin", "square", "softplus"])
@pytest.mark.parametrize("neurons", [12, [6, 6]])
def test_networks_of_each_activation_and_depth_are_found_and_checked(activation, neurons):
    problem = Problem.from_dict(
        {
            "system": {"equations": [HUTCHINSON], "domain": {"x": [-0.5, 1.0]}},
            "delays": {"tau": {"range": [0.0, 0.7]}},
            "certify": {"method": "neural", "activation": activation, "neurons": neurons}
            | {"start": "quadratic"},
        }
    )
    found = certify(problem, steps=600)
    assert found.rigor == "rigorous"
