"""Export of the inequality to other verifiers: ONNX and VNN-LIB."""

from certdde.verify.export.queries import Exported, export_vnnlib

__all__ = ["Exported", "export_vnnlib"]
