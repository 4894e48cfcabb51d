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
    return (
        f"For every {kind.format(document.delay)} "
        f"[{shown(document.low)}, {shown(document.high)}], {about(document)}"
    )


def about(document: Document) -> str:
    """The equilibrium and the system."""
    resting = zip(document.states, document.equilibrium, strict=True)
    head = (
        f"the equilibrium {joined(f'{name} = {shown(value)}' for name, value in resting)} of "
        f"{'; '.join(document.equations)}"
    )
    if document.parameters:
        named = sorted(document.parameters.items())
        head += f" with {joined(f'{name} = {shown(value)}' for name, value in named)}"
    return head


def sentence(document: Document) -> str:
    """The claim of spec 6."""
    head, states = subject(document), document.states
    if document.domain is None or document.radius is None:
        return f"{head} is globally asymptotically stable."
    sides = zip(states, document.domain, strict=True)
    levels = [shown(level) for level in document.level]
    bound = f"V <= {levels[0]}" if len(levels) == 1 else f"V_i <= c_i, c = ({joined(levels)})"
    rho, rate = map(shown, document.radius)
    return (
        f"{head} is asymptotically stable, and every absolutely continuous history with square "
        "integrable derivative, values in "
        f"{joined(f'{shown(lo)} <= {name} <= {shown(hi)}' for name, (lo, hi) in sides)} and "
        f"{bound} stays there and tends to the equilibrium; all histories within {rho} of the "
        f"equilibrium in every state with rates at most {rate} are among them."
    )
