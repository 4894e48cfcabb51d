"""Learning from a problem file: what ``certdde learn`` does, as a function."""

from certdde.models.learn.run import LearnResult, learn
from certdde.models.learn.writing import load_model

__all__ = ["LearnResult", "learn", "load_model"]
