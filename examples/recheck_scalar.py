"""Check a certificate once more: a second checker, written from docs/certificate-format.md alone.

    python examples/recheck_scalar.py FILE.certdde

Standard library, numpy (arrays) and mpmath (intervals); exit status 0 if the claim is proved. It takes one state x with
a domain, kind krasovskii, a constant delay, both x(t) and x(t - tau) nonlinear, and an equation of + - * / and powers;
it refuses all else. In place of Taylor forms it uses the mean value theorem, v(xi) in v(m) + J (xi - m), and halves.
"""

import ast
import hashlib
import io
import json
import re
import sys
import zipfile
from fractions import Fraction as Q
from itertools import islice, pairwise, product
from math import inf, nextafter

import numpy as np
from mpmath import iv

iv.prec = 80
ball = np.frompyfunc(lambda q: iv.mpf(Q(q).numerator) / iv.mpf(Q(q).denominator), 1, 1)
exact = np.frompyfunc(Q, 1, 1)

ARRAYS = {"P": "<f8", "S": "<f8", "R": "<f8", "breaks": "<f8", "grid": "<i8", "blocks": "<i8"}
ARRAYS |= {"codes": "|u1", "face_codes": "|u1"}


def need(condition, what):
    """Refuse unless the condition holds."""
    if condition is not True:
        raise ValueError(what)


class Dual:
    """Ranges v (m,) of some quantities and g (m, 2) of their derivatives by xi = (x, y)."""

    def __init__(self, v, g):
        self.v, self.g = v, g

    def __add__(self, o):
        return Dual(self.v + o.v, self.g + o.g)

    def __mul__(self, o):
        return Dual(self.v * o.v, self.v[:, None] * o.g + o.v[:, None] * self.g)

    def __pow__(self, k):
        return Dual(self.v**k, (k * self.v ** (k - 1))[:, None] * self.g)

    def tanh(self):
        """Return tanh of each."""
        t = np.array([1 - 2 / (iv.exp(2 * z) + 1) for z in self.v])
        return Dual(t, (1 - t**2)[:, None] * self.g)

    def affine(self, w, b=0):
        """Return w self + b."""
        return Dual(w @ self.v + b, w @ self.g)


def lift(q):
    """Return a rational constant."""
    return Dual(ball([q]), ball(np.zeros((1, 2))))


def evaluate(node, text, names, number):
    """Return the value of an expression, over rationals or Duals."""
    match node:
        case ast.BinOp(a, ast.Pow(), ast.Constant(int(k))) if 1 <= k <= 64:
            return evaluate(a, text, names, number) ** k
        case ast.BinOp(a, ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, b):
            a, b = (evaluate(side, text, names, number) for side in (a, b))
            b = number(Q(-1)) * b if isinstance(op, ast.Sub) else b
            b = b**-1 if isinstance(op, ast.Div) else b
            return a + b if isinstance(op, ast.Add | ast.Sub) else a * b
        case ast.UnaryOp(ast.USub(), a):
            return number(Q(-1)) * evaluate(a, text, names, number)
        case ast.Constant():
            return number(Q(ast.get_source_segment(text, node)))
    return names[ast.unparse(node)]


def network(tensors, name, layers):
    """Return the function x -> (p, J^T p) of a network, by section 4."""
    w = [ball(tensors.pop(f"{name}.weight{k}")) for k in range(layers)]
    b = [ball(tensors.pop(f"{name}.bias{k}")) for k in range(layers - 1)]

    def run(x):
        layer, hidden, rest = x, [], lift(Q(0))
        for weight, bias in zip(w[:-1], b, strict=True):
            layer, rest = (h.affine(weight, bias).tanh() for h in (layer, rest))
            hidden.append(layer)
        p = back = layer.affine(w[-1], -(w[-1] @ rest.v))
        for weight, h in zip(w[:0:-1], hidden[::-1], strict=True):
            back = back.affine(weight.T) * Dual(1 - h.v**2, -2 * h.v[:, None] * h.g)
        return p, back.affine(w[0].T)

    return run


def read(path):
    """Return the JSON object with exact numbers, and arrays and tensors of the parts."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    text, parts = entries.pop("certificate.json").decode(), []
    body = {key: value for key, value in json.loads(text).items() if key != "digest"}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(entries):
        digest.update(name.encode() + b"\0" + hashlib.sha256(entries[name]).digest())
    document = json.loads(text, parse_float=Q, parse_int=Q)
    need(digest.hexdigest() == document["digest"], "the digest is another")
    wanted = set()
    for i, part in enumerate(document["functional"]["parts"]):
        arrays, tensors = dict(np.load(io.BytesIO(entries[f"part{i}.npz"]))), {}
        need({name: a.dtype.str for name, a in arrays.items()} == ARRAYS, "the arrays")
        if part["networks"]:
            content = entries[f"part{i}.safetensors"]
            start = 8 + int.from_bytes(content[:8], "little")
            for name, t in json.loads(content[8:start]).items():
                a, b = t["data_offsets"]
                tensors[name] = np.frombuffer(content[start + a : start + b]).reshape(t["shape"])
        parts.append((part["networks"], arrays, tensors))
        wanted |= {f"part{i}.npz", f"part{i}.safetensors"} if tensors else {f"part{i}.npz"}
    need(set(entries) == wanted, "an entry is missing or unknown")
    return document, parts


def schur(m, head):
    """Return A - B Q^-1 B^T; the pivots of Q must be positive."""
    m = m.copy()
    for p in range(len(m) - 1, head - 1, -1):
        need(m[p, p] > 0, "a matrix is not definite")
        m[:p, :p] -= np.outer(m[:p, p], m[p, :p]) / m[p, p]
    return m[:head, :head]


def forms(a, t, q, o):
    """Return Ht_j at the breaks; z = (x, y, f, q, p_W(x), p_W(y), Omega), everything exact."""
    (p, r, s), n, head, square = (
        (exact(a[k]) for k in "PRS"),
        len(a["P"]) - 1,
        3 + q + 2 * o,
        np.outer,
    )
    e = exact(np.eye(head + n + 1, dtype=int))[:, : head + n]
    (x, y, f), u, v, m = e[:3], e[3 + q : 3 + q + o], e[3 + q + o : head], e[head:-1]
    g = [
        x
        - (-1) ** k * y
        - sum(((2 * j + 1) * (1 - (-1) ** (k + j)) * m[j] for j in range(k)), 0 * x)
        for k in range(n + 1)
    ]
    for j, tau in enumerate(t):
        near = [(t[i], t[i + 1]) for i in (j - 1, j) if 0 <= i < len(t) - 1]
        kappa = min(
            1 / h if low == 0 else 4 / (low + h) - 4 * tau / (low + h) ** 2 for low, h in near
        )
        need(kappa >= 0, "kappa is negative")
        d = 2 * np.array([x, *(tau * m)]).T @ p @ np.array([f, *g[:-1]]) + u.T @ u - v.T @ v
        d = d + 2 * q * square(e[3], f) + s[0, 0] * (square(x, x) - square(y, y))
        d = d + tau * r[0, 0] * square(f, f)
        d = d - kappa * r[0, 0] * sum((2 * k + 1) * square(gk, gk) for k, gk in enumerate(g))
        yield ball(-schur(-(d + d.T) / 2, head))


def leaves(low, high, arrays):
    """Yield the boxes of the forest; the test of each is left to `proved`."""
    grid, codes = arrays["grid"].tolist(), arrays["codes"].tolist()
    need(len(grid) == 2 and all(1 <= n <= 4096 for n in grid), "the grid")
    splits = sum(code < 2 for code in codes)
    need(len(codes) == 2 * splits + grid[0] * grid[1], "the codes are those of no forest")
    edges = [[low, *(low + (high - low) * (k / n) for k in range(1, n)), high] for n in grid]
    roots, codes = product(*(pairwise(e) for e in edges)), iter(codes)
    for size in arrays["blocks"].tolist():
        level = list(islice(roots, size))
        need(len(level) == size > 0, "a block has too many roots")
        while level:
            lower = []
            for box in level:
                code, around = next(codes, 256), all(a <= 0 <= b for a, b in box)
                need(code in (0, 1, 254, 255), "a code is missing or unknown")
                need(code != 254 or not around, "a collapsed leaf holds the origin")
                if code < 2:
                    lower += halves(box, code)
                else:
                    yield box
            level = lower
    need(next(roots, None) is None and next(codes, None) is None, "roots or codes are left over")


def halves(box, axis):
    """Return both halves of a box."""
    (a, b), m = box[axis], 0.5 * (box[axis][0] + box[axis][1])
    need(a < m < b, "a box is too small")
    return [(*box[:axis], side, *box[axis + 1 :]) for side in ((a, m), (m, b))]


def proved(features, forms_, box, depth=9):
    """Whether v^T Ht_j v < 0 for all j and xi != 0 on a box, if need be on its halves."""
    sides, eye = np.array([iv.mpf(side) for side in box]), ball(np.eye(2))
    j = features(Dual(sides, eye)).g
    if all(a <= 0 <= b for a, b in box):  # v(xi) = J xi, as v(0) = 0: the star test
        stars = [j.T @ h @ j for h in forms_]
        good = all(
            (m[1, 1] < 0) is True and (m[0, 0] - m[0, 1] ** 2 / m[1, 1] < 0) is True for m in stars
        )
    else:
        middle = np.array([(iv.mpf(a) + iv.mpf(b)) / 2 for a, b in box])
        t = np.array([1, *(sides - middle)])
        lin = np.array([[iv.mpf(g.mid) for g in row] for row in j])
        v, e = np.column_stack([features(Dual(middle, eye)).v, lin]), (j - lin) @ t[1:]
        bounds = [e @ h @ e + 2 * (e @ h @ v) @ t + square_form(v.T @ h @ v, t) for h in forms_]
        good = all((bound < 0) is True for bound in bounds)
    if good or depth == 0:
        return good
    axis = 0 if box[0][1] - box[0][0] > box[1][1] - box[1][0] else 1
    return all(proved(features, forms_, half, depth - 1) for half in halves(box, axis))


def square_form(k, t):
    """Return t^T K t, squares as squares."""
    pairs = [(a, b) for a in range(3) for b in range(a)]
    return sum(k[a, a] * t[a] ** 2 for a in range(3)) + sum(
        2 * k[a, b] * t[a] * t[b] for a, b in pairs
    )


def largest(net, rho, pieces=64):
    """Return a bound of |p|^2 for |x| <= rho: the mean value theorem on pieces."""
    found = []
    for k in range(pieces):
        a, b = (ball(rho * Q(2 * i - pieces, pieces)) for i in (k, k + 1))
        x, m = iv.mpf([a.a, b.b]), (a + b) / 2
        p, slope = net(Dual(np.array([m]), ball(np.zeros((1, 2)))))[0].v, ball(np.ones((1, 2)))
        found.append(abs(p + net(Dual(np.array([x]), slope))[0].g[:, 0] * (x - m)))
    return sum(iv.mpf(max(v.b for v in column)) ** 2 for column in zip(*found, strict=True))


def shown(q):
    """Return a number as the claim prints it."""
    need(Q(repr(float(q))) == q, "a number cannot be stated exactly")
    return repr(float(q))


def claim(document, state):
    """Return the sentence of section 6."""
    system, region, delay = document["system"], document["region"], document["delay"]
    (a, b), ends = map(shown, delay["range"]), [shown(end) for end in system["domain"][state]]
    rest, levels = (
        shown(system["equilibrium"].get(state, Q(0))),
        [shown(c) for c in region["level"]],
    )
    given = ", ".join(f"{k} = {shown(v)}" for k, v in sorted(system["parameters"].items()))
    bound = f"V_i <= c_i, c = ({', '.join(levels)})" if len(levels) > 1 else f"V <= {levels[0]}"
    return (
        f"For every constant delay {delay['name']} in [{a}, {b}], the equilibrium {state} = {rest} of "
        f"{system['equations'][0]}{' with ' * bool(given)}{given} is asymptotically stable, and every absolutely "
        f"continuous history with square integrable derivative, values in {ends[0]} <= {state} <= {ends[1]} and "
        f"{bound} stays there and tends to the equilibrium; all histories within {shown(region['radius']['rho'])} of "
        f"the equilibrium in every state with rates at most {shown(region['radius']['rho_rate'])} are among them."
    )


def check(path):
    """Return the claim; ValueError, or another error, if it is not proved."""
    document, parts = read(path)
    system, region, delay = document["system"], document["region"], document["delay"]
    [state], [equation], nonlinear = (
        system["states"],
        system["equations"],
        document["proof"]["nonlinear"],
    )
    need(
        document["schema"] == "certdde-certificate-1" and document["kind"] == "krasovskii",
        "the format is another",
    )
    need(document["status"] == "certified" and delay["class"] == "constant", "the claim is another")
    need(
        nonlinear == {"states": [state], "delayed": [state]}
        and region["domain"] == system["domain"],
        "not scalar",
    )
    text = re.fullmatch(rf" *{state} *' *=(.*)", equation)[1].strip().replace("^", "**")
    tree, rest = ast.parse(text, mode="eval").body, system["equilibrium"].get(state, Q(0))

    def f(x, y, number):
        names = {name: number(value) for name, value in system["parameters"].items()}
        names |= {state: x, f"{state}(t)": x, f"{state}(t - {delay['name']})": y}
        return evaluate(tree, text, names, number)

    need(f(rest, rest, Q) == 0, "f is not 0 at the equilibrium")
    low, high = (end - rest for end in system["domain"][state])
    need(
        low < 0 < high and 0 <= delay["range"][0] <= delay["range"][1] and len(parts) > 0, "a range"
    )
    lower, upper = float(low), float(high)
    lower, upper = (
        nextafter(lower, -inf) if lower > low else lower,
        nextafter(upper, inf) if upper < high else upper,
    )
    end = delay["range"][0]
    for (networks, arrays, tensors), level in zip(parts, region["level"], strict=True):
        nets = {name: network(tensors, name, int(net["layers"])) for name, net in networks.items()}
        p, s, r, t = (exact(arrays[name]) for name in ("P", "S", "R", "breaks"))
        need(t[0] >= 0 and bool((t[1:] > t[:-1]).all()) and t[0] <= end, "the breaks")
        end, n = t[-1], int(document["functional"]["order"])
        need(p.shape == (n + 1, n + 1) and not tensors, "the shape of P, or a tensor too many")
        v0, w = nets.get("V0"), nets.get("W")

        def features(xi, v0=v0, w=w):
            x, y = (Dual(xi.v[k : k + 1], xi.g[k : k + 1]) for k in (0, 1))
            found = [x, y, f(lift(rest) + x, lift(rest) + y, lift), *([v0(x)[1]] if v0 else [])]
            found += [w(x)[0], w(y)[0]] if w else []
            return Dual(np.concatenate([q.v for q in found]), np.concatenate([q.g for q in found]))

        need(
            s.shape == r.shape == (1, 1) and s[0, 0] > 0 and r[0, 0] > 0 and bool((p == p.T).all()),
            "P, S or R",
        )
        core = schur(p + np.diag([Q(0), *((2 * k + 1) * s[0, 0] / end for k in range(n))]), 1)[0, 0]
        need(core > 0, "V is not positive definite")
        outputs = len(w(lift(Q(0)))[0].v) if w else 0
        found = list(forms(arrays, list(t), int(v0 is not None), outputs))
        for box in leaves(lower, upper, arrays):
            need(proved(features, found, box), f"{box} is not proved")
        rho, rate = region["radius"]["rho"], region["radius"]["rho_rate"]
        need(level > 0 and rho > 0 and rate > 0 and low <= -rho and rho <= high, "level or radius")
        for face in (low, high):
            value = ball(core * face**2) + (sum(v0(lift(face))[0].v ** 2) if v0 else 0)
            need((value > ball(level)) is True, "the level is too high")
        m = np.array([rho] + [end * rho] * n)
        total = ball(m @ abs(p) @ m + end * rho**2 * s[0, 0] + end**2 / 2 * rate**2 * r[0, 0])
        total += (largest(v0, rho) if v0 else 0) + (ball(end) * largest(w, rho) if w else 0)
        need((total <= ball(level)) is True, "the radius is too large")
    need(end >= delay["range"][1], "the last part ends before the delays do")
    need(document["claim"] == claim(document, state), "the claim is another sentence")
    return document["claim"]


if __name__ == "__main__":
    try:
        print(check(sys.argv[1]))
    except Exception as error:
        sys.exit(f"not proved: {type(error).__name__}: {error}")
