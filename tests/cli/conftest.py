"""Stand-ins for the parts that take minutes, so that these tests are about the command line."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from command_line import HUTCHINSON


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    path = tmp_path / "hutchinson.toml"
    path.write_text(HUTCHINSON, encoding="utf-8")
    return path


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace a module by one that holds the given names."""

    def install(module: str, **names: object) -> None:
        fake = ModuleType(module)
        vars(fake).update(names)
        monkeypatch.setitem(sys.modules, module, fake)

    return install
