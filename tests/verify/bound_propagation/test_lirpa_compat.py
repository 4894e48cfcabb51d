"""The shim supplies what is missing, changes nothing else, and can be called again."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from certdde.verify.bound_propagation import lirpa_compat

SCRIPT = """
import sys, numpy, torch, torch.onnx.utils, torch.onnx.symbolic_helper as helper
from certdde.verify.bound_propagation import lirpa_compat
def snapshot():
    spaces = [numpy, numpy.lib, torch, torch.nn, torch.onnx, torch.onnx.utils, helper, torch._C.Node]
    return [{name: id(value) for name, value in vars(space).items()} for space in spaces]
lirpa_compat.supply()   # imports what it needs
first = snapshot()
lirpa_compat.supply()
assert snapshot() == first
from numpy.lib.arraysetops import isin
assert isin is numpy.isin
assert torch.get_default_dtype() is torch.float32
"""


@pytest.mark.slow
def test_supply_is_idempotent_in_a_fresh_process():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_what_is_there_is_left_alone():
    item = getattr(torch._C.Node, "__getitem__", None)
    lirpa_compat.supply()
    assert item is None or torch._C.Node.__getitem__ is item
    assert sys.modules["numpy.lib.arraysetops"].isin is np.isin


def test_named_members_drops_the_new_keyword_and_is_wrapped_once():
    class Module:
        def _named_members(self, prefix=""):
            return prefix

    lirpa_compat.without_duplicates(Module)
    wrapped = Module._named_members
    assert Module()._named_members("a", remove_duplicate=True) == "a"
    lirpa_compat.without_duplicates(Module)
    assert Module._named_members is wrapped

    class Plain:
        pass

    lirpa_compat.without_duplicates(Plain)
    assert "_named_members" not in vars(Plain)
