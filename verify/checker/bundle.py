"""The archive: entries within limits, the digest, arrays and tensors without pickle (spec 1)."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .refusal import Refused, require

MAX_ENTRIES = 2048
MAX_BYTES = 2**30
MAX_JSON = 2**24
DTYPES = ("<f8", "<i8", "|u1")

Arrays = dict[str, np.ndarray]


def read_entries(path: Path) -> dict[str, bytes]:
    """All entries of the archive at `path`; where = "file" if there is no archive to read."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refused("file", f"cannot be read as a zip archive ({error})") from error
    with archive:
        return unpack(archive, "archive", MAX_BYTES)


def unpack(archive: zipfile.ZipFile, where: str, limit: int) -> dict[str, bytes]:
    """The content of every entry; names distinct and literal, sizes as declared and within limits."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    require(len(infos) <= MAX_ENTRIES, where, "has too many entries")
    require(len(set(names)) == len(names), where, "has two entries of one name")
    require(sum(info.file_size for info in infos) <= limit, where, "is too large")
    return {info.filename: read_entry(archive, info, where) for info in infos}


def read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
    """One entry, never more than its declared size (zipfile checks the CRC at the end)."""
    plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    require(plain and not info.flag_bits & 0x1, where, "an entry is not stored or deflated")
    require(info.filename == info.orig_filename, where, "an entry has an odd name")
    data = bytearray()
    try:
        with archive.open(info) as stream:
            while chunk := stream.read(min(2**20, info.file_size + 1 - len(data))):
                data += chunk
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise Refused(where, f"an entry is damaged ({error})") from error
    require(len(data) == info.file_size, where, "an entry is not of its declared size")
    return bytes(data)


def digest(plain: Mapping[str, Any], entries: Mapping[str, bytes]) -> str:
    """The digest of spec 1: canonical JSON without `digest`, then name, 0, SHA-256 of each entry."""
    body = {key: value for key, value in plain.items() if key != "digest"}
    text = json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    total = hashlib.sha256(text.encode("ascii"))
    for name in sorted(entries):
        if name != "certificate.json":
            total.update(name.encode("ascii") + b"\0" + hashlib.sha256(entries[name]).digest())
    return total.hexdigest()


def read_npz(content: bytes, where: str) -> Arrays:
    """The arrays of an npz: members `<name>.npy`, plain little-endian types, C order, all finite."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refused(where, f"is not an npz archive ({error})") from error
    with archive:
        members = unpack(archive, where, MAX_BYTES)
    require(all(name.endswith(".npy") for name in members), where, "holds more than arrays")
    return {name[:-4]: read_npy(data, f"{where}, {name}") for name, data in members.items()}


def read_npy(data: bytes, where: str) -> np.ndarray:
    """One array of the npy format; nothing before, after or inside it but its numbers."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        require(version == (1, 0), where, "is not an npy file of version 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise Refused(where, "has a damaged header") from error
    require(dtype.str in DTYPES and not (fortran and len(shape) > 1), where, "has a refused type")
    return numbers(memoryview(data)[stream.tell() :], dtype, shape, where)


def numbers(
    data: bytes | memoryview, dtype: np.dtype, shape: Iterable[int], where: str
) -> np.ndarray:
    """`data` as an array, not copied, if it has exactly the size that `shape` says and is finite."""
    sizes = tuple(shape)
    require(all(type(k) is int and k >= 0 for k in sizes), where, "has a bad shape")
    require(len(data) == math.prod(sizes) * dtype.itemsize, where, "has not the size of its shape")
    array = np.frombuffer(data, dtype=dtype).reshape(sizes)
    if dtype.kind == "f":
        require(bool(np.isfinite(array).all()), where, "holds a NaN or an infinity")
    return array


def read_safetensors(content: bytes, where: str) -> Arrays:
    """The tensors of a safetensors file, all F64, laid end to end over the whole buffer."""
    length = int.from_bytes(content[:8], "little")
    require(len(content) >= 8 and length <= min(len(content) - 8, MAX_JSON), where, "is damaged")
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise Refused(where, f"has a damaged header ({error})") from error
    require(isinstance(header, dict), where, "has a damaged header")
    header.pop("__metadata__", None)
    buffer, end = content[8 + length :], 0
    tensors: Arrays = {}
    for name, entry in sorted(header.items(), key=lambda item: offsets(item[1], where)):
        start, stop = offsets(entry, where)
        require(start == end and stop >= start, where, "has overlapping tensors or a hole")
        tensors[name] = numbers(buffer[start:stop], np.dtype(np.float64), entry["shape"], where)
        end = stop
    require(end == len(buffer), where, "has bytes that belong to no tensor")
    return tensors


def offsets(entry: Any, where: str) -> tuple[int, int]:
    """The byte range of a tensor, from a header entry of the right form."""
    good = isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"}
    require(good and entry["dtype"] == "F64", where, "has a tensor that is not F64")
    pair = entry["data_offsets"]
    require(isinstance(pair, list) and len(pair) == 2, where, "has bad offsets")
    require(all(type(k) is int and k >= 0 for k in pair), where, "has bad offsets")
    require(isinstance(entry["shape"], list), where, "has a bad shape")
    return pair[0], pair[1]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are distinct."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found
