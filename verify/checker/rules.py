"""The kinds of certificates, by name."""

from . import (
    krasovskii,
    random,
    razumikhin,
    resampled,
    sampled,
    scheme,
    several,
    slow,
    sos,
    spectral,
    yorke,
)
from .rule import Rule

RULES: dict[str, Rule] = {
    "krasovskii": krasovskii.RULE,
    "random": random.RULE,
    "razumikhin": razumikhin.RULE,
    "resampled": resampled.RULE,
    "sampled": sampled.RULE,
    "scheme": scheme.RULE,
    "several": several.RULE,
    "slow": slow.RULE,
    "sos": sos.RULE,
    "spectral": spectral.RULE,
    "yorke": yorke.RULE,
}
