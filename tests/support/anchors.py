"""Linear systems with known stability limits (shared/design/REFERENCE.md)."""

from certdde.systems import DelaySystem


def linear(present, delayed) -> DelaySystem:
    names = "abc"[: len(present)]
    rows = [
        " + ".join(
            f"({a!r})*{s} + ({b!r})*{s}(t - tau)" for s, a, b in zip(names, row, late, strict=True)
        )
        for row, late in zip(present, delayed, strict=True)
    ]
    return DelaySystem.from_equations([f"{s}' = {r}" for s, r in zip(names, rows, strict=True)])


KR = linear([[-2, 0], [0, -0.9]], [[-1, 0], [-1, -1]])
GU = linear([[0, 1], [-2, 0.1]], [[0, 0], [1, 0]])
SC = linear([[0]], [[-1]])
LD = linear([[0, 1], [-1, -1]], [[0, 0], [0, -1]])
KIM = linear([[0, 1], [-1, -2]], [[0, 0], [-1, 1]])
UNSTABLE = linear([[1]], [[0]])
HUTCHINSON = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": (-0.5, 1.0)})
