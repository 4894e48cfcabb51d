"""The examples in the docstrings run."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import certdde

MODULES = sorted(m.name for m in pkgutil.walk_packages(certdde.__path__, "certdde."))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(import_module(name))
    assert result.failed == 0
