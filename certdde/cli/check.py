"""``certdde check``: prove a certificate again, from the file alone. Loads no torch."""

from collections.abc import Callable
from dataclasses import asdict

from certdde.cli.guard import DONE, NOT_CERTIFIED
from certdde.cli.options import AsJson, CertificateFile, ShowProgress
from certdde.cli.output import number, one_line, print_json, print_text
from certdde.cli.progress import Report, working
from certdde.errors import CertificateError

# Where the checker says that it found no archive to read, as opposed to a proof that does not hold.
NO_ARCHIVE = "file"


def check(file: CertificateFile, as_json: AsJson = False, progress: ShowProgress = None) -> int:
    """Prove a certificate again from the file alone, in outward rounded arithmetic."""
    with file.open("rb"):  # a missing or unreadable file is told apart from a bad certificate
        pass
    from certdde.verify.checker import check_file

    with working(progress) as report:
        result = check_file(file, progress=_boxes(report))
    if not result.valid and result.where == NO_ARCHIVE:
        wanted = "give a certificate that `certdde certify` has written"
        raise CertificateError(result.reason, where=str(file), wanted=wanted)
    if as_json:
        print_json(asdict(result))
    elif result.valid:
        print_text(one_line(result.claim))
        print_text(f"valid, {result.rigor}: {result.boxes} boxes in {number(result.seconds)} s")
    else:
        place = f" ({result.where})" if result.where else ""
        print_text(f"not valid: {one_line(result.reason + place)}")
    return DONE if result.valid else NOT_CERTIFIED


def _boxes(report: Report | None) -> Callable[[int, int], None] | None:
    """Return the progress function that the checker takes."""
    if report is None:
        return None
    return lambda done, total: report("check", {"done": done, "total": total})
