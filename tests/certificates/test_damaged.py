"""A damaged file is reported, whatever breaks in it."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress

import pytest

from certdde.certificates.bundle import read
from certdde.certificates.random import RandomPiece
from certdde.errors import CertificateError


def content() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("certificate.json", json.dumps({"claim": "x" * 40, "numbers": [1.5, 2]}))
    return stream.getvalue()


@pytest.mark.parametrize("mask", [0x01, 0xFF])
def test_no_other_error_escapes(tmp_path, mask):
    whole, path = content(), tmp_path / "a.certdde"
    refused = 0
    for k in range(len(whole)):
        damaged = bytearray(whole)
        damaged[k] ^= mask
        path.write_bytes(damaged)
        for attempt in (lambda: read(path), lambda data=damaged: RandomPiece.read(bytes(data))):
            with suppress(CertificateError):
                attempt()
                continue
            refused += 1
    assert refused > len(whole)
