"""The second checker in examples/: it proves what the first one does, and nothing that is false."""

from __future__ import annotations

import copy
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ..verify.checker import maker, writer

SCRIPT = Path(__file__).parents[2] / "examples" / "recheck_scalar.py"


@pytest.fixture(scope="module")
def recheck():
    spec = importlib.util.spec_from_file_location("recheck_scalar", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.check


@pytest.fixture(scope="module")
def good() -> maker.Draft:
    return maker.hutchinson()


def test_a_quadratic_certificate(recheck, tmp_path, good):
    path = good.save(tmp_path / "a")
    assert recheck(path) == good.document["claim"]


def test_several_parts_and_another_equilibrium(recheck, tmp_path):
    draft = maker.two_parts()
    assert recheck(draft.save(tmp_path / "a")) == draft.document["claim"]


@pytest.mark.slow
def test_a_neural_certificate(recheck, tmp_path):
    draft = maker.hutchinson(True)
    assert recheck(draft.save(tmp_path / "a")) == draft.document["claim"]
    for name in ("V0.weight1", "W.weight1"):
        bad = copy.deepcopy(draft)
        bad.tensors[0][name] = 200 * bad.tensors[0][name]
        with pytest.raises(ValueError, match=r"not proved|definite|radius|level"):
            recheck(bad.save(tmp_path / "a"))


def test_the_script(tmp_path, good):
    path = good.save(tmp_path / "a")
    done = subprocess.run(
        [sys.executable, SCRIPT, path], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == good.document["claim"]
    assert done.returncode == 0
    path.write_bytes(b"nonsense")
    done = subprocess.run(
        [sys.executable, SCRIPT, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("not proved: ")
    assert "Traceback" not in done.stderr


def changed(draft: maker.Draft, **arrays: np.ndarray) -> maker.Draft:
    draft = copy.deepcopy(draft)
    draft.arrays[0] |= arrays
    return draft


def test_altered_arrays(recheck, tmp_path, good):
    arrays = good.arrays[0]
    codes, skew = arrays["codes"], arrays["P"] + np.array([[0, 1e-13], [0, 0]])
    for change in (
        {"P": -arrays["P"]},
        {"P": skew},
        {"S": 0 * arrays["S"]},
        {"R": -arrays["R"]},
        {"breaks": np.array([0.0, 0.2, 0.39])},
        {"breaks": np.array([0.0, 0.4])[::-1].copy()},
        {"breaks": np.array([0.0, 0.8, 1.6])},
        {"codes": codes[:-1]},
        {"codes": np.append(codes, np.uint8(254))},
        {"codes": np.where(codes == 254, 253, codes).astype(np.uint8)},
        {"grid": np.array([4, 5])},
        {"blocks": np.array([15])},
        {"P": np.full((2, 2), np.nan)},
    ):
        path = changed(good, **change).save(tmp_path / "a")
        with pytest.raises(ValueError, match=r"\w"):
            recheck(path)


def test_altered_documents(recheck, tmp_path, good):
    for path, value in (
        (("delay", "range"), [0, 0.41]),
        (("delay", "class"), "measurable"),
        (("region", "level"), [100.0]),
        (("region", "radius"), {"rho": 0.45, "rho_rate": 10.0}),
        (("system", "equations"), ["x' = -(1 + x)*x(t - tau) + 0.1"]),
        (("system", "equations"), ["x' = (1 + x)*x(t - tau)"]),
        (("system", "equations"), ["x' = -(1 + x)*sin(x(t - tau))"]),
        (("proof", "nonlinear"), {"states": ["x"], "delayed": []}),
    ):
        draft = copy.deepcopy(good)
        draft.document[path[0]][path[1]] = value
        with pytest.raises((ValueError, KeyError)):
            recheck(draft.save(tmp_path / "a"))


def test_the_claim_and_the_digest(recheck, tmp_path, good):
    entries = good.entries()
    document = good.document | {"claim": good.document["claim"].replace("0.4]", "0.5]")}
    with pytest.raises(ValueError, match="another sentence"):
        recheck(writer.write(tmp_path / "a", document, entries))
    document = good.document | {"claim": writer.claim(good.document), "digest": "0" * 64}
    with pytest.raises(ValueError, match="digest"):
        recheck(writer.write(tmp_path / "a", document, entries, seal=False))
    with pytest.raises(ValueError, match="unknown"):
        recheck(writer.write(tmp_path / "a", good.document, entries | {"more": b"x"}))
