"""The project as a whole: what is installed, and what importing it loads."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import certdde

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {"certdde": "certdde", "certdde.solvers": "solvers", "certdde.verify": "verify"}


def test_every_folder_with_code_is_installed():
    found = set()
    for package, folder in FOLDERS.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            below = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join([package, *below]))
    assert found == set(PYPROJECT["tool"]["setuptools"]["packages"])


def test_the_version_is_that_of_the_project():
    assert certdde.__version__ == PYPROJECT["project"]["version"]


@pytest.mark.parametrize("name", certdde.__all__)
def test_every_public_name_resolves(name):
    assert getattr(certdde, name) is not None
    assert name in dir(certdde)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        certdde.nothing  # noqa: B018


@pytest.mark.parametrize(
    "statement", ["import certdde", "import certdde.cli.main", "import certdde.errors"]
)
def test_importing_loads_no_torch(statement):
    script = f"{statement}\nimport sys\nsys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
