"""The optional package onnx, imported when a network needs it."""

from __future__ import annotations

from typing import Any

from certdde.errors import MissingPackageError


def onnx_package(where: str) -> Any:
    """Return the package onnx.

    Parameters
    ----------
    where : str
        The place that the error names.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.defs
        import onnx.external_data_helper
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingPackageError(
            f"onnx cannot be imported ({error})",
            where=where,
            wanted="uv sync --extra export, or pip install onnx",
        ) from None
    return onnx
