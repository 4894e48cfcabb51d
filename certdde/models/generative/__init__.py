"""Delay equations as generators: from noise, and what was before it, to samples of a law."""

from certdde.models.generative.couplings import (
    Coded,
    Coupling,
    Independent,
    Origin,
    Pairs,
    Transported,
)
from certdde.models.generative.distances import energy_distance, squared_mmd
from certdde.models.generative.matching import matching_loss, on_lines
from certdde.models.generative.training import GenerativeTraining, generate, match

__all__ = [
    "Coded",
    "Coupling",
    "GenerativeTraining",
    "Independent",
    "Origin",
    "Pairs",
    "Transported",
    "energy_distance",
    "generate",
    "match",
    "matching_loss",
    "on_lines",
    "squared_mmd",
]
