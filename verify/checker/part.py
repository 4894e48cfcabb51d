"""One part of the functional: its arrays, and everything that must hold on its delay range."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from . import measurable, moments
from .bundle import Arrays, read_npz, read_safetensors
from .dissipation import bessel, layout, matrices, rational, reduced
from .document import Document
from .exact import Matrix
from .features import Features
from .forest import OUTSIDE, Codes, forest
from .leaves import Count, Test, prove, tests
from .level import check_level, outside
from .moments import lower_forms, read_by
from .network import Network, load
from .radius import check_radius
from .refusal import require
from .rounding import enclose
from .system import System


@dataclass(frozen=True, slots=True)
class Part:
    """The data of part i, exact matrices and decoded arrays; `where` names it."""

    where: str
    p: Matrix
    s: Matrix
    r: Matrix
    breaks: list[Fraction]
    window: Fraction | None
    arrays: Arrays
    v0: Network | None
    w: Network | None

    @property
    def longest(self) -> Fraction:
        """T: the length of history that V sees."""
        return self.breaks[-1] if self.window is None else self.window

    @property
    def range(self) -> tuple[Fraction, Fraction]:
        """The delays that the part is about; for a measurable delay the breaks are tau/h."""
        unit = Fraction(1) if self.window is None else self.window
        return unit * self.breaks[0], unit * self.breaks[-1]

    @property
    def leaves(self) -> int:
        """How many leaves there are to test."""
        found = (self.arrays.get(name, np.zeros(0)) for name in ("codes", "face_codes"))
        return sum(int((codes >= OUTSIDE).sum()) for codes in found)


def read_part(i: int, document: Document, system: System, entries: dict[str, bytes]) -> Part:
    """Read part i: exactly the arrays of spec 4, of the right type and shape."""
    where, n = f"part{i}", system.n
    v0 = document.parts[i].get("V0")
    d = len(system.xi) + len(read_by(v0.inputs if v0 else (), n))
    arrays = read_npz(entries[f"{where}.npz"], where)
    wanted: dict[str, tuple[str, tuple[int, ...] | None]] = {
        "P": ("<f8", (n * (document.order + 1),) * 2),
        "S": ("<f8", (n, n)),
        "R": ("<f8", (n, n)),
        "breaks": ("<f8", None),
    }
    if document.measurable:
        wanted["window"] = ("<f8", (1,))
    if d:
        d += len(system.constants)
        wanted |= {"grid": ("<i8", (d,)), "blocks": ("<i8", None), "codes": ("|u1", None)}
    if system.domain is not None:
        wanted["face_codes"] = ("|u1", None)
    require(set(arrays) == set(wanted), where, f"must have exactly the arrays {sorted(wanted)}")
    for name, (dtype, shape) in wanted.items():
        array = arrays[name]
        right = array.dtype.str == dtype and (
            array.ndim == 1 if shape is None else array.shape == shape
        )
        require(right, f"{where}.{name}", "has a wrong type or shape")
    specs, name = document.parts[i], f"{where}.safetensors"
    tensors = read_safetensors(entries[name], name) if specs else {}
    networks = {key: load(key, spec, tensors, name) for key, spec in specs.items()}
    require(not tensors, name, "has a tensor that belongs to no network")
    breaks = [Fraction(t) for t in arrays["breaks"].tolist()]
    rising = len(breaks) >= 2 and breaks[0] >= 0 and breaks == sorted(set(breaks))
    require(rising, f"{where}.breaks", "must increase from at least 0")
    window = Fraction(arrays["window"].tolist()[0]) if document.measurable else None
    if window is not None:
        require(window > 0 and breaks[-1] == 1, f"{where}.window", "or the last break is wrong")
        require("W" not in networks, where, "has a network W, which a measurable delay excludes")
    p, s, r = (rational(arrays[key]) for key in "PSR")
    return Part(where, p, s, r, breaks, window, arrays, networks.get("V0"), networks.get("W"))


def check_part(
    part: Part, document: Document, system: System, level: Fraction | None, count: Count
) -> None:
    """Positivity, dissipation at every break, level and radius: all obligations of one part."""
    where = part.where
    total = bessel(part.p, part.s, part.r, part.longest, system.n)
    read = read_by(part.v0.inputs if part.v0 else (), system.n)
    forms = lower_forms(total, read, part.breaks, system.n)
    outer = None
    if level is not None:
        outer = outside(forms, part.v0, system.xi, system.n, level)
    _dissipation(part, system, document.order, outer, count)
    if system.domain is None or document.radius is None or level is None:
        return
    codes = Codes(part.arrays["face_codes"], f"{where}.face_codes")
    check_level(forms, part.v0, system.domain, level, codes, count, system.ends)
    networks, squares = (part.v0, part.w), (part.p, part.s, part.r)
    check_radius(document.radius, level, squares, networks, part.longest, f"{where}, region.radius")


def _dissipation(part: Part, system: System, order: int, outer: Test | None, count: Count) -> None:
    """D < 0 at every break for all eta' and all xi != 0 in the domain, but where `outer` shows V > c."""
    q_inputs = part.v0.inputs if part.v0 else ()
    outputs, n = part.w.outputs if part.w else 0, system.n
    read = read_by(q_inputs, n)
    d = len(system.xi) + len(read) + len(system.constants)
    inputs = set(q_inputs) - set(read) | {
        i + k for i in (part.w.inputs if part.w else ()) for k in (0, n)
    }
    require(inputs <= set(system.xi), "proof.nonlinear", "lacks an input of a network")
    squares = (part.p, part.s, part.r)
    if part.window is None:
        lay = layout(system, q_inputs, outputs, order, read)
        rule = moments.matrices if read else matrices
        found = rule(lay, n, *squares, part.breaks)
    else:
        lay = layout(system, q_inputs, outputs, 1 + 2 * order)  # z, then both windows' moments
        found = measurable.matrices(lay, squares, part.window, part.breaks)
    forms = [reduced(h, lay.head, f"{part.where}, break {j}") for j, h in enumerate(found)]
    if not d or system.domain is None:
        return
    box = tuple(system.domain[j % n] for j in system.xi) + moments.ranges(read, system.domain)
    box += system.spans
    codes = Codes(part.arrays["codes"], f"{part.where}.codes")
    grid, blocks = part.arrays["grid"].tolist(), part.arrays["blocks"].tolist()
    table = dict(tests(Features(system, part.v0, part.w), enclose(forms, d)))
    if outer is not None:
        table[OUTSIDE] = outer
    prove(forest(box, grid, blocks, codes), table, codes.where, count)
