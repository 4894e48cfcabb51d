"""Folders and files that a command is going to write."""

import tempfile
from pathlib import Path

from certdde.errors import CertddeError


def writable_directory(directory: Path) -> Path:
    """Make ``directory`` and try it, before any work is done.

    Raises
    ------
    CertddeError
        If nothing can be written there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise CertddeError(
            f"cannot write there ({reason})",
            where=str(directory),
            wanted="give a directory that can be written, as in -o out",
        ) from None
    return directory


def writable_file(path: Path) -> Path:
    """Make the parent of ``path`` and refuse a directory in its place.

    Raises
    ------
    CertddeError
        If the file cannot be written.
    """
    writable_directory(path.parent)
    if path.is_dir():
        raise CertddeError("this is a directory", where=str(path), wanted="give the name of a file")
    return path
