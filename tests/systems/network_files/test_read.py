"""Sources of networks, and what importing the reader loads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from network_models import WHERE

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward, Step
from certdde.systems.network_files import read_network, write_network
from certdde.systems.network_files.draft import MAX_BYTES

NETWORK = Feedforward(1, (Step("affine", (0,), np.ones((1, 1)), np.zeros(1)),))


def test_a_network_is_returned_as_it_is():
    assert read_network(NETWORK, WHERE) is NETWORK


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors", ".ONNX"])
def test_the_suffix_says_what_a_file_is(suffix, tmp_path):
    path = write_network(NETWORK, tmp_path / f"u{suffix}")
    assert read_network(path, WHERE) == NETWORK
    assert read_network(str(path), WHERE) == NETWORK


@pytest.mark.parametrize("source", [None, 3, ["u.onnx"], {"file": "u.onnx"}, np.ones(3)])
def test_another_object_is_refused(source):
    with pytest.raises(ProblemError, match=f"{WHERE}: '{type(source).__name__}' is no network"):
        read_network(source, WHERE)


@pytest.mark.parametrize("name", ["u.pt", "u", "u.onnx.txt", ""])
def test_another_kind_of_file_is_refused(name):
    with pytest.raises(ProblemError, match="this kind of file is not read"):
        read_network(name, WHERE)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_a_file_that_is_missing_has_a_neighbour(suffix, tmp_path):
    write_network(NETWORK, tmp_path / f"controller{suffix}")
    with pytest.raises(ProblemError, match=f"did you mean .*controller{suffix}"):
        read_network(tmp_path / f"controller2{suffix}", WHERE)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_a_folder_an_unreadable_name_and_a_huge_file_are_refused(suffix, tmp_path):
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(ProblemError, match="this is no file"):
        read_network(tmp_path / f"folder{suffix}", WHERE)
    for name in (f"a\0b{suffix}", "x" * 5000 + suffix):
        with pytest.raises(ProblemError) as caught:
            read_network(tmp_path / name, WHERE)
        assert "\n" not in str(caught.value)
    huge = tmp_path / f"huge{suffix}"
    huge.touch()
    os.truncate(huge, MAX_BYTES + 1)
    with pytest.raises(ProblemError, match=f"the file has {MAX_BYTES + 1} bytes"):
        read_network(huge, WHERE)


def test_importing_the_reader_loads_neither_onnx_nor_safetensors():
    code = (
        "import sys; import certdde.systems.network_files as files\n"
        "from certdde.systems.feedforward import Feedforward, Step\n"
        "files.read_network(Feedforward(1, (Step('tanh', (0,)),)), 'u')\n"
        "loaded = {'onnx', 'onnxruntime', 'safetensors'} & set(sys.modules)\n"
        "loaded |= {m for m in sys.modules if m.endswith(('torch_module', 'onnx_graph'))}\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
