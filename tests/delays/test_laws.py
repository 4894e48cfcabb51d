"""Every delay law: cdf and quantile are inverse, samples follow them and the mean, bounds hold, seeds repeat."""

import math

import pytest
import torch

from certdde.delays.composed_laws import Mixture, ScipyLaw, TruncatedLaw
from certdde.delays.laws import DelayLaw, Exponential, LogNormal, Pareto, Uniform
from certdde.errors import ProblemError

LAWS: dict[str, DelayLaw] = {
    "exponential": Exponential(0.5),
    "pareto": Pareto(3.5, 0.2),
    "lognormal": LogNormal(0.5, 0.3),
    "uniform": Uniform(0.1, 0.7),
    "scipy": ScipyLaw("gamma", {"a": 2.0, "scale": 0.1}),
    "truncated": TruncatedLaw(Exponential(0.5), 0.1, 1.0),
    "truncated pareto": TruncatedLaw(Pareto(1.2), 1.0, 5.0),
    "truncated scipy": TruncatedLaw(ScipyLaw("expon", {"scale": 0.1}), 0.0, 0.3),
    "mixture": Mixture((0.3, 0.7), (Exponential(1.0), Uniform(0.0, 1.0))),
}


def test_every_kind_is_here() -> None:
    def kinds(base: type) -> set[type]:
        return set(base.__subclasses__()).union(*(kinds(k) for k in base.__subclasses__()))

    assert {k.__name__ for k in kinds(DelayLaw)} == {type(law).__name__ for law in LAWS.values()}


@pytest.mark.parametrize("name", LAWS)
def test_quantile_inverts_the_cdf(name: str) -> None:
    u = torch.linspace(0.001, 0.999, 500, dtype=torch.float64)
    tau = LAWS[name].quantile(u)
    assert torch.allclose(LAWS[name].cdf(tau), u, atol=1e-9)
    assert bool((tau.diff() >= 0).all())


@pytest.mark.parametrize("name", LAWS)
def test_samples_follow_the_law(name: str) -> None:
    law = LAWS[name]
    draws = law.sample((50_000,), torch.Generator().manual_seed(1))
    assert law.lower <= float(draws.min())
    assert float(draws.max()) <= law.upper
    assert float(draws.min()) >= 0
    error = float(draws.std()) / math.sqrt(50_000)
    assert abs(float(draws.mean()) - law.mean) < 5 * error
    empirical = torch.arange(1, 50_001, dtype=torch.float64) / 50_000
    assert float((law.cdf(draws.sort().values) - empirical).abs().max()) < 0.01


@pytest.mark.parametrize("name", LAWS)
def test_seeds_repeat(name: str) -> None:
    one, two = (
        LAWS[name].sample((3, 4), torch.Generator().manual_seed(7), torch.float32) for _ in range(2)
    )
    assert one.dtype == torch.float32
    assert torch.equal(one, two)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Exponential(-1.0),
        lambda: Pareto(1.0),
        lambda: Pareto(2.0, 0.0),
        lambda: LogNormal(0.0),
        lambda: Uniform(1.0, 0.5),
        lambda: Uniform(-1.0, 0.5),
        lambda: ScipyLaw("norm", {}),
        lambda: ScipyLaw("no_such_law", {}),
        lambda: ScipyLaw("pareto", {"b": 0.9}),
        lambda: ScipyLaw("gamma", {"wrong": 1.0}),
        lambda: TruncatedLaw(Uniform(0.0, 1.0), 2.0, 3.0),
        lambda: TruncatedLaw(Exponential(1.0), 1.0, 0.5),
        lambda: Mixture((0.5, 0.6), (Exponential(1.0), Exponential(2.0))),
    ],
)
def test_laws_that_are_none_are_refused(make: object) -> None:
    with pytest.raises(ProblemError):
        make()  # type: ignore[operator]
