"""False claims, altered files, hostile archives: none may ever be valid, none may crash."""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from typing import Any

import numpy as np
import pytest

from certdde.verify.checker import CheckResult, bundle, check_file

from . import maker, writer
from .mutations import at, paths, replaced, variants

INFORMATION = {"statistics", "versions", "seed", "rigor", "engine"}


@pytest.fixture(scope="module")
def neural() -> maker.Draft:
    return maker.hutchinson(True)


@pytest.fixture(scope="module")
def planar() -> maker.Draft:
    return maker.pendulum(True)


def refused(path) -> CheckResult:
    """The file is refused, by a rule of the checker and not by an accident inside it."""
    result = check_file(path)
    assert not result.valid
    assert result.rigor == "none"
    assert result.claim == ""
    assert result.reason
    assert result.where
    assert result.where != "checker", result
    return result


def changed(draft: maker.Draft, **arrays: Any) -> maker.Draft:
    """A copy with some arrays of part 0 replaced."""
    draft = copy.deepcopy(draft)
    draft.arrays[0] |= arrays
    return draft


# ---- claims that are false


def test_unstable_equations(tmp_path):
    draft = maker.linear_scalar(1)
    for equation in (
        "x' = x(t)",
        "x' = x(t - tau)",
        "x' = -2*x(t - tau)",
        "x' = 0*x",
        "x' = x(t) - x(t - tau)",
    ):
        draft.document["system"]["equations"] = [equation]
        assert "negative definite" in refused(draft.save(tmp_path / "a")).reason


def test_delays_beyond_stability(tmp_path):
    draft = maker.linear_scalar(2)
    for breaks, end in (([0.0, 1.6], 1.6), ([0.0, 0.3, 0.6, 0.9, 1.6], 1.6), ([0.0, 40.0], 40)):
        draft.document["delay"]["range"] = [0, end]
        refused(changed(draft, breaks=np.array(breaks)).save(tmp_path / "a"))


def test_delays_outside_the_breaks(tmp_path):
    draft = maker.linear_scalar(1)
    for window in ([0, 1.2], [0, 1.1000001]):
        draft.document["delay"]["range"] = window
        assert "ends after" in refused(draft.save(tmp_path / "a")).reason
    draft.document["delay"]["range"] = [0, 1.1]
    late = changed(draft, breaks=draft.arrays[0]["breaks"] + np.array([0.01, 0, 0, 0, 0]))
    assert "begins before" in refused(late.save(tmp_path / "a")).reason


def test_a_gap_between_parts(tmp_path):
    draft = maker.two_parts()
    draft.arrays[1]["breaks"] = np.array([0.26, 0.4375])
    assert "gap" in refused(draft.save(tmp_path / "a")).reason


def test_a_decimal_just_beyond_the_last_break_is_seen(tmp_path):
    """0.1 as a binary64 is above 1/10: the range [0.1, ..] as a decimal begins before that break."""
    draft = maker.linear_scalar(1)
    draft.document["delay"]["range"] = [0.1, 1.1]
    late = changed(draft, breaks=np.array([0.1, 0.4, 0.7, 1.125]))
    assert "begins before" in refused(late.save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["hutchinson", "pendulum"])
def test_level_radius_and_domain_too_large(tmp_path, name):
    draft = getattr(maker, name)()
    document = draft.document
    keep = copy.deepcopy(document)
    document["region"]["level"][0] *= 1.3
    assert "face" in refused(draft.save(tmp_path / "a")).where
    document["region"] = copy.deepcopy(keep["region"])
    document["region"]["radius"]["rho"] *= 2
    document["region"]["radius"]["rho_rate"] *= 2
    assert "radius" in refused(draft.save(tmp_path / "a")).where
    draft.document = copy.deepcopy(keep)
    for domain in (draft.document["system"]["domain"], draft.document["region"]["domain"]):
        for state in domain:
            domain[state] = [4 * domain[state][0], 4 * domain[state][1]]
    draft.document["region"]["level"] = [1e-9]
    draft.document["region"]["radius"] = {"rho": 1e-7, "rho_rate": 1e-7}
    assert "box" in refused(draft.save(tmp_path / "a")).where


def test_not_an_equilibrium(tmp_path):
    draft = maker.linear_scalar(1)
    for equation in (
        "x' = -x(t - tau) + 0.1",
        "x' = -x(t - tau) + 1e-300",
        "x' = -x(t - tau) + exp(x)",
    ):
        draft.document["system"]["equations"] = [equation]
        refused(draft.save(tmp_path / "a"))


def test_nonlinear_terms_must_be_declared(tmp_path):
    draft = maker.hutchinson()
    draft.document["proof"]["nonlinear"]["delayed"] = []
    assert (
        "lacks a variable"
        in refused(changed(draft, grid=np.array([4])).save(tmp_path / "a")).reason
    )
    draft = maker.pendulum(True)
    draft.document["proof"]["nonlinear"]["delayed"] = []
    assert "network" in refused(changed(draft, grid=np.array([2, 2])).save(tmp_path / "a")).reason


def test_a_global_claim_needs_a_linear_system(tmp_path):
    draft = maker.hutchinson()
    draft.document["system"]["domain"] = draft.document["region"]["domain"] = None
    draft.document["region"] |= {"level": None, "radius": None}
    assert "domain" in refused(draft.save(tmp_path / "a")).where


# ---- partitions


def test_codes_missing_or_left_over(tmp_path, neural):
    codes = neural.arrays[0]["codes"]
    for bad in (
        codes[:-1],
        codes[1:],
        np.append(codes, np.uint8(254)),
        codes[:0],
        np.append(codes, codes),
    ):
        refused(changed(neural, codes=bad).save(tmp_path / "a"))


def test_each_code_changed(tmp_path, neural):
    """Another code makes the forest unreadable or changes a test; a leaf at the origin must be a star."""
    codes = neural.arrays[0]["codes"]
    for i in range(len(codes)):
        for new in (2, 7, 252):
            bad = codes.copy()
            bad[i] = new
            assert "unknown code" in refused(changed(neural, codes=bad).save(tmp_path / "a")).reason
        bad = codes.copy()
        bad[i] = 254 if codes[i] < 2 else 0
        refused(changed(neural, codes=bad).save(tmp_path / "a"))
    collapsed = np.where(codes == 255, 254, codes).astype(np.uint8)
    assert "not proved" in refused(changed(neural, codes=collapsed).save(tmp_path / "a")).reason


def test_grids_and_blocks(tmp_path, neural):
    for grid in ([4, 5], [0, 16], [-4, -4], [1, 16], [2, 8], [5000, 1]):
        refused(changed(neural, grid=np.array(grid)).save(tmp_path / "a"))
    for blocks in ([15], [17], [16, 0], [32, -16], [8, 8], [], [2**62, 2**62, 2**62, 2**62, 16]):
        refused(changed(neural, blocks=np.array(blocks, dtype=np.int64)).save(tmp_path / "a"))


def test_a_box_too_small_to_split(tmp_path):
    draft = maker.hutchinson()
    deep = np.array([0, 254] * 1200, dtype=np.uint8)
    refused(
        changed(draft, grid=np.array([1, 1]), blocks=np.array([1]), codes=deep).save(tmp_path / "a")
    )


def test_faces(tmp_path, planar):
    codes = planar.arrays[0]["face_codes"]
    assert (codes == 254).sum() > 4
    for i in range(len(codes)):
        for new in (255, 1, 254 if codes[i] < 254 else 0):
            bad = codes.copy()
            bad[i] = new
            refused(changed(planar, face_codes=bad).save(tmp_path / "a"))
    for bad in (codes[:-1], np.append(codes, np.uint8(254)), codes[:0]):
        refused(changed(planar, face_codes=bad).save(tmp_path / "a"))
    scalar = maker.hutchinson()
    refused(changed(scalar, face_codes=np.array([254], np.uint8)).save(tmp_path / "a"))


# ---- every array, every entry


def test_each_array_entry(tmp_path, neural):
    """NaN, infinities and absurd sizes are refused; tiny or signed zeros at most change the proof."""
    for tables in (neural.arrays, neural.tensors):
        for name, array in list(tables[0].items()):
            if array.dtype != np.float64:
                continue
            for index in list(np.ndindex(array.shape))[:12]:
                for value in (np.nan, np.inf, -np.inf, 1e308, -1e300, 5e-324, -0.0):
                    draft = copy.deepcopy(neural)
                    target = draft.arrays[0] if tables is neural.arrays else draft.tensors[0]
                    target[name] = array.copy()
                    target[name][index] = value
                    result = check_file(draft.save(tmp_path / "a"))
                    if not np.isfinite(value):
                        assert "NaN" in result.reason
                    assert result.where != "checker", result
                    assert not (
                        result.valid and abs(value) > 1 and name in ("P", "S", "R", "breaks")
                    )
                    assert not (result.valid and abs(value) > 1 and "weight" in name)


def test_wrong_shapes_types_and_names(tmp_path, neural):
    for name, array in list(neural.arrays[0].items()):
        others = [
            array[None],
            array[..., None],
            array.astype(np.float32),
            array.astype(np.int32),
            array.astype(">f8"),
        ]
        others += [
            array.astype("<U4"),
            np.array(3.0),
            np.zeros((0, 0)),
            array.astype(complex),
            array > 0,
        ]
        if array.ndim == 2:
            others.append(np.zeros((3, 3)))
        for bad in others:
            refused(changed(neural, **{name: bad}).save(tmp_path / "a"))
        lacking = copy.deepcopy(neural)
        del lacking.arrays[0][name]
        refused(lacking.save(tmp_path / "a"))
        refused(changed(neural, **{name + "2": array}).save(tmp_path / "a"))
    for name, tensor in list(neural.tensors[0].items()):
        others = [tensor[None], tensor[..., None], tensor.T if tensor.ndim == 2 else tensor[:0]]
        for bad in others if name.endswith("weight1") else [*others, tensor[:-1]]:
            draft = copy.deepcopy(neural)
            draft.tensors[0][name] = bad
            refused(draft.save(tmp_path / "a"))
        lacking = copy.deepcopy(neural)
        lacking.tensors[0]["extra"] = lacking.tensors[0].pop(name)
        refused(lacking.save(tmp_path / "a"))


def test_matrices_that_are_not_symmetric_or_definite(tmp_path, neural):
    for name in ("P", "S", "R"):
        array = neural.arrays[0][name]
        refused(changed(neural, **{name: -array}).save(tmp_path / "a"))
        refused(changed(neural, **{name: 0 * array}).save(tmp_path / "a"))
    skew = neural.arrays[0]["P"] + np.array([[0, 1e-13], [0, 0]])
    assert "symmetric" in refused(changed(neural, P=skew).save(tmp_path / "a")).reason


def test_breaks(tmp_path):
    draft = maker.linear_scalar(1)
    for bad in ([0.0], [], [0.0, 0.0, 1.2], [1.2, 0.0], [-0.1, 1.2], [0.0, 0.7, 0.6, 1.2]):
        refused(changed(draft, breaks=np.array(bad)).save(tmp_path / "a"))


def test_swapped_weights_and_larger_networks(tmp_path, neural):
    """A network that is scaled up is no longer certified, nor one whose outputs are summed anew."""
    for name in ("V0.weight1", "W.weight1"):
        draft = copy.deepcopy(neural)
        draft.tensors[0][name] = 200 * draft.tensors[0][name]
        refused(draft.save(tmp_path / "a"))


def test_networks_that_sense_the_order_of_summation(tmp_path, neural):
    """Huge cancelling weights: exact zeros, but floating point sees one or the other sign."""
    draft = copy.deepcopy(neural)
    rng = np.random.default_rng(0)
    first = np.repeat(rng.normal(size=(8, 1)), 2, axis=0)
    big = np.stack([np.full((4, 8), 1e17), np.full((4, 8), -1e17)], axis=2).reshape(4, 16)
    draft.tensors[0] |= {"V0.weight0": first, "V0.bias0": np.zeros(16), "V0.weight1": big}
    refused(draft.save(tmp_path / "a"))


# ---- every field of the JSON


@pytest.mark.parametrize("reclaim", [False, True])
@pytest.mark.parametrize("name", ["neural", "planar", "linear"])
def test_each_field(tmp_path, request, name, reclaim):
    """Any change is refused, except in fields for information, or where a weaker claim is still true."""
    draft = maker.linear_scalar(1) if name == "linear" else request.getfixturevalue(name)
    base, entries = draft.document, draft.entries()
    base["claim"] = writer.claim(base)
    base["digest"] = writer.digest(base, entries)
    weaker = 0
    for path in paths(base):
        if path and (
            path[0] in INFORMATION - {"rigor", "engine"} or path[:2] == ("region", "area")
        ):
            continue
        for new in variants(at(base, path)):
            document = replaced(base, path, new)
            if isinstance(document, dict) and not {"claim", "digest"} <= set(document):
                continue  # the test itself would put them back
            if isinstance(document, dict) and path != ("claim",) and reclaim:
                try:
                    document = document | {"claim": writer.claim(document)}
                except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError):
                    continue
            if not isinstance(document, dict):
                (tmp_path / "a").write_bytes(
                    writer.archive({"certificate.json": json.dumps(document).encode(), **entries})
                )
                refused(tmp_path / "a")
                continue
            result = check_file(
                writer.write(tmp_path / "a", document, entries, seal=path != ("digest",))
            )
            free = path[:2] == ("system", "name") or path[:1] in (
                ("rigor",),
                ("engine",),
                ("digest",),
            )
            assert result.where != "checker", (path, new, result)
            if not reclaim:
                kept = free or path[-1:] == ("inputs",) or path[:2] == ("proof", "nonlinear")
                assert not result.valid or (kept and path != ("digest",)), (path, new)
            elif result.valid and not free:
                weaker += 1
                assert is_true(path, at(base, path), new), (path, new)
    assert reclaim is (weaker > 0)


def is_true(path: tuple, old: Any, new: Any) -> bool:
    """Whether what the changed file claims follows from what the old one claimed, or is the same."""
    if path == ("delay", "range", 0):
        return new > old
    if path == ("delay", "range", 1):
        return new < old
    if path[:2] == ("region", "radius"):
        return new < 4 * old  # the test takes powers of two for both radii together
    if path[:2] == ("region", "level"):
        return new < 1.2 * old  # the test takes 0.8 of the least value on the faces
    if path[:2] == ("system", "equations"):
        return new.strip() == old
    if path == ("system", "parameters"):
        return new == old | {"extra": 1}
    if path[:2] in (("system", "parameters"), ("system", "domain"), ("system", "equilibrium")):
        return abs(new - old) <= 1.5  # another system, which is stable too
    permuted = path[:2] == ("proof", "nonlinear") or path[-1] == "inputs"
    return permuted and sorted(new) == sorted(old)


@pytest.mark.parametrize("name", ["neural", "linear"])
def test_any_change_without_a_new_digest(tmp_path, request, name):
    draft = maker.linear_scalar(1) if name == "linear" else request.getfixturevalue(name)
    entries = draft.entries()
    base = draft.document | {"claim": writer.claim(draft.document)}
    base["digest"] = writer.digest(base, entries)
    for path in paths(base):
        for new in variants(at(base, path))[:6]:
            document = replaced(base, path, new)
            if isinstance(document, dict):
                refused(writer.write(tmp_path / "a", document, entries, seal=False))
    for entry, content in entries.items():
        for k in range(0, len(content), max(1, len(content) // 25)):
            flipped = content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :]
            refused(writer.write(tmp_path / "a", base, entries | {entry: flipped}, seal=False))


# ---- text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}', '{"a": Infinity}', '{"a": 1, "a": 1}', "", "{", "[]", "1", '"x"', '{"a": 1e999999999}',
        '{"a": ' + "9" * 5000 + "}", "[" * 100_000, '{"a": ' * 100_000, "\ufeff{}", '{"a": 0x10}', "{}{}",
    ],
)  # fmt: skip
def test_text_that_is_not_acceptable(tmp_path, text):
    (tmp_path / "a").write_bytes(writer.archive({"certificate.json": text.encode()}))
    refused(tmp_path / "a")


def test_a_key_twice_and_numbers_beyond_binary64(tmp_path):
    draft = maker.linear_scalar(1)
    document = draft.document | {"claim": writer.claim(draft.document), "digest": ""}
    text = json.dumps(document)
    for old, new in (
        ('"seed": 0', '"seed": 0, "seed": 0'),
        ('"order": 1', '"order": 1, "order": 0'),
        ('"seed": 0', '"seed": 1e400'),
        ('"seed": 0', '"seed": NaN'),
        ("1.1]", "1.10000000000000000000001]"),
    ):
        assert old in text
        content = text.replace(old, new).encode()
        try:
            found = json.loads(content)
            found["digest"] = writer.digest(found, draft.entries())
            content = content.replace(b'"digest": ""', f'"digest": "{found["digest"]}"'.encode())
        except ValueError:
            pass
        (tmp_path / "a").write_bytes(
            writer.archive({"certificate.json": content, **draft.entries()})
        )
        refused(tmp_path / "a")


@pytest.mark.parametrize(
    "equation",
    [
        "x' = -x(t - tau) # + 5*x", "x' = -x(t - tau); x", "x' = -x(t - sigma)", "x' = -x(t + tau)", "x' = -x(tau)",
        "x' = -x(t - tau) if 1 else x", "x' = __import__('os')", "x' = x.real", "y' = -x(t - tau)", "x = -x(t - tau)",
        "x' = -x(t - tau)\n", "x' = -\u0445(t - tau)", "x' = -x(t - tau) + 0x0", "x' = -1_0*x(t - tau)", "x' = ",
        "x' = -x(t - tau))", "x' = -(x(t - tau)", "x' = -x(t - tau)**1.0", "x' = -x**65", "x' = -x**2**2", "x' = -x**x",
        "x' = -x(t - tau) + " + "(" * 5000 + "0" + ")" * 5000, "x' = " + "-" * 9000 + "x(t - tau)", "x' = tau*x",
        "x' = -x(t - tau) + 0*(((((((9**64)**64)**64)**64)**64)**64)**64)", "x' = -x(t - tau)*1e500",
        "x' = -x(t - tau)/0",
        "x' = -x(t - tau) + 0/x", "x' = -x(t - tau) + log(x)", "x' = -x(t - tau) + sqrt(2) - sqrt(2)", "x' = t*0 - x",
        "x' = -x(t - tau)" + " + 0*x" * 2000,
        "x' = -x(t - tau) + 0" + "*x" * 4000, "x' = -x(t-tau) + f(x)", "x' = -x(t-tau) + 0*abs(x)", "x' = -x(t-tau)1",
    ],
)  # fmt: skip
def test_equations_outside_the_grammar(tmp_path, equation):
    draft = maker.linear_scalar(1)
    draft.document["system"]["equations"] = [equation]
    refused(draft.save(tmp_path / "a"))


@pytest.mark.parametrize(
    "names", [["sin"], ["t"], ["tau"], ["x y"], [""], ["1x"], ["\u0445"], ["x\n"], ["x'"], ["exp"]]
)
def test_names(tmp_path, names):
    draft = maker.linear_scalar(1)
    draft.document["system"] |= {
        "states": names,
        "equations": [f"{names[0]}' = -{names[0]}(t - tau)"],
    }
    refused(draft.save(tmp_path / "a"))
    draft = maker.linear_scalar(1)
    draft.document["system"]["parameters"] = {names[0]: 1}
    refused(draft.save(tmp_path / "a"))


def test_unknown_schema_and_status(tmp_path):
    for key, value in (
        ("schema", "certdde-certificate-2"),
        ("kind", "lyapunov"),
        ("status", "unknown"),
        ("status", "refuted"),
    ):
        draft = maker.linear_scalar(1)
        draft.document[key] = value
        assert refused(draft.save(tmp_path / "a")).where.endswith(key)


# ---- archives


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    return maker.hutchinson(True).save(tmp_path_factory.mktemp("good") / "a").read_bytes()


def test_unusable_input(tmp_path):
    assert refused(tmp_path / "missing").where == "file"
    assert refused(tmp_path).where == "file"
    for content in (b"", b"PK", b"not a zip archive at all", b"\0" * 1000):
        (tmp_path / "a").write_bytes(content)
        assert refused(tmp_path / "a").where == "file"


def test_truncated_and_damaged(tmp_path, good):
    for k in range(0, len(good) - 1, len(good) // 60):
        (tmp_path / "a").write_bytes(good[:k])
        refused(tmp_path / "a")
    rng = np.random.default_rng(0)
    for k in rng.integers(0, len(good), 150):
        (tmp_path / "a").write_bytes(good[:k] + bytes([good[k] ^ 0xFF]) + good[k + 1 :])
        result = check_file(tmp_path / "a")
        assert not result.valid or result.claim.startswith("For every constant delay")


def test_other_entries(tmp_path, good):
    entries = writer.entries_of(good)
    for name in (
        "../evil",
        "/etc/passwd",
        "part1.npz",
        "README",
        "part0.npz/x",
        "C:\\x",
        "certificate.json ",
        "x\0y",
    ):
        document = json.loads(entries["certificate.json"])
        others = {k: v for k, v in entries.items() if k != "certificate.json"} | {name: b"x"}
        refused(writer.write(tmp_path / "a", document, others))
        assert not (tmp_path.parent / "evil").exists()
    for name in entries:
        (tmp_path / "a").write_bytes(
            writer.archive({k: v for k, v in entries.items() if k != name})
        )
        refused(tmp_path / "a")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_entries(tmp_path, good):
    for name, content in writer.entries_of(good).items():
        (tmp_path / "a").write_bytes(good)
        with zipfile.ZipFile(tmp_path / "a", "a") as found:
            found.writestr(name, content)
        assert "two entries" in refused(tmp_path / "a").reason


def test_methods_other_than_stored_and_deflated(tmp_path, good):
    entries = writer.entries_of(good)
    (tmp_path / "a").write_bytes(writer.archive(entries, zipfile.ZIP_STORED))
    assert check_file(tmp_path / "a").valid
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        (tmp_path / "a").write_bytes(writer.archive(entries, method))
        refused(tmp_path / "a")


def test_bombs(tmp_path, good, monkeypatch):
    """The limits are on declared sizes, and a false declaration does not pass either."""
    monkeypatch.setattr(bundle, "MAX_BYTES", 10**6)
    entries = writer.entries_of(good)
    (tmp_path / "a").write_bytes(writer.archive(entries | {"part0.safetensors": b"\0" * 10**7}))
    assert "too large" in refused(tmp_path / "a").reason
    inner = writer.npz_bytes(maker.hutchinson().arrays[0] | {"codes": np.zeros(10**7, np.uint8)})
    assert len(inner) < 10**5
    (tmp_path / "a").write_bytes(writer.archive(entries | {"part0.npz": inner}))
    refused(tmp_path / "a")
    with pytest.raises(bundle.Refused, match="too large"):
        bundle.read_npz(inner, "part0")
    honest = writer.archive({"certificate.json": b" " * 10**7})
    size = struct.pack("<L", 10**7)
    (tmp_path / "a").write_bytes(honest.replace(size, struct.pack("<L", 100)))
    refused(tmp_path / "a")
    monkeypatch.setattr(bundle, "MAX_ENTRIES", 2)
    (tmp_path / "a").write_bytes(good)
    assert "too many" in refused(tmp_path / "a").reason


def with_npz(good: bytes, members: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    entries = writer.entries_of(good)
    document = json.loads(entries.pop("certificate.json"))
    return document, entries | {"part0.npz": writer.archive(members)}


def test_pickles_and_odd_npy_files(tmp_path, good):
    members = writer.entries_of(writer.entries_of(good)["part0.npz"])
    document, entries = with_npz(good, members)
    assert check_file(writer.write(tmp_path / "a", document, entries)).valid
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    header = members["P.npy"]
    odd = {
        "pickle": stream.getvalue(),
        "trailing": header + b"\0",
        "short": header[:-1],
        "empty": b"",
        "no magic": b"\x00" + header[1:],
        "fortran": header.replace(b"False", b"True "),
        "huge": header.replace(b"(2, 2)", b"(9999999999, 2)"),
        "negative": header.replace(b"(2, 2)", b"(-2, 2)"),
        "code": header.replace(b"(2, 2)", b"a(2,2)"),
        "version": header[:6] + b"\x02" + header[7:],
        "raw pickle": b"cos\nsystem\n(S'true'\ntR.",
    }
    for content in odd.values():
        document, entries = with_npz(good, members | {"P.npy": content})
        refused(writer.write(tmp_path / "a", document, entries))
    for name in ("P", "../P.npy", "P.npy.npy", "readme.txt"):
        document, entries = with_npz(good, members | {name: header})
        refused(writer.write(tmp_path / "a", document, entries))


def test_odd_safetensors(tmp_path, good):
    entries = writer.entries_of(good)
    document = json.loads(entries.pop("certificate.json"))
    content = entries["part0.safetensors"]
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    first = next(iter(header))

    def packed(found: Any, body: bytes = data) -> bytes:
        text = json.dumps(found).encode()
        return len(text).to_bytes(8, "little") + text + body

    good_again = packed({"__metadata__": {"a": "b"}} | header)
    assert check_file(
        writer.write(tmp_path / "a", document, entries | {"part0.safetensors": good_again})
    ).valid
    start, stop = header[first]["data_offsets"]

    def tensor(**change: Any) -> bytes:
        return packed(header | {first: header[first] | change})

    bad = [
        b"", b"\0" * 7, (2**63).to_bytes(8, "little") + content[8:], packed(header, data + b"\0" * 8),
        packed(header, data[:-8]), packed([]), packed({}), packed(header | {first: None}), tensor(dtype="F32"),
        tensor(shape=[-1]), tensor(shape="x"), tensor(data_offsets=[start + 8, stop]), tensor(extra=1),
        tensor(data_offsets=[True, stop]), tensor(data_offsets=[stop, start]), packed(header | {"copy": header[first]}),
        (10).to_bytes(8, "little") + b"[" * 10 + data, content[:8] + b"\xff" + content[9:],
    ]  # fmt: skip
    for other in bad:
        refused(writer.write(tmp_path / "a", document, entries | {"part0.safetensors": other}))


def test_interrupts_pass_through_and_errors_refuse(tmp_path, good):
    (tmp_path / "a").write_bytes(good)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_file(tmp_path / "a", interrupt)

    def fail(done: int, total: int) -> None:
        raise RuntimeError("boom")

    result = check_file(tmp_path / "a", fail)
    assert not result.valid
    assert result.where == "checker"
