"""Every way a command can end becomes an exit status and at most one line, never a traceback."""

import sys
import tempfile
import traceback
from collections.abc import Callable

import typer

from certdde.cli.output import complain
from certdde.errors import CertddeError

DONE, NOT_CERTIFIED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


class InterruptedRunError(Exception):
    """Ctrl-C in a command that can say what it has saved."""


def guarded(run: Callable[[], int]) -> int:
    """Return the exit status of ``run``.

    Parameters
    ----------
    run : callable
        Returns 0 (certified, or done) or 1 (not certified, refuted, or check failed).

    Returns
    -------
    int
        What ``run`` returns, 2 if its input is unusable or it has a bug, or 130 after Ctrl-C.
    """
    try:
        return run()
    except CertddeError as error:
        complain(str(error))
    except typer.TyperException as error:
        complain(f"{error.format_message().rstrip('.')}; see certdde --help")
    except InterruptedRunError as error:
        complain(f"interrupted; {error}")
        return INTERRUPTED
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted; nothing was saved, the same command starts again")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone: nothing more to say, and nothing to flush at exit
        return NOT_CERTIFIED
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        complain(f"{place}{error.strerror or error}; give a file or directory that can be used")
    except Exception as error:  # the last resort: a bug
        place = _saved_traceback()
        complain(
            f"internal error ({type(error).__name__}: {str(error)[:200]}); "
            f"please report it with the file {place}"
        )
    return UNUSABLE


def _saved_traceback() -> str:
    text = traceback.format_exc()
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="certdde-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write(text)
    except OSError:
        return "(which could not be written)"
    return file.name
