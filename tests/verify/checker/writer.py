"""A small writer of certificates for the tests, made from the specification alone."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

Networks = dict[str, dict[str, np.ndarray]]


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as the content of an npz file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def safetensors_bytes(tensors: dict[str, np.ndarray]) -> bytes:
    """Tensors as the content of a safetensors file."""
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array, dtype="<f8").tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Entries as the content of a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as found:
        for name, content in entries.items():
            found.writestr(name, content)
    return stream.getvalue()


def entries_of(source: Path | bytes) -> dict[str, bytes]:
    """The entries of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as found:
        return {name: found.read(name) for name in found.namelist()}


def digest(document: dict[str, Any], entries: dict[str, bytes]) -> str:
    """The digest of section 1."""
    body = {k: v for k, v in document.items() if k != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    total = hashlib.sha256(text.encode())
    for name in sorted(entries):
        total.update(name.encode() + b"\0" + hashlib.sha256(entries[name]).digest())
    return total.hexdigest()


def write(
    path: Path, document: dict[str, Any], entries: dict[str, bytes], seal: bool = True
) -> Path:
    """Write the archive, with a fresh digest if `seal`."""
    if seal:
        document = document | {"digest": digest(document, entries)}
    path.write_bytes(archive({"certificate.json": json.dumps(document).encode(), **entries}))
    return path


def said(value: float | list[float]) -> str:
    """`= 1.0`, or `in [0.9, 1.1]`."""
    if isinstance(value, list):
        low, high = (repr(float(end)) for end in value)
        return f"in [{low}, {high}]"
    return f"= {float(value)!r}"


def claim(document: dict[str, Any]) -> str:
    """The sentence of section 6, written out a second time."""
    system, delay, region = document["system"], document["delay"], document["region"]
    a, b = (repr(float(t)) for t in delay["range"])
    names = system["states"]
    found = {s: system["equilibrium"].get(s, 0.0) for s in names}
    rest = ", ".join(f"{s} {said(value)}" for s, value in found.items())
    if any(isinstance(value, list) for value in found.values()):
        of = (
            ", and V is a function of the deviation from it" if system["domain"] is not None else ""
        )
        rest += f" (exactly one there{of})"
    given = sorted(system["parameters"].items())
    spans = [f"{k} {said(value)}" for k, value in given if isinstance(value, list)]
    more = f" and every constant {', '.join(spans)}" if spans else ""
    text = (
        f"For every constant delay {delay['name']} in [{a}, {b}]{more}, the equilibrium {rest} of "
    )
    text += "; ".join(system["equations"])
    pairs = [f"{k} {said(value)}" for k, value in given if not isinstance(value, list)]
    called = sorted(system.get("networks", {}).items())
    pairs += [f"{name} the network {entry['fingerprint']}" for name, entry in called]
    if pairs:
        text += " with " + ", ".join(pairs)
    if system["domain"] is None:
        return text + " is globally asymptotically stable."
    box = [
        f"{float(system['domain'][s][0])!r} <= {s} <= {float(system['domain'][s][1])!r}"
        for s in names
    ]
    levels = [repr(float(c)) for c in region["level"]]
    bound = f"V <= {levels[0]}" if len(levels) == 1 else f"V_i <= c_i, c = ({', '.join(levels)})"
    return (
        text
        + " is asymptotically stable, and every absolutely continuous history with square integrable"
        + f" derivative, values in {', '.join(box)} and {bound} stays there and tends to the equilibrium;"
        + f" all histories within {float(region['radius']['rho'])!r} of the equilibrium in every state with"
        + f" rates at most {float(region['radius']['rho_rate'])!r} are among them."
    )


def document(
    states: list[str],
    equations: list[str],
    delay_range: list[float],
    order: int,
    parts: list[dict[str, Any]],
    domain: dict[str, list[float]] | None = None,
    nonlinear: tuple[list[str], list[str]] = ((), ()),
    level: list[float] | None = None,
    radius: tuple[float, float] | None = None,
    parameters: dict[str, float] | None = None,
    equilibrium: dict[str, float] | None = None,
) -> dict[str, Any]:
    """A complete `certificate.json` without digest; `parts` are the "networks" objects."""
    found = {
        "schema": "certdde-certificate-1",
        "kind": "krasovskii",
        "status": "certified",
        "rigor": "float64",
        "system": {
            "name": "test",
            "states": states,
            "equations": equations,
            "parameters": parameters or {},
            "equilibrium": equilibrium or {},
            "domain": domain,
        },
        "delay": {"name": "tau", "class": "constant", "range": delay_range},
        "functional": {
            "kind": "neural" if any(parts) else "quadratic",
            "order": order,
            "parts": [{"networks": p} for p in parts],
        },
        "proof": {"nonlinear": {"states": list(nonlinear[0]), "delayed": list(nonlinear[1])}},
        "region": {
            "domain": domain,
            "level": level,
            "radius": None if radius is None else {"rho": radius[0], "rho_rate": radius[1]},
            "area": None,
        },
        "engine": "neural" if any(parts) else "quadratic",
        "statistics": {},
        "versions": {},
        "seed": 0,
        "counterexample": None,
    }
    return found | {"claim": claim(found)}
