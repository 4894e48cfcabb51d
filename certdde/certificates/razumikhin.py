"""Certificates of kind ``razumikhin`` (docs/certificate-format.md, kind "razumikhin")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import array_entry, tensor_entry
from certdde.certificates.certificate import Certificate, claimed, system_section
from certdde.certificates.part import activation_entry

if TYPE_CHECKING:
    from certdde.delays.classes import DelayClass
    from certdde.functionals import Network
    from certdde.systems.delay_system import DelaySystem

ENTRY, WEIGHTS = "razumikhin.npz", "razumikhin.safetensors"


@dataclass(frozen=True, slots=True)
class RazumikhinProof:
    """A function V of the state, in the user's coordinates, and what shows that it decays.

    Attributes
    ----------
    form : str
        ``independent``, ``dependent`` or ``averaged``.
    arrays : mapping
        Those of the format: P, q, beta, and as the form asks for Q, window, N, rho; the partition.
    network : Network or None
        p of V(x) = x^T P x + |p(x)|^2.
    level : float or None
        None for a global claim.
    radius : mapping
        ``rho``, and for the form ``dependent`` ``rho_rate`` and ``rates``.
    """

    form: str
    arrays: Mapping[str, np.ndarray]
    network: Network | None = None
    level: float | None = None
    radius: Mapping[str, float] = field(default_factory=dict)


def razumikhin_certified(
    system: DelaySystem,
    delay: DelayClass,
    proof: RazumikhinProof,
    *,
    nonlinear: Mapping[str, Sequence[str]] | None = None,
    area: Mapping[str, Any] | None = None,
    **extra: Any,
) -> Certificate:
    """Build a certificate of kind ``razumikhin`` (rigor ``float64`` until the checker has accepted it).

    Parameters
    ----------
    system, delay
        What is certified.
    proof : RazumikhinProof
    nonlinear : mapping, optional
        ``proof.nonlinear``.
    area : mapping, optional
        Information on the region's size.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    network, region, entries = proof.network, None, {ENTRY: array_entry(proof.arrays)}
    description: dict[str, Any] = {}
    if network is not None:
        inputs = [system.states[i] for i in network.inputs]
        layers = len(network.weights)
        activation = activation_entry(network)
        description["V0"] = {"inputs": inputs, "activation": activation, "layers": layers}
        tensors = {f"V0.weight{i}": w.detach().numpy() for i, w in enumerate(network.weights)}
        tensors |= {f"V0.bias{i}": b.detach().numpy() for i, b in enumerate(network.biases)}
        entries[WEIGHTS] = tensor_entry(tensors)
    if proof.level is not None:
        region = {
            "domain": system_section(system)["domain"],
            "level": [proof.level],
            "radius": dict(proof.radius),
            "area": dict(area) if area else None,
        }
    functional = {
        "kind": "quadratic" if network is None else "neural",
        "form": proof.form,
        "networks": description,
    }
    about = {"nonlinear": {k: list(v) for k, v in nonlinear.items()}} if nonlinear else {}
    return claimed(
        "razumikhin",
        system,
        delay,
        functional=functional,
        proof=about,
        region=region,
        entries=entries,
        **extra,
    )
