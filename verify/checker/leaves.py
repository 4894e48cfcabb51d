"""The leaf tests, and the loop that puts every leaf of a forest to its test in batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from .features import Features
from .forest import COLLAPSED, STAR, Leaves
from .lagrange import below
from .refusal import Refused
from .rounding import Quadratic, congruence, negative_definite, upper

BATCH = 4096

Test = Callable[[np.ndarray, np.ndarray], np.ndarray]
Count = Callable[[int], None]


def collapsed(features: Features, q: Quadratic, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Lemma: if the upper bound of v^T Ht_j v over a box is negative, so is D at t_j on it."""
    v = features.affine(lo, hi)
    proved = np.asarray(np.all(upper(q, v) < 0, axis=0))
    if not proved.all():
        proved[~proved] = below(q, v.boxes(~proved))
    return proved


@dataclass(frozen=True, slots=True)
class Star:
    """The star test, in the frame and, where that does not do, without one."""

    features: Features
    q: Quadratic
    frame: np.ndarray | None

    def __call__(self, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
        """Lemma: v = Sl eta, xi = T eta, and v^T Ht_j v = eta^T (Sl^T Ht_j Sl) eta < 0 for xi != 0 in the box.

        Definite matrices Sl^T Ht_j Sl = T^T (..) T exist only if T is regular: then every xi is T eta, and
        eta = 0 only for xi = 0.
        """
        proved = self._definite(lo, hi, self.frame)
        if self.frame is not None and not proved.all():
            proved[~proved] = self._definite(lo[:, ~proved], hi[:, ~proved], None)
        return proved

    def _definite(self, lo: np.ndarray, hi: np.ndarray, frame: np.ndarray | None) -> np.ndarray:
        found = congruence(self.q, self.features.slopes(lo, hi, frame))
        return np.array(np.all(negative_definite(found), axis=0))


def tests(features: Features, q: Quadratic) -> Mapping[int, Test]:
    """The test of each leaf code of a part's forest."""
    return {
        COLLAPSED: lambda lo, hi: collapsed(features, q, lo, hi),
        STAR: Star(features, q, features.frame(q)),
    }


def prove(pieces: Iterator[Leaves], table: Mapping[int, Test], where: str, count: Count) -> None:
    """Put all leaves to the tests of their codes; the first that fails refuses the certificate."""
    waiting: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {code: [] for code in table}
    for lo, hi, codes in pieces:
        if not np.isin(codes, list(table)).all():
            raise Refused(where, "has a leaf of a kind that is not allowed there")
        for code, test in table.items():
            chosen, queue = codes == code, waiting[code]
            if chosen.any():
                queue.append((lo[:, chosen], hi[:, chosen]))
                if sum(part[0].shape[1] for part in queue) >= BATCH:
                    _run(test, queue, where, count)
    for code, test in table.items():
        _run(test, waiting[code], where, count)


def _run(test: Test, queue: list[tuple[np.ndarray, np.ndarray]], where: str, count: Count) -> None:
    """Test everything in the queue, BATCH boxes at a time, and empty it."""
    if not queue:
        return
    lo, hi = (np.concatenate(ends, axis=1) for ends in zip(*queue, strict=True))
    queue.clear()
    for k in range(0, lo.shape[1], BATCH):
        low, high = lo[:, k : k + BATCH], hi[:, k : k + BATCH]
        proved = test(np.ascontiguousarray(low), np.ascontiguousarray(high))
        if proved.shape != (low.shape[1],) or not proved.all():
            i = int(np.argmin(proved)) if proved.shape == (low.shape[1],) else 0
            sides = zip(low[:, i].tolist(), high[:, i].tolist(), strict=True)
            box = " x ".join(f"[{a!r}, {b!r}]" for a, b in sides)
            raise Refused(f"{where}, box {box}", "the inequality is not proved on this box")
        count(low.shape[1])
