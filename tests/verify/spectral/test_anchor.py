"""The functional next to the delay 0."""

import numpy as np
import pytest
from anchors import GU, KIM, KR, LD, SC, UNSTABLE, linear

from certdde.inequalities.inequality import dissipation
from certdde.verify.spectral.anchor import anchor_at_zero
from certdde.verify.spectral.linear import LinearDelaySystem


def holds(system) -> bool:
    functional, breaks = anchor_at_zero(LinearDelaySystem.of(system))
    positive = all(np.linalg.eigvalsh(m.numpy())[0] > 0 for m in (functional.P, functional.S))
    return positive and bool(dissipation(system, functional, breaks).eliminated < 0)


@pytest.mark.parametrize("system", [SC, KR, LD, KIM], ids=["SC", "KR", "LD", "KIM"])
def test_it_proves_stability_of_known_systems(system):
    assert holds(system)


def test_it_proves_stability_of_random_systems_of_all_scales():
    rng = np.random.default_rng(0)
    for _ in range(40):
        n = int(rng.integers(1, 4))
        present, delayed = rng.normal(size=(2, n, n)) * 10.0 ** rng.uniform(-3, 3)
        shift = np.linalg.eigvals(present + delayed).real.max() + 0.05 * np.abs(present).max()
        assert holds(linear((present - shift * np.eye(n)).tolist(), delayed.tolist()))


@pytest.mark.parametrize("system", [GU, UNSTABLE], ids=["GU", "unstable"])
def test_there_is_none_where_the_system_without_delay_is_unstable(system):
    assert anchor_at_zero(LinearDelaySystem.of(system)) is None
