"""How fast the checker is, how large a certificate of a million boxes is, and what memory its check takes.

Run: python benchmarks/checker.py [FILE.certdde], then benchmarks/tables.py.

The certificate of examples/hutchinson.toml (or FILE) is checked as it is and with every leaf halved until there are a
million: a bisection of a box that is proved is a proof too. Processor time of one core, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from certdde.certificates import Certificate
from certdde.certificates.bundle import array_entry, read_arrays
from examples import machine

ROOT = Path(__file__).resolve().parent.parent
LEAF, MILLION = 253, 1_000_000

MEASURED = """
import json, re, sys, time
from pathlib import Path
from certdde.verify.checker import check_file
def peak():  # of this program: what getrusage says may be the peak of the one that started it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
began = time.process_time()
result = check_file(sys.argv[1])
seconds = time.process_time() - began
print(json.dumps([result.valid, result.reason, result.boxes, seconds, before, peak()]))
"""
ASKED = """
import json, sys, time
from certdde.verify.second_opinion import compare
began = time.process_time()
opinion = compare(sys.argv[1], sample=int(sys.argv[2]))
print(json.dumps([opinion.agree, opinion.reason, opinion.boxes, time.process_time() - began]))
"""


def refined(arrays: dict[str, np.ndarray], times: int) -> dict[str, np.ndarray]:
    """Return the arrays of a part with every leaf halved a number of times, the axes in turn."""
    d, position, found = len(arrays["grid"]), 0, []
    for size in arrays["blocks"].tolist():
        # Each node of a level: its code if it is of the old forest, and what is left to halve of an old leaf.
        inner, left, kind = size, np.zeros(0, np.int64), np.zeros(0, np.uint8)
        is_old = np.ones(size, dtype=bool)
        while len(is_old):
            code = np.zeros(len(is_old), dtype=np.uint8)
            old = arrays["codes"][position : position + inner]
            position += inner
            code[is_old] = old
            remaining = np.zeros(len(is_old), dtype=np.int64)
            remaining[~is_old], remaining[is_old] = left, np.where(old >= LEAF, times, -1)
            kinds = np.zeros(len(is_old), dtype=np.uint8)
            kinds[~is_old], kinds[is_old] = kind, old
            halved, leaf = remaining > 0, remaining == 0
            code[halved] = (remaining[halved] % d).astype(np.uint8)
            code[leaf] = kinds[leaf]
            found.append(code)
            split = ~leaf
            is_old = np.repeat((remaining < 0)[split], 2)
            left = np.repeat((remaining - 1)[split], 2)[~is_old]
            kind = np.repeat(kinds[split], 2)[~is_old]
            inner = int(is_old.sum())
    return {**arrays, "codes": np.concatenate(found)}


def run(program: str, *arguments: object) -> list:
    """Run a program in a process of its own, on one thread."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )
    return json.loads(done.stdout)


def measured(path: Path, name: str, arrays: dict[str, np.ndarray]) -> dict[str, object]:
    """Return one row: boxes, seconds, size and peak memory of a check."""
    valid, reason, boxes, seconds, before, peak = run(MEASURED, path)
    if not valid:
        raise SystemExit(f"{name} is not valid: {reason}")
    return {
        "certificate": name,
        "boxes": boxes,
        "seconds": round(seconds, 3),
        "boxes_per_second": round(boxes / seconds),
        "bytes": path.stat().st_size,
        "codes": int(arrays["codes"].size),
        "peak_mb": round(peak / 1024),
        "start_mb": round(before / 1024),
    }


def certificate() -> Certificate:
    """Return the certificate to measure."""
    if len(sys.argv) > 1:
        return Certificate.load(sys.argv[1])
    from certdde.learning.certify import certify
    from certdde.systems.problem import load_problem

    return certify(load_problem(ROOT / "examples" / "hutchinson.toml"))


def main() -> None:
    """Run all and keep the result."""
    given, rows = certificate(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.certdde"
        given.save(path)
        arrays = read_arrays(given.entries, 0)
        rows.append(measured(path, "hutchinson, as certified", arrays))
        leaves = int((arrays["codes"] >= LEAF).sum())
        for goal, name in (
            (100_000, "every leaf halved, 1e5"),
            (MILLION, "every leaf halved, 1e6"),
        ):
            times = int(np.ceil(np.log2(goal / leaves)))
            more = refined(arrays, times)
            entries = dict(given.entries, **{"part0.npz": array_entry(more)})
            Certificate(given.data, entries).save(path)
            rows.append(measured(path, name, more))
        agree, reason, boxes, seconds = run(ASKED, path, 2000)
        if not agree:
            raise SystemExit(f"the second opinion differs: {reason}")
    data = {"machine": machine(), "rows": rows, "arb_ms_per_box": round(1000 * seconds / boxes, 2)}
    target = ROOT / "benchmarks" / "results" / "checker.json"
    target.write_text(json.dumps(data, indent=1) + "\n")
    print(target.read_text())


if __name__ == "__main__":
    main()
