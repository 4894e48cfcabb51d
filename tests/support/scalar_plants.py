"""The plant x' = a x + u(x(t - tau)), of which everything is known.

With u = -k x(t - tau) and k > a, roots cross the imaginary axis at tau = arccos(a / k) / sqrt(k^2 - a^2), which
is below its limit 1 / a for k -> a (Hayes 1950; Niculescu 2001, Delay Effects on Stability): no gain, and so no
smooth controller with a certificate, is possible for a longer delay.
"""

import math

from certdde.systems.controller_problem import ControllerProblem


def scalar_plant(delay=0.5, a=1.0, domain=1.0, **learn):
    settings = {"task": "controller", "hidden": 4, "rounds": 1, "steps": 150, **learn}
    return ControllerProblem.model_validate(
        {
            "system": {
                "equations": [f"x' = {a!r}*x + u(x(t - tau))"],
                "domain": {"x": [-domain, domain]},
            },
            "delays": {"tau": {"range": [delay, delay]}},
            "learn": settings,
        }
    )


def largest_delay(a, k):
    return math.acos(a / k) / math.sqrt(k * k - a * a)
