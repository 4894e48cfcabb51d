"""Every command of docs/checking.md runs, and ends as the page says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_certdde

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def test_the_page_has_commands():
    words = {line.split()[1] for line in COMMANDS if line.startswith("certdde")}
    assert {"attack", "certify", "check", "export"} <= words
    assert all(line.split()[0] in ("certdde", "python") for line in COMMANDS)


@pytest.mark.slow
def test_the_commands(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for line in COMMANDS:
        program, *words = shlex.split(line.replace("--budget 5", "--budget 1"))
        if program == "python":
            done = subprocess.run(
                [sys.executable, *words], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            continue
        result = run_certdde(*words)
        unstable = words[0] == "attack" and "--set" in words
        assert result.status == (1 if unstable else 0), (line, result)
        if "--json" in words:
            arb = json.loads(result.out)["arb"]
            assert arb["agree"] is True
            assert set(arb) == set(
                re.findall(r"`(\w+)`", PAGE[PAGE.index("| `boxes`") : PAGE.index("`arb` is null")])
            )
    assert len(list(Path("out/queries").glob("*.vnnlib"))) == 20
    assert {"attack.csv", "attack.png"} <= {p.name for p in Path("out/attack").iterdir()}
