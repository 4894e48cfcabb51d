"""The one exception of the checker: a certificate is refused, with the place and the reason."""

from collections.abc import Callable


class Refused(Exception):
    """The certificate is not accepted: `where` names the place in the file, `reason` says why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def require(condition: bool, where: str, reason: str | Callable[[], str]) -> None:
    """Refuse unless `condition` is exactly True (so that a NaN or an empty answer refuses)."""
    if condition is not True:
        raise Refused(where, reason if isinstance(reason, str) else reason())
