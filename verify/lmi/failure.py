"""What counts as a solver that broke: an answer, not an error of the program."""

from __future__ import annotations

PANIC = "PanicException"  # of a solver in Rust: no subclass of Exception


def failure(error: BaseException) -> str:
    """Return the status of a solver that broke; an error that is none of the solver's goes on.

    Parameters
    ----------
    error : BaseException
        What its call has raised.

    Raises
    ------
    BaseException
        The error itself, if it is no failure of a solver.
    """
    numerical = isinstance(error, (ValueError, ArithmeticError, RuntimeError, MemoryError))
    if not numerical and type(error).__name__ != PANIC:
        raise error
    return f"failed: {type(error).__name__}"
