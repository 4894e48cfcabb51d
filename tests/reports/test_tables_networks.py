"""The table of the networks that the equations call."""

from types import SimpleNamespace

import pytest
from feedforward_networks import gated, layered

from certdde.certificates.certificate import not_certified
from certdde.delays.classes import Constant
from certdde.reports import write_report
from certdde.reports.networks_table import networks_table
from certdde.systems import DelaySystem


def row(network):
    table = networks_table(SimpleNamespace(system=SimpleNamespace(networks={"u": network})))
    return table.rows[0]


def test_layers_activations_and_fingerprint():
    network = layered(1, (2, 8, 8, 1), "tanh")
    assert row(network) == ["u", "2-8-8-1", "tanh (2 times)", "none", network.fingerprint]


def test_a_shift():
    assert row(layered(1, (2, 4, 1), "relu", shifted=True))[3] == "(0.5) at (0.25, 0.25)"


def test_what_is_no_chain_of_layers_says_how_many_steps_it_has():
    assert row(gated(0))[2].endswith("; 9 steps")


def test_no_networks_no_table():
    assert networks_table(SimpleNamespace(system=SimpleNamespace(networks={}))) is None


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A report without figures on a system with a network, asked for under sample and hold."""
    network = layered(1, (1, 2, 1), "tanh", biased=False)
    system = DelaySystem.from_equations(
        ["x' = -x + u(x(t - tau))"], domain={"x": [-1, 1]}, networks={"u": network}
    )
    delay = Constant("tau", 0.0, 1.0)
    asked = {"name": "tau", "class": "sampled", "range": [0.2, 1.0]}
    about = {"engine": "lmi", "statistics": {"asked": asked}}
    found = not_certified("unknown", "Unknown.", system, delay, **about)
    monkeypatch.setattr("certdde.reports.report.figures_of", lambda _: [])
    return network, write_report(found, tmp_path).files


@pytest.mark.parametrize("kind", ["html", "md", "tex"])
def test_every_form_names_the_networks(report, kind):
    network, files = report
    text = files[kind].read_text(encoding="utf-8")
    assert "Networks in the equations" in text
    assert "1-2-1" in text
    assert network.fingerprint in text
    assert "Asked was the class sampled" in text
