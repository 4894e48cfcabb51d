"""The checker stands alone: what it imports, how large it is, how it answers on the command line."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import certdde.verify.checker as checker

from . import maker

FOLDER = Path(checker.__file__).parent
ALLOWED = {"certdde", "certdde.verify"}
CODE = 2_545  # the core: kinds krasovskii and spectral, and what the kinds share
FILE = 200
KINDS: dict[str, int] = {  # further kinds, networks in equations, and what each file may have
    "bernstein.py": 65,
    "dominance.py": 45,
    "ellipsoid.py": 20,
    "feedforward.py": 110,
    "laws.py": 120,
    "network_values.py": 80,
    "opening.py": 35,
    "polynomial.py": 115,
    "polytope.py": 120,
    "random.py": 120,
    "razumikhin.py": 150,
    "razumikhin_forms.py": 140,
    "resampled.py": 145,
    "sampled.py": 60,
    "sampled_forms.py": 85,
    "scheme.py": 140,
    "scheme_forms.py": 105,
    "scheme_peaks.py": 30,
    "several.py": 105,
    "slow.py": 120,
    "slow_forms.py": 135,
    "sos.py": 50,
    "sos_forms.py": 95,
    "sos_part.py": 125,
    "unknowns.py": 145,
    "windows.py": 140,
    "yorke.py": 150,
}


def python(*arguments: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> str:
    return str(maker.hutchinson(True).save(tmp_path_factory.mktemp("alone") / "good.certdde"))


@pytest.mark.parametrize("flags", [(), ("-O",), ("-OO",)])
def test_nothing_else_is_loaded(good, flags):
    program = (
        "import sys; from certdde.verify.checker import check_file; r = check_file(sys.argv[1]);"
        "print(r.valid, *(m for m in sys.modules if m.split('.')[0] in"
        " ('certdde', 'torch', 'scipy', 'sympy', 'lark', 'pydantic', 'cvxpy', 'flint')))"
    )
    done = python("-c", program, good, flags=flags)
    valid, *modules = done.stdout.split()
    assert valid == "True", done.stderr
    assert all(m in ALLOWED or m.startswith("certdde.verify.checker") for m in modules), modules


def test_size_budget():
    sizes = {path.name: path.read_text().splitlines() for path in FOLDER.glob("*.py")}
    assert all(len(lines) <= FILE for lines in sizes.values())
    counts = {path.name: code_lines(path) for path in FOLDER.glob("*.py")}
    assert all(counts.pop(name) <= most for name, most in KINDS.items())
    assert sum(counts.values()) <= CODE


def code_lines(path: Path) -> int:
    """Lines that are not blank, comment or docstring."""
    text, doc = path.read_text(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            doc |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(
        1 for k, line in lines if line.strip() and k not in doc and not line.strip().startswith("#")
    )


def test_no_assertions_and_short_functions():
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Assert)
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 50, (path.name, node.name)
                assert ast.get_docstring(node) or node.name.startswith("_") or node.col_offset, (
                    node.name
                )


def test_command_line(good, tmp_path):
    done = python("-m", "certdde.verify.checker", good)
    assert done.returncode == 0
    assert done.stdout.startswith("For every constant delay tau in [0.0, 0.4]")
    assert done.stderr == ""
    done = python("-m", "certdde.verify.checker", good, "--json", flags=("-O",))
    answer = json.loads(done.stdout)
    assert answer["valid"] is True
    assert answer["rigor"] == "rigorous"


@pytest.mark.parametrize(("content", "code"), [(None, 2), (b"nonsense", 2), (b"", 2)])
def test_unusable_files(tmp_path, content, code):
    path = tmp_path / "a.certdde"
    if content is not None:
        path.write_bytes(content)
    done = python("-m", "certdde.verify.checker", str(path))
    assert done.returncode == code
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_false_claims_exit_with_one(tmp_path):
    draft = maker.linear_scalar(1)
    draft.document["system"]["equations"] = ["x' = x(t)"]
    path = draft.save(tmp_path / "a.certdde")
    for flags in ((), ("-O",)):
        done = python("-m", "certdde.verify.checker", str(path), flags=flags)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "Traceback" not in done.stderr
