"""Networks from files and modules, as exact data (:class:`certdde.systems.feedforward.Feedforward`)."""

from certdde.systems.network_files.read import read_network
from certdde.systems.network_files.written import onnx_model, write_network

__all__ = ["onnx_model", "read_network", "write_network"]
