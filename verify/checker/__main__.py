"""`python -m certdde.verify.checker FILE [--json]`: exit 0 valid, 1 not valid, 2 unusable."""

import argparse
import json
import sys
from dataclasses import asdict

from .check import check_file


def main(arguments: list[str] | None = None) -> int:
    """Check one file and say what it proves."""
    parser = argparse.ArgumentParser(prog="certdde.verify.checker", description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    result = check_file(options.file)
    if options.json:
        print(json.dumps(asdict(result)))
    elif result.valid:
        print(result.claim)
    if result.valid:
        return 0
    line = f"not valid: {result.where}: {result.reason}".encode("ascii", "backslashreplace")
    print(line.decode().replace("\n", " "), file=sys.stderr)
    return 2 if result.where == "file" else 1


if __name__ == "__main__":
    sys.exit(main())
