"""What auto_LiRPA 0.3 expects of older numpy and torch; newer releases need nothing of it.

Each function undoes one removal, on the modules that auto_LiRPA reads, and only where the name is missing.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any


def supply() -> None:
    """Supply the missing names. Calling it again changes nothing."""
    _numpy_isin()
    _onnx_exporter()
    _graph_nodes()


def _numpy_isin() -> None:
    import numpy as np

    name = "numpy.lib.arraysetops"
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except ImportError:
        module = types.ModuleType(name)
        module.isin = np.isin  # type: ignore[attr-defined]
        sys.modules[name] = module


def _onnx_exporter() -> None:
    import torch.onnx.symbolic_helper as helper
    import torch.onnx.utils as utils

    try:
        base = importlib.import_module("torch.onnx._internal.torchscript_exporter")
        inner = importlib.import_module("torch.onnx._internal.torchscript_exporter.utils")
        settings = importlib.import_module(
            "torch.onnx._internal.torchscript_exporter._globals"
        ).GLOBALS
    except ImportError:
        return
    if not hasattr(utils, "_optimize_graph"):
        utils._optimize_graph = inner._optimize_graph  # type: ignore[attr-defined]
    if not hasattr(helper, "_set_opset_version"):
        kinds = importlib.import_module("torch._C._onnx").OperatorExportTypes

        def set_opset_version(version: int) -> None:
            settings._export_onnx_opset_version = version
            settings.operator_export_type = kinds.ONNX_ATEN_FALLBACK

        helper._set_opset_version = set_opset_version  # type: ignore[attr-defined]
    _ = base


def _graph_nodes() -> None:
    import torch

    node = torch._C.Node
    if not hasattr(node, "__getitem__"):

        def item(self: Any, key: str) -> Any:
            return getattr(self, self.kindOf(key))(key)

        node.__getitem__ = item


def without_duplicates(module_class: Any) -> None:
    """Let ``_named_members`` of BoundedModule accept the keyword that newer torch passes."""
    original = module_class.__dict__.get("_named_members")
    if original is None or getattr(original, "accepts_remove_duplicate", False):
        return

    def named_members(self: Any, *args: Any, remove_duplicate: bool = True, **kwargs: Any) -> Any:  # noqa: ARG001
        return original(self, *args, **kwargs)

    named_members.accepts_remove_duplicate = True  # type: ignore[attr-defined]
    module_class._named_members = named_members
