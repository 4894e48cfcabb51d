"""Neural flows: solution maps F(t, x) with F(0, x) = x, invertible by construction, and their delayed form."""

from certdde.models.flows.clock import Clock
from certdde.models.flows.coupling import CouplingLayer, coupling_flow
from certdde.models.flows.delayed import DelayedFlow
from certdde.models.flows.embeddings import TimeEmbedding
from certdde.models.flows.flow import Composite, Flow
from certdde.models.flows.gru import GRUFlow
from certdde.models.flows.resnet import ResNetFlow
from certdde.models.flows.step_map import StepMap

__all__ = [
    "Clock",
    "Composite",
    "CouplingLayer",
    "DelayedFlow",
    "Flow",
    "GRUFlow",
    "ResNetFlow",
    "StepMap",
    "TimeEmbedding",
    "coupling_flow",
]
