"""ONNX graphs equal the inequality, and VNN-LIB queries say what the boxes are."""

from __future__ import annotations

import re
import warnings
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import torch
from enclosures import SMOOTH, TextFeatures

from certdde.certificates import Certificate
from certdde.certificates.content import read_content
from certdde.errors import CertificateError
from certdde.inequalities.inequality import Inequality, dissipation
from certdde.verify.export import export_vnnlib
from certdde.verify.export.graph import graph_of

from ..checker import maker

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def evaluated(model, x: np.ndarray) -> np.ndarray:
    content = model if isinstance(model, bytes) else model.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["Y"], {"X": x})[0]


def points(inequality: Inequality, count: int = 500) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    unit = torch.rand(count, inequality.dimension, generator=generator, dtype=torch.float64)
    return inequality.lower + (inequality.upper - inequality.lower) * unit


MAKERS = {
    "quadratic": maker.hutchinson,
    "neural": lambda: maker.hutchinson(True),
    "pendulum": maker.pendulum,
    "two parts": maker.two_parts,
    "sin": lambda: maker.hutchinson(True, activation="sin"),
    "softplus": lambda: maker.hutchinson(True, activation="softplus"),
    "mixed": lambda: maker.hutchinson(True, activation=[[["square", 6], ["tanh", 10]]]),
}


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return {
        name: read_content(Certificate.load(make().save(folder / name)))
        for name, make in MAKERS.items()
    }


@pytest.mark.parametrize("name", MAKERS)
def test_graphs_equal_torch(contents, tmp_path, name):
    content = contents[name]
    found = export_vnnlib(content, tmp_path, boxes=3)
    assert len(found.graphs) == len(content.pieces)
    for path, piece in zip(found.graphs, content.pieces, strict=True):
        inequality = dissipation(content.system, piece.functional, piece.reduction).inequality
        x = points(inequality)
        wanted = inequality.value(x).T.numpy()
        values = evaluated(path.read_bytes(), x.numpy())
        assert values.dtype == np.float64
        assert np.abs(values - wanted).max() <= 1e-12 * max(1, np.abs(wanted).max())
        one = evaluated(path.read_bytes(), x[:1].numpy())
        assert np.allclose(one, values[:1], rtol=0, atol=1e-12)


def test_float32(contents, tmp_path):
    content = contents["neural"]
    found = export_vnnlib(content, tmp_path, boxes=1, dtype="float32")
    inequality = dissipation(
        content.system, content.pieces[0].functional, content.pieces[0].reduction
    ).inequality
    x = points(inequality)
    values = evaluated(found.graphs[0].read_bytes(), x.numpy().astype(np.float32))
    assert values.dtype == np.float32
    assert np.allclose(values, inequality.value(x).T.numpy(), rtol=1e-4, atol=1e-4)
    assert "float32" in found.queries[0].read_text().splitlines()[0]


@pytest.mark.parametrize("text", SMOOTH)
def test_every_operation(text):
    """onnxruntime has no float64 kernel of Atan, so that one is compared in float32."""
    low, high = SMOOTH[text]
    features = TextFeatures(("x", "y", text))
    box = (
        torch.tensor([low, low], dtype=torch.float64),
        torch.tensor([high, high], dtype=torch.float64),
    )
    forms = torch.eye(3, dtype=torch.float64)[None] + 0.5
    inequality = Inequality(("x", "y"), *box, features, forms, offset=-0.25)
    dtype = "float32" if "atan" in text else "float64"
    x = points(inequality)
    values = evaluated(graph_of(inequality, dtype), x.numpy().astype(dtype))
    wanted = inequality.value(x).T.numpy()
    exact = 1e-12 if dtype == "float64" else 1e-4
    assert np.abs(values - wanted).max() <= exact * max(1, np.abs(wanted).max())


def parsed(path: Path) -> tuple[dict[int, list[Decimal]], int]:
    """The box of X and the number of disjuncts Y_j >= 0; everything in the file must be understood."""
    box: dict[int, list[Decimal]] = {}
    declared, disjuncts = [], 0
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(";"):
            continue
        if found := re.fullmatch(r"\(declare-const ([XY]_\d+) Real\)", line):
            declared.append(found[1])
        elif found := re.fullmatch(r"\(assert \((>=|<=) X_(\d+) (-?\d+\.\d+)\)\)", line):
            box.setdefault(int(found[2]), []).append(Decimal(found[3]))
        else:
            inner = re.fullmatch(r"\(assert \(or (.*)\)\)", line)
            assert inner is not None, line
            terms = re.findall(r"\(and \(>= Y_(\d+) 0\.0\)\)", inner[1])
            assert " ".join(f"(and (>= Y_{j} 0.0))" for j in terms) == inner[1]
            disjuncts = len(terms)
            assert [int(j) for j in terms] == list(range(disjuncts))
    assert declared == [f"X_{i}" for i in box] + [f"Y_{j}" for j in range(disjuncts)]
    return box, disjuncts


def test_queries_are_the_collapsed_leaves(contents, tmp_path):
    content = contents["neural"]
    found = export_vnnlib(content, tmp_path, boxes=None)
    codes = content.pieces[0].arrays["codes"]
    assert found.boxes == len(found.queries) == int((codes == 254).sum())
    inequality = dissipation(
        content.system, content.pieces[0].functional, content.pieces[0].reduction
    ).inequality
    area = Decimal(0)
    for path in found.queries:
        box, disjuncts = parsed(path)
        assert disjuncts == len(inequality.forms)
        ends = [[float(v) for v in box[i]] for i in range(inequality.dimension)]
        assert [[Decimal(v) for v in pair] for pair in ends] == list(box.values())  # exact decimals
        area += (box[0][1] - box[0][0]) * (box[1][1] - box[1][0])
        middle = np.array([[(a + b) / 2 for a, b in ends]])
        assert evaluated(found.graphs[0].read_bytes(), middle).max() < 0  # unsat, as claimed
    whole = Decimal("1.5") ** 2
    assert 0 < whole - area < whole / 2  # what is missing are the stars at the origin


def test_the_package_vnnlib_reads_the_same(contents, tmp_path):
    try:
        if int(version("vnnlib").split(".")[0]) >= 1:
            return  # these releases read another version of the format
    except PackageNotFoundError:
        return  # test_queries_are_the_collapsed_leaves has its own parser
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of negative numbers: SMT-LIB writes (- 0.5)
        from vnnlib.compat import read_vnnlib_simple

        found = export_vnnlib(contents["two parts"], tmp_path, boxes=10)
        for path in found.queries:
            box, disjuncts = parsed(path)
            [(ends, cases)] = read_vnnlib_simple(path, len(box), disjuncts)
            assert ends == [[float(v) for v in box[i]] for i in range(len(box))]
            assert len(cases) == disjuncts
            for j, (rows, limit) in enumerate(cases):
                assert rows.tolist() == [[-1.0 if k == j else 0.0 for k in range(disjuncts)]]
                assert np.all(limit == 0)


def test_the_draw_of_boxes(contents, tmp_path):
    names = []
    for seed in (0, 0, 1):
        found = export_vnnlib(contents["neural"], tmp_path, boxes=6, seed=seed)
        names.append([path.name for path in found.queries])
    assert names[0] == names[1] != names[2]
    assert export_vnnlib(contents["neural"], tmp_path, boxes=10**6).boxes < 10**6


def test_broken_codes(contents, tmp_path):
    content = contents["quadratic"]
    piece = content.pieces[0]
    from dataclasses import replace

    bad = replace(piece, arrays={**piece.arrays, "codes": piece.arrays["codes"][:-3]})
    with pytest.raises(CertificateError, match="forest"):
        export_vnnlib(replace(content, pieces=(bad,)), tmp_path)
