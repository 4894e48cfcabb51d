"""The engines by name."""

import pytest

from certdde.errors import ProblemError
from certdde.verify.bound_propagation.branch import by_intervals
from certdde.verify.bound_propagation.engines import ENGINES, encloser


def test_intervals_are_there():
    assert encloser("intervals") is by_intervals
    assert ENGINES == ("intervals", "lirpa")


def test_an_unknown_engine_is_refused_in_one_line():
    with pytest.raises(ProblemError) as caught:
        encloser("lipra")
    assert str(caught.value) == (
        "certify.engine: unknown bound engine 'lipra'; one of intervals, lirpa"
    )
