"""Errors that carry their fix: what is wrong, where, and what would be right."""


class CertddeError(Exception):
    """Base of every error that certdde raises on purpose.

    Parameters
    ----------
    what : str
        One clause that says what is wrong.
    where : str
        The place: a file, a key of the problem file, an equation, an argument. May be empty.
    wanted : str
        What would be right. May be empty.
    """

    def __init__(self, what: str, *, where: str = "", wanted: str = "") -> None:
        self.what, self.where, self.wanted = what, where, wanted
        head = f"{where}: {what}" if where else what
        super().__init__(f"{head}; {wanted}" if wanted else head)


class ProblemError(CertddeError):
    """The problem (file, equations, delay, domain) cannot be used as it is."""


class CertificateError(CertddeError):
    """A certificate file cannot be read or written."""


class MissingPackageError(CertddeError):
    """An optional package is not installed; ``wanted`` names the line that installs it."""
