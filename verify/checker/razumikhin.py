"""Kind "razumikhin": a function V of the state that decays for every measurable delay (spec, kind "razumikhin")."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from .bundle import read_npz, read_safetensors
from .claim import joined, shown, subject
from .dissipation import rational
from .document import Document
from .leaves import Count
from .network import load
from .network_spec import NETWORK, described
from .razumikhin_forms import (
    Data,
    Function,
    check_averaged,
    check_conditions,
    check_region,
    definite,
)
from .refusal import require
from .rule import Proof, Rule
from .schema import PAIR, conform
from .system import System

FUNCTIONAL = {
    "kind": {"quadratic", "neural"},
    "form": {"independent", "dependent", "averaged"},
    "networks": {...: NETWORK},
}
RADIUS = {
    "independent": {"rho": Fraction},
    "dependent": {"rho": Fraction, "rho_rate": Fraction, "rates": Fraction},
}
BETA = {"independent": 1, "dependent": 3, "averaged": 5}


def complete(document: Document) -> Document:
    """The network, the level and the radius; a domain excludes the form that is for linear systems only."""
    functional, region = document.raw["functional"], document.raw["region"]
    form, networks = functional["form"], functional["networks"]
    neural = functional["kind"] == "neural"
    require(set(networks) == ({"V0"} if neural else set()), "functional.networks", "are wrong")
    found = {}
    for name, entry in networks.items():
        found[name] = described(entry, list(document.states), "functional.networks")
    if document.domain is None:
        bare = region["level"] is None and region["radius"] is None and not neural
        require(bare, "region", "has a level, a radius or a network but no domain")
        return replace(document, parts=(found,))
    require(form in RADIUS, "functional.form", "is for a global claim")
    conform(region["level"], (Fraction,), "region.level")
    conform(region["radius"], RADIUS[form], "region.radius")
    numbers = [*region["level"], *region["radius"].values()]
    require(all(number > 0 for number in numbers), "region", "must be positive")
    clear = form == "independent" or not document.names & {"Q", "r"}
    require(clear, "system", "uses the name Q or r, which the sentence needs")
    return replace(document, parts=(found,), level=tuple(region["level"]))


def entries(document: Document) -> set[str]:
    """The arrays, and the weights if there is a network."""
    return {"razumikhin.npz"} | ({"razumikhin.safetensors"} if document.parts[0] else set())


def shapes(
    form: str, n: int, d: int, bounded: bool
) -> dict[str, tuple[str, tuple[int, ...] | None]]:
    """Name, type and shape of every array; None is a vector of any length."""
    found: dict[str, tuple[str, tuple[int, ...] | None]] = {
        "P": ("<f8", (n, n)),
        "q": ("<f8", (1,)),
        "beta": ("<f8", (BETA[form],)),
    }
    if form != "independent":
        found |= {"Q": ("<f8", (n, n)), "window": ("<f8", (1,))}
    if form == "averaged":
        found |= {"N": ("<f8", (n, 4 * n)), "rho": ("<f8", (5,))}
    if d:
        found |= {"grid": ("<i8", (d,)), "blocks": ("<i8", None), "codes": ("|u1", None)}
    return found | ({"face_codes": ("|u1", None)} if bounded else {})


def read_function(document: Document, system: System, found: dict[str, bytes]) -> Function:
    """Exactly the arrays of the form; q > 1, beta positive, rho not negative, the window not below the delays."""
    form = document.raw["functional"]["form"]
    arrays = read_npz(found["razumikhin.npz"], "razumikhin")
    wanted = shapes(form, system.n, len(system.xi), system.domain is not None)
    require(set(arrays) == set(wanted), "razumikhin", f"must have exactly {sorted(wanted)}")
    for name, (dtype, shape) in wanted.items():
        array = arrays[name]
        right = array.ndim == 1 if shape is None else array.shape == shape
        require(right and array.dtype.str == dtype, f"razumikhin.{name}", "has a wrong form")
    exact = {
        k: [Fraction(v) for v in a.tolist()]
        for k, a in arrays.items()
        if a.ndim == 1 and a.dtype.kind == "f"
    }
    require(exact["q"][0] > 1, "razumikhin.q", "must be above 1")
    require(all(b > 0 for b in exact["beta"]), "razumikhin.beta", "must be positive")
    rho, window = exact.get("rho", []), exact.get("window", [document.high])[0]
    require(all(r >= 0 for r in rho), "razumikhin.rho", "must not be negative")
    require(window >= document.high, "razumikhin.window", "is below the longest delay")
    p, gap, n = (rational(arrays[k]) if k in arrays else [] for k in ("P", "Q", "N"))
    tensors = (
        read_safetensors(found["razumikhin.safetensors"], "razumikhin.safetensors")
        if document.parts[0]
        else {}
    )
    networks = [load(k, s, tensors, "razumikhin.safetensors") for k, s in document.parts[0].items()]
    require(not tensors, "razumikhin.safetensors", "has a tensor that belongs to no network")
    data = Data(p, exact["q"][0], exact["beta"], gap, window, rho, n)
    return Function(form, data, networks[0] if networks else None, arrays)


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The function, whose conditions have to hold on the domain, with its level and radius."""
    function = read_function(document, system, found)

    def run(count: Count) -> None:
        data = function.data
        for name, matrix in (("P", data.p), ("Q", data.gap)):
            symmetric = [list(c) for c in zip(*matrix, strict=True)] == matrix
            require(symmetric, f"razumikhin.{name}", "is not symmetric")
            require(
                not matrix or definite(matrix), f"razumikhin.{name}", "is not positive definite"
            )
        if function.form == "averaged":
            check_averaged(system, data)
        else:
            check_conditions(function, system, count)
        if system.domain is not None:
            check_region(function, document, system, count)

    return Proof(function.leaves, run)


def sentence(document: Document) -> str:
    """The claim."""
    head, states = f"{subject(document)} is", document.states
    if document.domain is None:
        return f"{head} globally asymptotically stable."
    radius: dict[str, Any] = document.raw["region"]["radius"]
    sides = zip(states, document.domain, strict=True)
    values = joined(f"{shown(lo)} <= {name} <= {shown(hi)}" for name, (lo, hi) in sides)
    level, kind, rates, bound = shown(document.level[0]), "continuous", "", ""
    if "rates" in radius:
        kind = "absolutely continuous"
        rates = f" and rates r with r^T Q r <= {shown(radius['rates'])}"
        bound = f" with rates at most {shown(radius['rho_rate'])}"
    return (
        f"{head} asymptotically stable, and every {kind} history with values in {values} and V <= {level}"
        f"{rates} has a solution that keeps to these values and tends to the equilibrium; all {kind} histories "
        f"within {shown(radius['rho'])} of the equilibrium in every state{bound} are among them."
    )


RULE = Rule(
    delay={"name": str, "class": {"constant", "measurable"}, "range": PAIR},
    functional=FUNCTIONAL,
    proof={},
    complete=complete,
    entries=entries,
    read=read,
    sentence=sentence,
)
