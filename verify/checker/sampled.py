"""Kind "sampled": sample and hold, x' = A x + B x(t_k) from one sampling instant to the next (spec, kind "sampled").

Theorem. Let P > 0 and N(s) = (M(s)^T P M(s) - P) / s < 0 for all steps s in [a, b], with N(0) = the limit if a = 0.
Then V = x^T P x has V(t_(k+1)) <= (1 - c s_k) V(t_k) with some c > 0, so V(t_k) <= exp(-c (t_k - t_0)) V(t_0),
and |x(t)| <= max |M(s)| |x(t_k)| in between: x tends to 0 exponentially, at a rate that no sequence changes.
"""

from fractions import Fraction

from .bundle import Arrays, read_npz
from .claim import about, shown
from .dissipation import rational
from .document import Document
from .dominance import positive_definite
from .exact import Matrix
from .leaves import Count
from .refusal import require
from .rule import Proof, Rule
from .sampled_forms import MOST_PIECES, failures
from .schema import PAIR
from .system import System


def complete(document: Document) -> Document:
    """A global claim: no domain, no level, no radius."""
    region = document.raw["region"]
    empty = document.domain is None and region["level"] is None and region["radius"] is None
    require(empty, "region", "must be empty: the claim is global")
    return document


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """P, and pieces that cover the steps."""
    require(not system.xi, "proof.nonlinear", "must be empty: the system must be linear")
    arrays = read_npz(found["sampled.npz"], "sampled")
    p, breaks = _arrays(arrays, system.n)
    rising = len(breaks) >= 2 and breaks == sorted(set(breaks))
    require(rising, "sampled.breaks", "must increase")
    covers = 0 <= breaks[0] <= document.low and document.high <= breaks[-1]
    require(covers, "delay.range", "is not covered by the breaks")
    a, b = (
        [[row.get(k + j, Fraction(0)) for j in range(system.n)] for row in system.linear]
        for k in (0, system.n)
    )

    def run(count: Count) -> None:
        require(positive_definite(p), "sampled.P", "is not positive definite")
        for where in failures(p, a, b, breaks):
            require(not where, f"sampled, steps in {where}", "V does not decrease")
            count(1)

    return Proof(len(breaks) - 1, run)


def _arrays(arrays: Arrays, n: int) -> tuple[Matrix, list[Fraction]]:
    """Exactly P and breaks, of the right type and shape; P symmetric."""
    require(set(arrays) == {"P", "breaks"}, "sampled", "must have exactly the arrays P and breaks")
    p, breaks = arrays["P"], arrays["breaks"]
    right = p.dtype.str == "<f8" and p.shape == (n, n) and bool((p == p.T).all())
    require(right, "sampled.P", "must be a symmetric matrix of the states")
    listed = breaks.dtype.str == "<f8" and breaks.ndim == 1 and breaks.size <= MOST_PIECES + 1
    require(listed, "sampled.breaks", "must be a list of numbers, and not be too many")
    return rational(p), [Fraction(item) for item in breaks.tolist()]


def sentence(document: Document) -> str:
    """The claim."""
    low, high = shown(document.low), shown(document.high)
    steps = f"{'[' if document.low > 0 else '('}{low}, {high}]"
    return (
        f"For every sequence of sampling instants from 0 to infinity with steps in {steps} and {document.delay}(t) "
        f"the time since the last of them, {about(document)} is globally asymptotically stable."
    )


RULE = Rule(
    delay={"name": str, "class": {"sampled"}, "range": PAIR},
    functional={"kind": {"quadratic"}},
    proof={},
    complete=complete,
    entries=lambda _: {"sampled.npz"},
    read=read,
    sentence=sentence,
)
