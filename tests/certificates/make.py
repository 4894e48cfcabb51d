"""Write the certificates of accept/ and reject/ again: python -m tests.certificates.make, from the root.

They are kept in the repository so that any checker can be tried on them, and so that a change of the writer cannot
change what the checker is tested with. Each file of reject/ differs from a good one by what its name says.
"""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from certdde.certificates import Certificate
from certdde.delays.classes import Constant, Measurable
from certdde.learning.certify import certify
from certdde.systems import DelaySystem
from certdde.verify.checker import check_file

from ..verify.checker import maker, several_maker, sos_maker, writer

HERE = Path(__file__).parent
Entries = dict[str, bytes]


def spectral() -> Certificate:
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    return certify(system, Constant("tau", 0.0, 1.5), method="spectral")


def swings(end: float = 1.0) -> Certificate:
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    return certify(system, Measurable("tau", 0.0, end), method="theorem")


def swings_everywhere() -> Certificate:
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    return certify(system, Measurable("tau", 0.0, 1.4999), method="theorem")


def squares() -> sos_maker.Draft:
    """A polynomial functional, with Gram matrices of few digits, which make a small file."""
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1]})
    ends = [0.75, 0.8125]
    part = sos_maker.part(system, *ends, 1, margin=0.1)
    draft = sos_maker.draft(system, [part], ends)
    for name, array in draft.arrays[0].items():
        if ".gram" in name:
            mantissa, exponent = np.frexp(array)
            draft.arrays[0][name] = np.ldexp(np.round(mantissa * 2**14) / 2**14, exponent)
    return draft


def false_squares() -> dict[str, sos_maker.Draft]:
    """Identities that are none, or claims that they do not prove."""
    good, longer, higher = squares(), squares(), squares()
    longer.document["delay"]["range"] = [0.75, 0.82]
    higher.document["region"]["level"] = [1.02 * good.document["region"]["level"][0]]
    gram = good.arrays[0]["D0_0.gram0"]
    basis, full = good.arrays[0]["D0_0.basis"], good.arrays[0]["D0_0.gram"]
    rest = np.flatnonzero(basis[:, 2] == 0)
    return {
        "squares_longer_delays": longer,
        "squares_level_too_high": higher,
        "squares_negative_multiplier": good.changed(D0_0__gram0=-gram),
        "squares_without_a_variable": good.changed(
            D0_0__basis=basis[rest], D0_0__gram=full[np.ix_(rest, rest)]
        ),
        "squares_face_missing": good.changed(face1__basis=None, face1__gram=None),
        "squares_of_another_functional": good.changed(P=1.5 * good.arrays[0]["P"]),
    }


def with_arrays(draft: maker.Draft, **arrays: np.ndarray) -> maker.Draft:
    draft = copy.deepcopy(draft)
    draft.arrays[0] |= arrays
    return draft


def with_tensors(draft: maker.Draft, **tensors: np.ndarray) -> maker.Draft:
    draft = copy.deepcopy(draft)
    draft.tensors[0] |= {name.replace("__", "."): value for name, value in tensors.items()}
    return draft


def with_field(draft: maker.Draft, *path: Any, value: Any) -> maker.Draft:
    draft = copy.deepcopy(draft)
    place = draft.document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return draft


def entry_of(array: np.ndarray, index: Any, value: float) -> np.ndarray:
    array = array.copy()
    array[index] = value
    return array


# ---- files that are true


def accepted() -> dict[str, Callable[[Path], Any]]:
    neural = maker.hutchinson(True)
    bias = neural.tensors[0]["V0.bias0"]
    return {
        "linear": maker.linear_scalar(1).save,
        "linear_order_3": maker.linear_scalar(3).save,
        "linear_with_a_domain": maker.linear_with_domain().save,
        "quadratic": maker.hutchinson().save,
        "neural": neural.save,
        "two_states": maker.pendulum().save,
        "two_parts_elsewhere": maker.two_parts().save,
        "several": several_maker.tree().save,
        "spectral": spectral().save,
        "spectral_multiples": several_maker.multiples().save,
        "squares": squares().save,
        "swings": swings().save,
        "swings_everywhere": swings_everywhere().save,
        "negative_zero_in_a_bias": with_tensors(neural, V0__bias0=entry_of(bias, 0, -0.0)).save,
        "subnormal_in_a_bias": with_tensors(neural, V0__bias0=entry_of(bias, 0, 5e-324)).save,
        "huge_integer_in_the_seed": with_field(neural, "seed", value=10**300).save,
    }


# ---- false claims, and arrays that prove nothing


def false_arrays() -> dict[str, maker.Draft]:
    good, neural, planar = maker.hutchinson(), maker.hutchinson(True), maker.pendulum()
    arrays, codes, faces = good.arrays[0], good.arrays[0]["codes"], planar.arrays[0]["face_codes"]
    leaf = int(np.flatnonzero(codes >= 254)[3])
    first = np.repeat(np.random.default_rng(0).normal(size=(8, 1)), 2, axis=0)
    pair = np.stack([np.full((4, 8), 1e17), np.full((4, 8), -1e17)], axis=2).reshape(4, 16)
    hidden, last = neural.tensors[0]["V0.weight0"], neural.tensors[0]["V0.weight1"]
    return {
        "nan": with_arrays(good, S=np.array([[np.nan]])),
        "infinity": with_arrays(good, R=np.array([[np.inf]])),
        "nan_in_a_weight": with_tensors(neural, V0__weight1=entry_of(last, (0, 0), np.nan)),
        "subnormal_matrix": with_arrays(good, S=np.array([[5e-324]])),
        "negative_zero_matrix": with_arrays(good, R=np.array([[-0.0]])),
        "not_symmetric": with_arrays(good, P=arrays["P"] + np.array([[0, 1e-13], [0, 0]])),
        "swapped_matrices": with_arrays(good, S=arrays["R"], R=arrays["S"]),
        "swapped_weights": with_tensors(
            neural,
            V0__weight0=last.reshape(-1, 1)[:16] * 1e3,
            V0__weight1=np.tile(hidden.T, (4, 1)),
        ),
        "order_of_summation": with_tensors(
            neural, V0__weight0=first, V0__bias0=np.zeros(16), V0__weight1=pair
        ),
        "boxes_reversed": with_arrays(good, codes=codes[::-1].copy()),
        "box_deleted": with_arrays(good, codes=np.delete(codes, leaf)),
        "box_twice": with_arrays(good, codes=np.insert(codes, leaf, codes[leaf])),
        "box_of_another_kind": with_arrays(
            good, codes=np.where(codes == 255, 254, codes).astype(np.uint8)
        ),
        "unknown_code": with_arrays(good, codes=np.where(codes == 0, 7, codes).astype(np.uint8)),
        "face_deleted": with_arrays(planar, face_codes=faces[:-1]),
        "no_boxes": with_arrays(good, codes=codes[:0]),
        "huge_grid": with_arrays(good, grid=np.array([2**40, 2**40])),
        "wrong_shape": with_arrays(good, P=arrays["P"][None]),
        "single_precision": with_arrays(good, P=arrays["P"].astype(np.float32)),
        "gap_in_the_delays": with_arrays(maker.two_parts(), breaks=np.array([0.125, 0.24])),
    }


def false_documents() -> dict[str, maker.Draft]:
    good, line = maker.hutchinson(), maker.linear_scalar(1)
    level = good.document["region"]["level"][0]
    return {
        "unknown_schema_version": with_field(good, "schema", value="certdde-certificate-2"),
        "unknown_kind": with_field(good, "kind", value="razumikhin"),
        "unknown_key": with_field(good, "system", "extra", value=1),
        "not_certified": with_field(good, "status", value="unknown"),
        "level_too_high": with_field(good, "region", "level", value=[1.3 * level]),
        "radius_too_large": with_field(
            good, "region", "radius", value={"rho": 0.45, "rho_rate": 1.0}
        ),
        "longer_delays": with_field(good, "delay", "range", value=[0, 0.41]),
        "beyond_stability": with_arrays(
            with_field(line, "delay", "range", value=[0, 1.6]), breaks=np.array([0.0, 0.8, 1.6])
        ),
        "unstable": with_field(line, "system", "equations", value=["x' = x(t - tau)"]),
        "not_an_equilibrium": with_field(
            line, "system", "equations", value=["x' = -x(t - tau) + 1e-300"]
        ),
        "program_text": with_field(line, "system", "equations", value=["x' = __import__('os')"]),
        "huge_integer": with_field(good, "functional", "order", value=10**300),
        "huge_exponent": with_field(line, "system", "equations", value=["x' = -x(t - tau)*1e999"]),
        "hidden_variable": with_field(good, "proof", "nonlinear", "delayed", value=[]),
    }


# ---- archives


def sealed(draft: maker.Draft, entries: Entries) -> bytes:
    """An archive with a right digest."""
    document = draft.document | {"claim": writer.claim(draft.document)}
    document["digest"] = writer.digest(document, entries)
    return writer.archive({"certificate.json": json.dumps(document).encode(), **entries})


def pickled() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


def hostile() -> dict[str, bytes]:
    good = maker.hutchinson()
    entries = good.entries()
    members = writer.entries_of(entries["part0.npz"])
    huge = members["P.npy"].replace(b"(2, 2)", b"(9999999999, 2)")
    plain = sealed(good, entries)
    bomb = sealed(
        good,
        entries
        | {
            "part0.npz": writer.npz_bytes(good.arrays[0] | {"codes": np.zeros(4 * 10**6, np.uint8)})
        },
    )
    text = json.dumps(good.document | {"claim": writer.claim(good.document), "digest": ""})
    twice = text.replace('"order": 1', '"order": 1, "order": 0')
    stream = io.BytesIO(plain)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("part0.npz", b"x")
    return {
        "path_traversal": sealed(good, entries | {"../evil": b"x"}),
        "absolute_path": sealed(good, entries | {"/tmp/evil": b"x"}),
        "entry_of_another_part": sealed(good, entries | {"part1.npz": entries["part0.npz"]}),
        "entry_twice": stream.getvalue(),
        "entry_missing": sealed(good, {}),
        "pickled_array": sealed(
            good, {"part0.npz": writer.archive(members | {"P.npy": pickled()})}
        ),
        "raw_pickle": sealed(
            good, {"part0.npz": writer.archive(members | {"P.npy": b"cos\nsystem\n(S'true'\ntR."})}
        ),
        "array_larger_than_its_data": sealed(
            good, {"part0.npz": writer.archive(members | {"P.npy": huge})}
        ),
        "codes_that_go_on": bomb,
        "zip_bomb_declared": declared(plain, len(entries["part0.npz"]), 2**31 - 1),
        "zip_bomb_undeclared": declared(
            writer.archive({"certificate.json": b" " * 4 * 10**6}), 4 * 10**6, 100
        ),
        "bzip2": writer.archive({"certificate.json": b"{}", **entries}, zipfile.ZIP_BZIP2),
        "key_twice": writer.archive({"certificate.json": twice.encode(), **entries}),
        "digest": writer.archive({"certificate.json": text.encode(), **entries}),
        "nested_json": writer.archive({"certificate.json": b"[" * 100_000, **entries}),
        "no_archive": b"not an archive",
        "truncated": plain[: len(plain) // 2],
    }


def declared(content: bytes, size: int, other: int) -> bytes:
    """An archive in whose headers an uncompressed size is replaced."""
    return content.replace(struct.pack("<L", size), struct.pack("<L", other))


def altered_spectral(path: Path) -> None:
    """The partition of a spectral certificate, stretched over the crossing at pi/2."""
    found = spectral()
    entries = dict(found.entries)
    with np.load(io.BytesIO(entries["spectral.npz"])) as archive:
        arrays = {name: archive[name] for name in archive.files}
    entries["spectral.npz"] = writer.npz_bytes(arrays | {"delays": np.array([0.0, 3.0])})
    Certificate(found.data, entries).save(path)


def altered_swings(path: Path) -> None:
    """The 3/2 theorem at 3/2."""
    found = swings_everywhere()
    delay = found.data["delay"] | {"range": [0.0, 1.5]}
    data = found.data | {"delay": delay, "claim": found.claim.replace("1.4999", "1.5")}
    Certificate(data, found.entries).save(path)


def larger_swings(path: Path) -> None:
    """A radius for which the interval does not hold."""
    found, region = swings(), copy.deepcopy(swings().data["region"])
    old = region["radius"]["rho"]
    region["radius"]["rho"] = 0.26
    claim = found.claim.replace(f"within {old!r} of", "within 0.26 of")
    Certificate(found.data | {"region": region, "claim": claim}, found.entries).save(path)


def boxes_beyond_stability() -> several_maker.Draft:
    """Two delays up to 1.43, where the system is stable up to pi/2.2 = 1.428."""
    end = several_maker.above(1.43)
    wider = several_maker.pair().claiming([0, 1.43], [0, 1.43])
    return wider.changed(breaks0=np.array([0.0, end]), breaks1=np.array([0.0, end]))


def missing_box() -> several_maker.Draft:
    """A tree of three boxes without the last split: the second part does not cover what is then its box."""
    draft = several_maker.tree()
    draft.parts, draft.codes = draft.parts[:2], [0, 254, 254]
    draft.document["functional"]["parts"] = draft.document["functional"]["parts"][:2]
    return draft


def rejected() -> dict[str, Callable[[Path], Any]]:
    drafts = false_arrays() | false_documents() | false_squares()
    files: dict[str, Callable[[Path], Any]] = {name: draft.save for name, draft in drafts.items()}
    for name, content in hostile().items():
        files[name] = lambda path, content=content: path.write_bytes(content)
    return files | {
        "several_beyond_stability": boxes_beyond_stability().save,
        "several_box_missing": missing_box().save,
        "spectral_beyond_stability": altered_spectral,
        "swings_at_three_halves": altered_swings,
        "swings_radius_too_large": larger_swings,
    }


def main() -> None:
    """Write all files; say so if one is judged otherwise than its folder says."""
    for folder, files in (("accept", accepted()), ("reject", rejected())):
        (HERE / folder).mkdir(exist_ok=True)
        for old in (HERE / folder).glob("*.certdde"):
            old.unlink()
        for name, write in files.items():
            path = HERE / folder / f"{name}.certdde"
            write(path)
            result = check_file(path)
            good = result.valid is (folder == "accept") and result.where != "checker"
            print(
                "" if good else "WRONG", path.name, path.stat().st_size, result.where, result.reason
            )


if __name__ == "__main__":
    main()
