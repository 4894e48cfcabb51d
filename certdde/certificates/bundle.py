"""The certificate file: a zip of JSON, arrays and weights (docs/certificate-format.md, section 1)."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from certdde.errors import CertificateError

JSON_NAME = "certificate.json"


def digest(data: Mapping[str, Any], entries: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of section 1 of the format, over the JSON object without ``digest`` and the other entries."""
    plain = {key: value for key, value in data.items() if key != "digest"}
    total = hashlib.sha256(
        json.dumps(
            plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        ).encode()
    )
    for name in sorted(entries):
        total.update(name.encode() + b"\0" + hashlib.sha256(entries[name]).digest())
    return total.hexdigest()


def array_entry(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of an ``.npz`` with these arrays (deflated, no pickle, no time stamp)."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def tensor_entry(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a ``.safetensors`` with these float64 tensors."""
    return save_tensors({name: np.ascontiguousarray(value) for name, value in tensors.items()})


def write(path: Path, data: Mapping[str, Any], entries: Mapping[str, bytes]) -> dict[str, Any]:
    """Write a certificate through a temporary file; return the object with its digest.

    Raises
    ------
    CertificateError
        If the file cannot be written.
    """
    complete: dict[str, Any] = json.loads(json.dumps(dict(data), allow_nan=False))
    complete["digest"] = digest(complete, entries)
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in [
                (JSON_NAME, json.dumps(complete, indent=1, allow_nan=False).encode()),
                *sorted(entries.items()),
            ]:
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        temporary.replace(path)
    except OSError as error:
        raise CertificateError(
            f"cannot write ({error.strerror})", where=str(path), wanted="a writable place"
        ) from None
    return complete


# What reading a damaged archive, or one without an object, may raise.
BROKEN = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    EOFError,
)


def read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read a certificate file without checking it.

    Raises
    ------
    CertificateError
        If it is missing, no zip, or holds no readable ``certificate.json``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        data: dict[str, Any] = json.loads(entries.pop(JSON_NAME))
    except FileNotFoundError:
        raise CertificateError(
            "no such file", where=str(path), wanted="a file that certdde certify wrote"
        ) from None
    except BROKEN as error:
        raise CertificateError(
            f"not a certificate ({type(error).__name__})",
            where=str(path),
            wanted="a file that certdde certify wrote",
        ) from None
    return data, entries


def read_arrays(entries: Mapping[str, bytes], part: int) -> dict[str, np.ndarray]:
    """Return the arrays of a part."""
    with np.load(io.BytesIO(entries[f"part{part}.npz"]), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def read_tensors(entries: Mapping[str, bytes], part: int) -> dict[str, np.ndarray]:
    """Return the weights of a part; empty if it has no networks."""
    name = f"part{part}.safetensors"
    return load_tensors(entries[name]) if name in entries else {}
