"""Controllers for plants with a late input, found together with a functional that proves their loop."""

from certdde.learning.synthesis.synthesise import Synthesised, synthesise
from certdde.learning.synthesis.writing import write_controller

__all__ = ["Synthesised", "synthesise", "write_controller"]
