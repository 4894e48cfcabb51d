"""Lyapunov-Krasovskii functionals."""

from certdde.functionals.functional import Functional
from certdde.functionals.network import Network

__all__ = ["Functional", "Network"]
