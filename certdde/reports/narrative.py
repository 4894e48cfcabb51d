"""The words of a report: what the status means, and how the inequality was shown."""

from __future__ import annotations

import shlex

import torch

from certdde.reports.dialect import Dialect, Equation, Fragment, Line
from certdde.reports.formulas import (
    derivative_below,
    deviation_vector,
    equals,
    face_bound,
    functional_equations,
    letter,
    network_equation,
    network_sizes,
)
from certdde.reports.kinds import described
from certdde.reports.numbers import count
from certdde.reports.subject import Piece, Subject
from certdde.reports.theorem import Block, delay_in_range, paragraph

LARGEST_MATRIX = 4  # rows of a matrix that is printed

RIGOR = {
    "rigorous": (
        "The independent checker has proved every inequality of this file again, in exact rational and outward"
        " rounded interval arithmetic, from the file alone."
    ),
    "float64": (
        "The inequalities hold by bounds computed in ordinary double precision, whose rounding errors are not"
        " accounted for: strong evidence, but no proof."
    ),
    "refused": "The independent checker does not accept this file: nothing is proved.",
}
STATUS = {
    "unknown": "No proof was found, and no counterexample either: nothing is claimed.",
    "refuted": "The claim is false: there is a counterexample, found in double precision.",
}


def rigor_sentence(subject: Subject) -> str:
    """Return what ``rigorous`` resp. ``float64`` means, or what a status without a proof means."""
    said = RIGOR[subject.rigor] if subject.certified else STATUS[subject.data["status"]]
    return said + _asked(subject)


def _asked(subject: Subject) -> str:
    """Say what was asked, where the methods were given a class of delays that holds it and more."""
    asked = subject.data["statistics"].get("asked")
    if asked is None:
        return ""
    low, high = (float(end) for end in asked["range"])
    return (
        f" Asked was the class {asked['class']}, {asked['name']} in [{low}, {high}]: the methods were given the"
        f" measurable delays in [0.0, {high}], which hold it."
    )


def warnings(subject: Subject) -> list[str]:
    """Return what a reader must know first: a content that was altered, a check that failed."""
    found = []
    if subject.altered:
        found.append(
            "The digest in the file is not that of its content: it has been altered since it was written."
        )
    verdict = subject.verdict
    if verdict is not None and not verdict.valid:
        place = f" ({verdict.where})" if verdict.where else ""
        found.append(f"The independent checker does not accept this file: {verdict.reason}{place}.")
    return found


def check_command(subject: Subject) -> str:
    """Return the command that proves the file again."""
    return f"certdde check {shlex.quote(subject.file)}"


def functional_blocks(dialect: Dialect, subject: Subject) -> list[Block]:
    """Return V written out, with its networks; or what is known of it in words."""
    if not subject.detailed:
        return [paragraph(dialect, described(subject).functional)]
    d, system = dialect, subject.system
    functional = subject.pieces[0].functional
    equations = functional_equations(d, functional, subject.delay.name)
    named = (("V0", functional.V0), ("W", functional.W))
    networks = [(name, network) for name, network in named if network is not None]
    equations += [network_equation(d, system, name, network) for name, network in networks]
    where: list[Fragment] = ["where ", lambda e: deviation_vector(e, system)]
    where.append(
        " is the deviation from the equilibrium" if any(system.equilibrium) else " is the state"
    )
    if functional.order:
        where += [
            ", ",
            lambda e: e.sub(e.word("L"), e.word("k")),
            " are the Legendre polynomials shifted to [0, 1]",
        ]
    for name, network in networks:
        psi: Fragment = letter("psi", name)
        where += [", ", psi, f" is a network of layers {network_sizes(network)}"]
    if len(subject.pieces) > 1:
        where.append(
            f". There are {len(subject.pieces)} such functionals, one for each part of the delay range"
        )
    blocks = [Block(d.display(equations), display=True)]
    if len(subject.pieces) > 1 or functional.P.shape[0] > LARGEST_MATRIX:
        return [*blocks, paragraph(d, *where, ". The numbers are in the file.")]
    where.append(". To five digits (the file has all of them, and the weights),")
    return [*blocks, paragraph(d, *where), _matrices(d, subject.pieces[0])]


def _matrices(d: Dialect, piece: Piece) -> Block:
    equations = []
    for name in ("P", "S", "R"):
        values = getattr(piece.functional, name)
        rows = torch.where(values.abs() < 1e-9 * values.abs().max(), 0.0, values).tolist()
        matrix = d.matrix([[d.number(f"{value:.5g}") for value in row] for row in rows])
        line = Line(d.row(d.symbol("equal"), matrix), 12 * len(rows))
        equations.append(Equation(d.word(name), (line,)))
    return Block(d.display(equations), display=True)


def proof_blocks(dialect: Dialect, subject: Subject) -> list[Block]:
    """Return how the decrease of V was shown, and how the region follows."""
    if not subject.detailed:
        return [paragraph(dialect, described(subject).proof)]
    if subject.data["kind"] == "spectral":
        return [paragraph(dialect, *_spectral(subject))]
    blocks = [paragraph(dialect, *_decrease(subject)), paragraph(dialect, *_decision(subject))]
    if subject.bounded:
        blocks.append(paragraph(dialect, *_region(subject)))
    return blocks


def _spectral(subject: Subject) -> list[Fragment]:
    low, high = subject.pieces[0].breaks[0], subject.pieces[0].longest
    return [
        "No characteristic root lies on the imaginary axis for any delay of the range: on every box of a partition of"
        " frequency and delay the characteristic matrix is shown to be regular, in outward rounded arithmetic; no root"
        " has a larger frequency. Roots move continuously with the delay, so the system is stable on the whole range if"
        f" it is for one delay of it. That is shown by the functional above, for delays in [{low:.6g}, {high:.6g}].",
    ]


def _decrease(subject: Subject) -> list[Fragment]:
    pieces = sum(p.cuts for p in subject.pieces)
    how = (
        " is bounded by a polynomial in the delay's share of the window, whose Bernstein coefficients decide."
        if subject.measurable
        else " is bounded by an expression that is affine in the delay, so that its ends decide."
    )
    return [
        "Along solutions, ",
        derivative_below,
        " with ",
        letter("D"),
        " a function of the present state, the delayed state and the moments only (Bessel-Legendre inequality): no"
        " discretisation of the history. For ",
        delay_in_range(subject),
        f" the range is cut into {pieces} pieces, on each of which ",
        letter("D"),
        f"{how} The variables that enter linearly, and the moments, are eliminated exactly.",
    ]


def _decision(subject: Subject) -> list[Fragment]:
    leaves, stars, outside = box_counts(subject)
    nonlinear = subject.data["proof"]["nonlinear"]
    names = [
        *nonlinear["states"],
        *(f"{s}(t - {subject.delay.name})" for s in nonlinear["delayed"]),
    ]
    if not names:
        return [
            "Nothing is left to vary: the inequality is a matrix inequality at each end, decided by exact elimination."
        ]
    return [
        "What is left is an inequality in ",
        *_listed([_variable(n, subject.delay.name) for n in names]),
        f", decided on the domain by branch and bound in {count(leaves)} boxes:"
        f" {count(leaves - stars - outside)} by the"
        f" collapsed test (a bound of D itself), {count(stars)} around the equilibrium by the star test (a matrix of"
        " slopes is negative definite), so that there is no hole at the equilibrium.",
        *_beyond(outside),
    ]


def _beyond(outside: int) -> list[Fragment]:
    """Say of the boxes beyond the level why they need no inequality."""
    if not outside:
        return []
    return [
        f" On the other {count(outside)} boxes ",
        letter("V"),
        " exceeds the level whatever the history is, and along the solutions that are claimed it never does.",
    ]


def _region(subject: Subject) -> list[Fragment]:
    faces = subject.data["statistics"].get("boxes", {}).get("face")
    boxes = "" if faces is None else f" ({count(faces)} boxes)"
    network = any(p.functional.V0 is not None for p in subject.pieces)
    level = equals("c", subject.pieces[0].level or 0.0)
    return [
        "Since ",
        letter("V"),
        " is at least ",
        lambda d: face_bound(d, network=network),
        " and this exceeds the level ",
        level if len(subject.pieces) == 1 else letter("c", "i"),
        f" on the faces of the domain{boxes}, no solution that starts with V below the level leaves the"
        " domain; there V decreases, and the solution tends to the equilibrium.",
    ]


def _listed(fragments: list[Fragment]) -> list[Fragment]:
    parts: list[Fragment] = []
    for i, fragment in enumerate(fragments):
        parts += [fragment] if i == 0 else [" and " if i == len(fragments) - 1 else ", ", fragment]
    return parts


def _variable(name: str, delay: str) -> Fragment:
    state, _, delayed = name.partition("(")

    def formula(d: Dialect) -> str:
        if not delayed:
            return d.name(state)
        return d.call(d.name(state), d.row(d.word("t"), d.symbol("minus"), d.name(delay)))

    return formula


def box_counts(subject: Subject) -> tuple[int, int, int]:
    """Return how many boxes the partitions have, how many the star test closed, and how many lie beyond the level."""
    forests = [p.forest for p in subject.pieces if p.forest is not None]
    leaves, stars = sum(f.leaves for f in forests), sum(f.stars for f in forests)
    return leaves, stars, sum(f.outside for f in forests)
