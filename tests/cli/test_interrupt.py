"""Ctrl-C in training leaves a checkpoint, and the same command goes on from it. For real: a process and a signal."""

import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest
from command_line import HUTCHINSON

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

# A process that was started in the background ignores SIGINT, and its children too: here it must not.
SCRIPT = """
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from certdde.cli.main import main
    sys.exit(main(sys.argv[1:]))
"""
EVENT = re.compile(r"training (\d+)/(\d+) round 1, margin \S+, \d+:\d\d left")


def interrupted(problem, out, *, at):
    """Run certify until training has come to a step, press Ctrl-C; return the first step, the status and the rest."""
    words = [sys.executable, "-c", textwrap.dedent(SCRIPT), "certify", str(problem), "-o", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*words, "--progress"], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        first = None
        for line in process.stderr:
            event = EVENT.match(line)
            if event and first is None:
                first = int(event[1])
            if event and int(event[1]) >= at:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.wait(timeout=60)
    return first, process.returncode, rest


def test_ctrl_c_in_training_leaves_a_checkpoint_from_which_the_same_command_goes_on(tmp_path):
    problem, out = tmp_path / "hutchinson.toml", tmp_path / "out"
    problem.write_text(
        HUTCHINSON + '[certify]\nmethod = "neural"\nsteps = 40000\nneurons = 4\noutputs = 1\n',
        encoding="utf-8",
    )
    first, status, rest = interrupted(problem, out, at=100)
    assert first is not None, rest
    assert first == 0
    assert status == 130
    last = rest.splitlines()[-1]
    assert last.startswith("certdde: interrupted; checkpoints are in")
    assert "the same command goes on from there" in last
    assert list((out / "checkpoints").glob("training-*.pt"))
    assert not list((out / "checkpoints").glob("*.tmp"))
    again, status, _ = interrupted(problem, out, at=0)
    assert again >= 100
    assert status == 130
