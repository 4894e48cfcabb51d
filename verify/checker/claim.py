"""The sentence that a valid certificate proves, derived from what was checked (spec 6)."""

from collections.abc import Iterable
from fractions import Fraction

from .document import Document
from .refusal import require


def shown(value: Fraction) -> str:
    """The repr of the nearest binary64; refused if it does not say the number exactly."""
    text = repr(float(value))
    require(Fraction(text) == value, "claim", f"cannot state a number exactly (about {text})")
    return text


def joined(parts: Iterable[str]) -> str:
    """A list in a sentence."""
    return ", ".join(parts)


def subject(document: Document) -> str:
    """What every claim begins with: the delays, the equilibrium, the system."""
    kind = (
        "measurable delay {}(t) with values in" if document.measurable else "constant delay {} in"
    )
    spans = sorted(document.unknown.items())
    named = joined(f"{name} in {interval(*span)}" for name, span in spans)
    more = f" and every constant {named}" if spans else ""
    return (
        f"For every {kind.format(document.delay)} "
        f"{interval(document.low, document.high)}{more}, {about(document)}"
    )


def interval(low: Fraction, high: Fraction) -> str:
    """[low, high] in a sentence."""
    return f"[{shown(low)}, {shown(high)}]"


def about(document: Document) -> str:
    """The equilibrium and the system."""
    resting = zip(document.states, document.equilibrium, strict=True)
    if document.enclosure is None:
        point = joined(f"{name} = {shown(value)}" for name, value in resting)
    else:
        boxes = zip(document.states, document.enclosure, strict=True)
        point = joined(f"{name} in {interval(*box)}" for name, box in boxes)
        of = ", and V is a function of the deviation from it" if document.domain else ""
        point += f" (exactly one there{of})"
    head = f"the equilibrium {point} of {'; '.join(document.equations)}"
    known = [f"{name} = {shown(value)}" for name, value in sorted(document.parameters.items())]
    for name, entry in sorted(document.raw["system"].get("networks", {}).items()):
        known.append(f"{name} the network {entry['fingerprint']}")
    return f"{head} with {joined(known)}" if known else head


def sentence(document: Document) -> str:
    """The claim of spec 6."""
    return f"{subject(document)} is {outcome(document)}."


def outcome(document: Document, where: str = "") -> str:
    """What is said of the equilibrium; `where` belongs to the levels of V."""
    states = document.states
    if document.domain is None or document.radius is None:
        return "globally asymptotically stable"
    sides = zip(states, document.domain, strict=True)
    levels = [shown(level) for level in document.level]
    bound = f"V <= {levels[0]}" if len(levels) == 1 else f"V_i <= c_i, c = ({joined(levels)})"
    rho, rate = map(shown, document.radius)
    return (
        "asymptotically stable, and every absolutely continuous history with square "
        "integrable derivative, values in "
        f"{joined(f'{shown(lo)} <= {name} <= {shown(hi)}' for name, (lo, hi) in sides)} and "
        f"{bound}{where} stays there and tends to the equilibrium; all histories within {rho} of the "
        f"equilibrium in every state with rates at most {rate} are among them"
    )
