"""The tables of the README and the documentation are those of the kept results."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tables():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        before = set(sys.modules)
        spec.loader.exec_module(module)
    for name in set(sys.modules) - before:
        if name.endswith("_table"):
            del sys.modules[name]
    return module


@pytest.mark.parametrize("name", tables().FILES)
def test_a_page_shows_the_kept_results(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "<!-- table: " in text
    assert tables().filled(text) == text
