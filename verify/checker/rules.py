"""The kinds of certificates, by name."""

from . import krasovskii, razumikhin, scheme, several, slow, sos, spectral, yorke
from .rule import Rule

RULES: dict[str, Rule] = {
    "krasovskii": krasovskii.RULE,
    "razumikhin": razumikhin.RULE,
    "scheme": scheme.RULE,
    "several": several.RULE,
    "slow": slow.RULE,
    "sos": sos.RULE,
    "spectral": spectral.RULE,
    "yorke": yorke.RULE,
}
