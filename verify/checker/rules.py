"""The kinds of certificates, by name."""

from . import krasovskii, spectral
from .rule import Rule

RULES: dict[str, Rule] = {"krasovskii": krasovskii.RULE, "spectral": spectral.RULE}
