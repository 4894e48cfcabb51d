"""Ctrl-C in a search for a margin: what was proved is returned to those who ask for it, and an error to the others."""

from pathlib import Path

import pytest

from certdde.studies.margin import margin
from certdde.systems.problem import Problem

HUTCHINSON = {
    "system": {"equations": ["x' = -(1 + x)*x(t - tau)"], "domain": {"x": [-0.5, 1.0]}},
    "delays": {"tau": {"range": [0.0, 0.9]}},
}


def pressed_after(count):
    """Raise KeyboardInterrupt at the event after ``count`` events."""
    events = []

    def press(phase, info):
        events.append(info)
        if len(events) > count:
            raise KeyboardInterrupt

    return press


def test_what_was_proved_is_kept_with_its_certificate(tmp_path: Path):
    problem = Problem.from_dict(HUTCHINSON)
    options = {"method": "lmi", "start": 0.0, "stop": 1.0}
    found = margin(problem, **options, progress=pressed_after(3), partial=True)
    whole = margin(problem, **options)
    assert not found.complete
    assert whole.complete
    assert 0 < found.delay_margin < whole.delay_margin
    assert found.certificate.save(tmp_path / "part.certdde").check().valid
    assert found.certificate.data["delay"]["range"] == [0.0, found.delay_margin]


@pytest.mark.parametrize("kind", ["constant", "sampled", "slow"])
def test_nothing_proved_yet(kind):
    delay = {"class": kind, "range": [0.0, 0.9]} | ({"rate": 0.5} if kind == "slow" else {})
    linear = {"system": {"equations": ["x' = -x(t - tau)"]}, "delays": {"tau": delay}}
    options = {"method": "lmi", "start": 0.0, "stop": 3.0, "progress": pressed_after(0)}
    found = margin(Problem.from_dict(linear), **options, partial=True)
    assert (found.delay_margin, found.intervals, found.complete) == (None, [], False)


def test_others_get_the_error():
    with pytest.raises(KeyboardInterrupt):
        margin(Problem.from_dict(HUTCHINSON), method="lmi", progress=pressed_after(3))
