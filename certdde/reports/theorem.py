"""The theorem of a certificate, typeset: what docs/certificate-format.md, section 6, says in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from certdde.reports.dialect import Dialect, Equation, Fragment, Line, typeset
from certdde.reports.equations import system_equations
from certdde.reports.formulas import equals, interval, letter
from certdde.reports.subject import Subject


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or formulas on lines of their own (``display``)."""

    content: Markup
    display: bool = False


def paragraph(dialect: Dialect, *fragments: Fragment) -> Block:
    """Return a paragraph."""
    return Block(typeset(dialect, *fragments))


def theorem(dialect: Dialect, subject: Subject) -> list[Block]:
    """Return the statement, in blocks; for the kinds that are described in words, the sentence of the file."""
    if not subject.detailed:
        return [paragraph(dialect, str(subject.data["claim"]))]
    return [*_head(dialect, subject), *_tail(dialect, subject)]


def system_blocks(dialect: Dialect, subject: Subject) -> list[Block]:
    """Return the equations and the values of the parameters."""
    values = [paragraph(dialect, *_parameters(subject))] if _known(subject) else []
    values += (
        [paragraph(dialect, "for every constant ", *_constants(subject)[1:])]
        if _constants(subject)
        else []
    )
    return [_equations(dialect, subject), *values]


def _equations(dialect: Dialect, subject: Subject) -> Block:
    return Block(dialect.display(system_equations(dialect, subject.system)), display=True)


def equilibrium(subject: Subject) -> Fragment:
    """Return the equilibrium as a formula."""

    def formula(d: Dialect) -> str:
        system = subject.system
        if system.family and system.family.enclosure:
            boxes = zip(system.states, system.family.enclosure.box, strict=True)
            return d.join([_within(d, s, *map(float, box)) for s, box in boxes])
        values = zip(system.states, system.equilibrium, strict=True)
        return d.join([_equal(d, s, float(x)) for s, x in values])

    return formula


def delay_in_range(subject: Subject) -> Fragment:
    """Return tau in [a, b] as a formula."""
    name, ends = subject.delay.name, subject.claimed
    return lambda d: d.row(d.name(name), d.symbol("in"), interval(d, *ends))


def level_formula(subject: Subject) -> Fragment:
    """Return V <= c, or V_i <= c_i if there are several parts."""
    levels = subject.data["region"]["level"]
    if len(levels) == 1:
        return equals("V", levels[0], "at most")

    def formula(d: Dialect) -> str:
        left, right = (d.sub(d.word(letter), d.word("i")) for letter in "Vc")
        return d.row(left, d.symbol("at most"), right)

    return formula


def _head(dialect: Dialect, subject: Subject) -> list[Block]:
    first = paragraph(
        dialect,
        "For every measurable delay with " if subject.measurable else "For every constant delay ",
        delay_in_range(subject),
        *_constants(subject),
        ", the equilibrium ",
        equilibrium(subject),
        _uniqueness(subject),
        " of",
    )
    return [first, _equations(dialect, subject)]


def _constants(subject: Subject) -> list[Fragment]:
    """Return the parameters known in intervals, as in `` and every constant a in [0.9, 1.1]``."""
    family = subject.system.family
    if family is None or not family.parameters:
        return []

    def formula(d: Dialect) -> str:
        return d.join(
            [_within(d, p.name, float(p.lower), float(p.upper)) for p in family.parameters]
        )

    return [" and every constant ", formula]


def _uniqueness(subject: Subject) -> str:
    family = subject.system.family
    if family is None or family.enclosure is None:
        return ""
    of = ", and V is a function of the deviation from it" if subject.bounded else ""
    return f" (exactly one there{of})"


def _tail(dialect: Dialect, subject: Subject) -> list[Block]:
    values = [*_parameters(subject), " "] if _known(subject) else []
    if not subject.bounded:
        return [paragraph(dialect, *values, "is globally asymptotically stable.")]
    return [
        paragraph(
            dialect,
            *values,
            "is asymptotically stable, and every absolutely continuous history with square integrable derivative,"
            " values in",
        ),
        Block(dialect.display([_box(dialect, subject)]), display=True),
        paragraph(dialect, "and ", level_formula(subject), *_stays(subject)),
    ]


def _stays(subject: Subject) -> list[Fragment]:
    radius, levels = subject.data["region"]["radius"], subject.data["region"]["level"]
    fragments: list[Fragment] = [" stays there and tends to the equilibrium"]
    if len(levels) > 1:
        fragments += [
            ", where ",
            _levels(levels),
            " and part ",
            letter("i"),
            " of the functional covers the delay",
        ]
    fragments.append("; all histories within ")
    fragments.append(lambda d: d.number(repr(float(radius["rho"]))))
    fragments.append(" of the equilibrium in every state with rates at most ")
    fragments.append(lambda d: d.number(repr(float(radius["rho_rate"]))))
    fragments.append(" are among them.")
    return fragments


def _levels(levels: list[float]) -> Fragment:
    def formula(d: Dialect) -> str:
        values = d.fence(d.join([d.number(repr(float(c))) for c in levels]))
        return d.row(d.word("c"), d.symbol("equal"), values)

    return formula


def _known(subject: Subject) -> list[tuple[str, float]]:
    """Return the parameters that are numbers."""
    values = sorted(subject.system.parameters.items())
    return [(name, value) for name, value in values if not isinstance(value, (list, tuple))]


def _parameters(subject: Subject) -> list[Fragment]:
    values = _known(subject)

    def formula(d: Dialect) -> str:
        return d.join([_equal(d, name, value) for name, value in values])

    return ["with ", formula]


def _box(d: Dialect, subject: Subject) -> Equation:
    domain = subject.data["region"]["domain"]
    sides = []
    for state in subject.system.states:
        low, high = (d.number(repr(float(end))) for end in domain[state])
        between = d.symbol("at most")
        sides.append(d.row(low, between, d.name(state), between, high))
    return Equation("", (Line(d.join(sides), 20 * len(sides)),))


def _within(d: Dialect, name: str, lower: float, upper: float) -> str:
    return d.row(d.name(name), d.symbol("in"), interval(d, lower, upper))


def _equal(d: Dialect, name: str, value: float) -> str:
    return d.row(d.name(name), d.symbol("equal"), d.number(repr(float(value))))
