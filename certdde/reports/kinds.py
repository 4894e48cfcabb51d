"""The kinds of certificates that are described in words, not formula by formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certdde.reports.numbers import count, exact
from certdde.reports.subject import Subject


@dataclass(frozen=True, slots=True)
class Description:
    """What a reader has to know of a kind.

    Attributes
    ----------
    functional : str
        What decreases, or what stands in for it.
    proof : str
        What the checker shows, and why that is enough.
    """

    functional: str
    proof: str


def described(subject: Subject) -> Description:
    """Return the description of the kind of a certificate; of an unknown kind, where to look."""
    kind = subject.kind
    if kind == "yorke":
        return _yorke(subject)
    if kind == "razumikhin":
        return Description(_razumikhin(subject), RAZUMIKHIN)
    if kind == "resampled":
        return Description(RESAMPLED, _resampled(subject))
    if kind == "scheme":
        return SCHEMES.get(_functional(subject, "kind"), UNKNOWN)
    return DESCRIPTIONS.get(kind, UNKNOWN)


UNKNOWN = Description(
    "This kind of certificate is not known to the report. Its arrays are in the file, and its meaning is in the"
    " description of the format (docs/certificate-format.md).",
    "What has to be shown is in the description of the format; the independent checker decides.",
)
RAZUMIKHIN = (
    "Where V along a solution is at least its largest value over the last delay, up to a factor, V decreases: that is"
    " shown on the whole domain, by exact elimination and, for nonlinear terms, on the boxes of a partition. By"
    " Halanay's inequality V then decays whatever the delay does; a solution that starts below the level does not leave"
    " the domain."
)
RESAMPLED = "A quadratic function of the present and the stored states."
SCHEMES = {
    "lifted": Description(
        "Quadratic functions of the present and the stored states (for a delay that varies several of them, the nodes"
        " of a graph, with an edge for every delay).",
        "Every one of them is positive definite and decreases along every edge, for every slope of the nonlinear terms"
        " on the domain: exact matrix inequalities. So the function at the node that the delays lead to tends to zero.",
    ),
    "peaks": Description(
        "There is none: the peaks of the state are bounded by those before them (the discrete counterpart of the 3/2"
        " theorem of Myshkis and Yorke).",
        "The slope of the feedback is enclosed on the domain; with the largest delay it gives a factor below 1 between"
        " a peak and the peaks before it. All of it is exact.",
    ),
}
DESCRIPTIONS = {
    "random": Description(
        "Each piece has a proof of its own, of the kind that the table of the certified delays names: it is a"
        " certificate in the file, which can be taken out and read by itself.",
        "Every piece is checked by the rules of its kind, for the same system, and the union of their delays is formed"
        " exactly. The probability of that union under the law is bounded from below in outward rounded intervals,"
        " where the claim states it; of a law that the checker does not know the probability is float64 information.",
    ),
    "sampled": Description(
        "A quadratic form of the state at the sampling instants, V = x^T P x.",
        "From one sampling instant to the next x is multiplied by a matrix that depends on the step alone; it is"
        " enclosed on pieces of the range by matrices at which V decreases, relative to the step even for steps that"
        " tend to 0: exact rational arithmetic with a bound of the rest of the series. So V tends to zero along the"
        " instants, and between two of them the state is at most a constant times what it was at the first.",
    ),
    "slow": Description(
        "A quadratic functional with integrals over [t - tau(t), t] and [t - h, t - tau(t)], whose quadratic part"
        " depends on the delay.",
        "Its derivative is bounded by a polynomial in the delay that is affine in the delay's rate. The Bernstein"
        " coefficients on every piece of the range, at the ends of the rate, are negative definite matrices, and the"
        " bound of the functional from below is positive definite: exact rational arithmetic. For nonlinear equations"
        " this holds at all vertices of the slopes that their terms have on the domain.",
    ),
    "several": Description(
        "A quadratic functional with a window of history for each delay (and each multiple of a delay), one for each"
        " box of delays.",
        "The boxes cover the ranges of all delays. On each, the derivative is bounded by a form that is negative"
        " definite at all corners of a grid of breaks, and the functional is bounded from below: exact rational"
        " arithmetic. For nonlinear equations this holds at all vertices of the slopes that their terms have on the"
        " domain.",
    ),
    "sos": Description(
        "A polynomial in the state and the moments of the history, with integrals of a polynomial of the state and of a"
        " quadratic form of its rate over the last delay; one for each part of the range.",
        "The derivative, the bound from below and the level are polynomial inequalities on the domain. Each is an"
        " identity of sums of squares, which the checker forms again in exact rational arithmetic: Gram matrices are"
        " shown to be positive definite after what rounding left over is put into them.",
    ),
    "spectral": Description(
        "For one delay of the range, a quadratic functional with a window for each multiple of the delay.",
        "No characteristic root lies on the imaginary axis for any delay of the range: on every box of a partition of"
        " frequency and delay the characteristic matrix is shown to be regular. Roots move continuously with the delay,"
        " so the system is stable on the whole range if it is for one delay of it.",
    ),
}


def _functional(subject: Subject, key: str) -> str:
    section: Any = subject.data["functional"]
    return str(section.get(key, "")) if isinstance(section, dict) else ""


def _resampled(subject: Subject) -> str:
    """What is shown of the mean of V, why the mean of the state is not enough, and what a probability means."""
    text = (
        "It is positive definite, and its mean over the delay that is drawn next falls by a factor below 1, for every"
        " slope of the nonlinear terms on the domain: exact matrix inequalities."
    )
    if subject.bounded:
        text += (
            " That holds as long as V is at most the level, which keeps the state in the domain. Stopped where it"
            " exceeds the level, V is a nonnegative supermartingale: it ever exceeds it with a probability of at most"
            " the first V over the level (Ville's inequality; Kushner 1967), and else the solution tends to the"
            " equilibrium."
        )
    else:
        text += (
            " So the mean square of the state tends to zero geometrically, and with probability 1 every"
            " solution does."
        )
    text += (
        " That the mean of the state tends to zero is not enough: large deviations of both signs cancel in it, and it"
        " may tend to zero while the mean square grows."
    )
    factors = subject.data["statistics"].get("moments") or {}
    mean, square = factors.get("mean"), factors.get("mean_square")
    if isinstance(mean, float) and isinstance(square, float):
        text += (
            f" In the long run the mean of the linear part is multiplied by {mean:.6g} a step, the mean square by"
            f" {square:.6g} (float64)."
        )
    return text


def _razumikhin(subject: Subject) -> str:
    neural = _functional(subject, "kind") == "neural"
    term = " plus the squared size of a network's output" if neural else ""
    forms = {
        "dependent": " How far a solution moves in one delay is bounded through the rates of the history.",
        "averaged": " The delayed state is written by means over the last delay.",
    }
    form = forms.get(_functional(subject, "form"), "")
    return f"A function V of the present state: a quadratic form{term}.{form}"


def _yorke(subject: Subject) -> Description:
    """The 3/2 theorem; on a domain with its numbers."""
    theorem = (
        "There is none. The equation is a delayed negative feedback, x' = -p x - m x(t - tau) with p, m >= 0 and"
        " p + m > 0, and the 3/2 theorem (Myshkis 1951, Yorke 1970) speaks about its swings: after a zero the solution"
        " can only grow for one delay, driven by values from before the zero, which are small close to it."
    )
    slopes, radius = subject.data["proof"]["slopes"], subject.data["region"]["radius"]
    if slopes is None or radius is None:
        proof = (
            "With the constants p and m and the largest delay h, a swing is at most"
            " m int_0^h min(1, (p + m) w) dw times the one before; the checker shows that this is below 1, exactly."
            " For p = 0 that is m h < 3/2."
        )
        return Description(theorem, proof)
    low, high = (exact(v) for v in radius["box"])
    rise, back = (" and ".join(exact(v) for v in slopes[k]) for k in ("rise", "back"))
    boxes = subject.data["statistics"].get("boxes", {}).get("leaves")
    shown = "" if boxes is None else f" in {count(boxes)} boxes"
    proof = (
        f"On [{low}, {high}] the gain m is at most {rise} where the present and the delayed state lie on different"
        f" sides of the equilibrium (the present one above, resp. below), and p + m at most {back} where they lie on"
        f" the same side: shown by outward rounded intervals{shown}. With these bounds and the largest delay, no"
        " solution from a history within the radius leaves that interval, and its swings shrink: exact rational"
        " arithmetic."
    )
    return Description(theorem, proof)
