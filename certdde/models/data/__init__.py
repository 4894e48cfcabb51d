"""Learning tasks, generated from a seed; nothing is downloaded."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from certdde.models.data.neural_laplace import laplace_lotka_volterra, laplace_spiral
from certdde.models.data.samples import Past, Samples
from certdde.models.data.scalar import mackey_glass, population
from certdde.models.data.sequences import SEQUENCES, sequences
from certdde.models.data.spiral import spiral
from certdde.models.data.static_maps import annuli, reflection
from certdde.models.data.task import TaskData
from certdde.models.data.varying_delay import varying_delay

TASKS: Mapping[str, Callable[..., TaskData]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            reflection,
            annuli,
            spiral,
            population,
            mackey_glass,
            varying_delay,
            laplace_spiral,
            laplace_lotka_volterra,
        )
    }
    | {name: partial(sequences, name) for name in SEQUENCES}
)
"""Each task's generator by its name; the first argument is the seed, the others are sizes."""

__all__ = [
    "SEQUENCES",
    "TASKS",
    "Past",
    "Samples",
    "TaskData",
    "annuli",
    "laplace_lotka_volterra",
    "laplace_spiral",
    "mackey_glass",
    "population",
    "reflection",
    "sequences",
    "spiral",
    "varying_delay",
]
