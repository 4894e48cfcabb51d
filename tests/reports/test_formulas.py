"""The functional and the theorem in each dialect: complete, and well formed."""

import xml.etree.ElementTree as ET

import pytest
import torch
from example_systems import logistic, pendulum

from certdde.functionals import Functional, Network
from certdde.reports.dialect import typeset
from certdde.reports.formulas import (
    deviation_vector,
    functional_equations,
    network_equation,
    network_sizes,
)
from certdde.reports.latex import Latex
from certdde.reports.mathml import MathML
from certdde.reports.narrative import check_command, functional_blocks, proof_blocks
from certdde.reports.plain import Plain
from certdde.reports.subject import Subject
from certdde.reports.theorem import theorem


def functional(order: int, *, neural: bool) -> Functional:
    one = torch.eye(2, dtype=torch.float64)
    p = torch.eye(2 * (order + 1), dtype=torch.float64)
    weights = (torch.zeros(16, 2).double(), torch.zeros(4, 16).double())
    network = Network((0, 1), weights, (torch.zeros(16).double(),)) if neural else None
    return Functional(order, p, one, one, network, network)


@pytest.mark.parametrize("order", [0, 1, 5])
@pytest.mark.parametrize("neural", [False, True])
def test_v_is_written_out_as_in_the_format(order, neural):
    text = str(
        Plain().display(functional_equations(Plain(), functional(order, neural=neural), "tau"))
    )
    assert "w^T P w" in text
    assert "(s - t + tau) x'^T(s) R x'(s) ds" in text
    assert ("|p_V0(x(t))|^2" in text) == neural
    assert ("[x^T(s) S x(s) + |p_W(x(s))|^2] ds" in text) == neural
    assert ("Omega_k = int_{0}^{1} L_k(u) x(t - tau + u tau) du" in text) == (order > 0)
    assert ("tau Omega_0, .., tau Omega_4" in text) == (order == 5)


def test_networks_are_named_with_their_inputs_and_sizes():
    network = functional(1, neural=True).V0
    line = network_equation(Plain(), pendulum(), "V0", network)
    assert line.left + line.lines[0].text == "p_V0(x) = psi_V0(theta, omega) - psi_V0(0)"
    assert network_sizes(network) == "2, 16 tanh, 4"


def test_deviations_are_from_the_equilibrium():
    assert deviation_vector(Plain(), logistic()) == "x = (x - 1.0)"
    assert deviation_vector(Latex(), pendulum()) == r"\mathbf{x} = (\theta ,\; \omega)"


@pytest.mark.parametrize("kind", ["linear", "scalar", "planar", "parts"])
def test_formulas_are_well_formed(certificate, kind):
    subject = Subject.of(certificate(kind))
    for write in (theorem, functional_blocks, proof_blocks):
        for block in write(MathML(), subject):
            ET.fromstring(f"<p>{block.content}</p>")
        for block in write(Latex(), subject):
            text = str(block.content).replace(r"\{", "").replace(r"\}", "")
            assert text.count("{") == text.count("}")
            assert text.count(r"\left") == text.count(r"\right")
            assert text.count("$") % 2 == 0


@pytest.mark.parametrize("kind", ["linear", "scalar", "planar", "parts"])
def test_the_theorem_is_the_claim_of_the_file(certificate, kind):
    """In plain text, the typeset theorem has the numbers and words of the claim, in their order."""
    subject = Subject.of(certificate(kind))
    text = " ".join(str(block.content) for block in theorem(Plain(), subject)).replace("```", "")
    claim = subject.data["claim"]
    words = claim.replace("; ", " ").replace("V_i <= c_i, c = ", "V_i <= c_i c = ").split()
    shown = text.replace(";", "").split()
    common = [word for word in words if any(c.isdigit() for c in word)]
    left = iter(word.strip("[](),.") for word in shown)
    assert all(word.strip("[](),.;") in left for word in common), (claim, text)


def test_the_command_quotes_what_a_shell_would_read(certificate, tmp_path):
    saved = certificate("refuted").save(tmp_path / "a b;$(x).certdde")
    assert check_command(Subject.of(saved)) == "certdde check 'a b;$(x).certdde'"


def test_text_is_escaped_and_formulas_are_not():
    assert typeset(Latex(), "50% of ", lambda d: d.word("tau")) == r"50\% of $\tau$"
