"""Learned delayed schemes x[t+1] = x[t] - F_{t, theta, tau}(x[t - tau]): trained, fixed at a delay, certified."""

from certdde.models.schemes.bounded import BoundedIncrement
from certdde.models.schemes.delay_table import DelayTable
from certdde.models.schemes.evaluation import DelayScore, score
from certdde.models.schemes.fixed_scheme import FixedScheme
from certdde.models.schemes.gains import constant_gain, largest_gain
from certdde.models.schemes.increment import GatedIncrement
from certdde.models.schemes.modes import MODES, ModeSettings, train_mode
from certdde.models.schemes.objectives import CertifiedSlopes, Decrease
from certdde.models.schemes.rollouts import rollout
from certdde.models.schemes.secants import Secants, secants
from certdde.models.schemes.tasks import (
    SchemeTask,
    Trajectories,
    damped_linear,
    logistic,
    trajectories,
)
from certdde.models.schemes.training import SchemeTraining, deploy, train_scheme

__all__ = [
    "MODES",
    "BoundedIncrement",
    "CertifiedSlopes",
    "Decrease",
    "DelayScore",
    "DelayTable",
    "FixedScheme",
    "GatedIncrement",
    "ModeSettings",
    "SchemeTask",
    "SchemeTraining",
    "Secants",
    "Trajectories",
    "constant_gain",
    "damped_linear",
    "deploy",
    "largest_gain",
    "logistic",
    "rollout",
    "score",
    "secants",
    "train_mode",
    "train_scheme",
    "trajectories",
]
