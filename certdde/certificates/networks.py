"""The networks of a system in a certificate (docs/certificate-format.md, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safetensors.numpy import load as load_tensors

from certdde.certificates.bundle import tensor_entry
from certdde.systems.feedforward import Feedforward


def network_section(networks: Mapping[str, Feedforward]) -> dict[str, Any]:
    """Return ``system.networks``."""
    return {
        name: {**network.description(), "fingerprint": network.fingerprint}
        for name, network in networks.items()
    }


def network_entry(name: str) -> str:
    """Return the name of the entry with the weights of a network."""
    return f"network.{name}.safetensors"


def network_entries(networks: Mapping[str, Feedforward]) -> dict[str, bytes]:
    """Return the entries with the weights."""
    return {
        network_entry(name): tensor_entry(network.tensors()) for name, network in networks.items()
    }


def read_networks(
    section: Mapping[str, Any], entries: Mapping[str, bytes]
) -> dict[str, Feedforward]:
    """Rebuild the networks of a certificate, which is not checked."""
    return {
        name: Feedforward.from_description(entry, load_tensors(entries[network_entry(name)]))
        for name, entry in section.get("networks", {}).items()
    }
