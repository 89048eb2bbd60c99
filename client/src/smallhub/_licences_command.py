"""`smallhub licenses` and `smallhub sbom`: options, words and exit status."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import _api
from ._licences import FAILURES, FORMATS, LicenceReport, Terms, markdown, text
from ._lock import LOCK_FILE

FAILED = 9  # The exit status where something is what it must not be.


def add_commands(commands: Any, command: Any) -> None:
    """Both commands, made by the command line's own `command`."""
    licenses = command(commands, "licenses", _licenses, "show the licences of all that is locked, and what they ask")
    licenses.add_argument("--lock", "--lock-file", dest="lock_file", type=Path, default=Path(LOCK_FILE))
    licenses.add_argument("--markdown", action="store_true", help="print a table in markdown")
    licenses.add_argument("--notice", type=Path, metavar="FILE", help="write a NOTICE file; - prints it")
    licenses.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="WORD",
        help=f"exit with {FAILED} if this holds of anything: {', '.join(FAILURES)}; may be given more than once",
    )
    sbom = command(commands, "sbom", _sbom, "write a bill of materials of a version", kind=True)
    sbom.add_argument("name", help="ns/name or ns/name@revision")
    sbom.add_argument("--format", choices=FORMATS, default="cyclonedx", help="default: cyclonedx")
    sbom.add_argument("--output", "-o", type=Path, metavar="FILE", help="default: stdout")


def _licenses(options: argparse.Namespace) -> int:
    words = [word for given in options.fail_on for word in given.split(",") if word]
    if options.notice is not None:
        _write(options.notice, _api.notice(options.lock_file))
        if not words and not options.json and not options.markdown:
            return 0
    report = _api.licenses(options.lock_file, fail_on=words)
    if options.json:
        print(json.dumps(as_json(report, words), ensure_ascii=False, indent=2))
    else:
        print(markdown(report) if options.markdown else text(report))
    if report.offline:
        print(f"smallhub: {report.offline} Shown is what the lock file recorded.", file=sys.stderr)
    failures = report.failures(words)
    for name, word in failures:
        print(f"smallhub: {name}: {word}", file=sys.stderr)
    return FAILED if failures else 0


def as_json(report: LicenceReport, words: list[str]) -> dict[str, Any]:
    """The report for programs."""
    return {
        "offline": report.offline,
        "items": [_row(row) for row in report.rows],
        "failures": [{"name": name, "word": word} for name, word in report.failures(words)],
    }


def _row(row: Terms) -> dict[str, Any]:
    found = asdict(row)
    del found["licence"]
    return found | row.licence.to_json()


def _sbom(options: argparse.Namespace) -> int:
    bill = _api.sbom(options.name, format=options.format, kind=options.kind)
    _write(options.output or Path("-"), json.dumps(bill, ensure_ascii=False, indent=2) + "\n")
    return 0


def _write(path: Path, content: str) -> None:
    if str(path) == "-":
        sys.stdout.write(content)
    else:
        path.write_text(content, "utf-8")
