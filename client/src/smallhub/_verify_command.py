"""`smallhub verify` of receipts: options, words and exit status."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import _api
from ._exceptions import Invalid
from ._verify import DIFFERENT, ReceiptReport, is_receipt

_WORDS = {
    "equal": "equal: the same outputs, byte for byte",
    "within_noise": "within noise: the same answers, numbers apart by no more than is declared",
    "different": "different",
    "unknown": "not told, for only the signature could be checked",
    "not_run": "kept outputs give the stated score; the model was not run",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What can be said about receipts."""
    group = parser.add_argument_group("receipts")
    group.add_argument("--receipts", action="store_true", help="of a name: verify the receipts of that version")
    group.add_argument("--benchmark", metavar="ID", help="of a name: the receipt of this benchmark alone")
    group.add_argument("--sample", type=_positive, metavar="N", help="ask N items only")
    group.add_argument("--seed", type=int, default=0, help="draws the sample")
    group.add_argument("--no-run", action="store_true", help="leave the model alone; check signature, hashes and score")
    group.add_argument("--threads", type=_positive, help="default: as many as the receipt names")
    group.add_argument("--key", help="the key to trust: its id, or its 32 bytes in base64")
    group.add_argument("--allow-unsigned", action="store_true", help="go on with a receipt that nobody signed")


def is_wanted(options: argparse.Namespace) -> bool:
    """Is it about receipts?"""
    return bool(options.receipts or options.benchmark or is_receipt(options.target))


def reports(options: argparse.Namespace) -> list[ReceiptReport]:
    """Verify what was named."""
    if is_receipt(options.target):
        targets = [options.target]
    elif options.kind not in (None, "model"):
        raise Invalid("Only models have receipts.", code="no_receipt")
    else:
        targets = _api.receipts(options.target, revision=options.revision, benchmark=options.benchmark)
    return [
        _api.verify_receipt(
            target,
            sample=options.sample,
            seed=options.seed,
            run=not options.no_run,
            threads=options.threads,
            key=options.key,
            allow_unsigned=options.allow_unsigned,
        )
        for target in targets
    ]


def text(found: Sequence[ReceiptReport]) -> str:
    """All of it for a person."""
    return "\n".join(line for report in found for line in _lines(report))


def status(found: Sequence[ReceiptReport]) -> int:
    """The exit status: 0 if all keep their word, 8 if one does not, 1 if it could not be told."""
    if any(report.verdict == "different" for report in found):
        return DIFFERENT
    return 0 if all(report.ok for report in found) else 1


def _lines(report: ReceiptReport) -> list[str]:
    by = f"signed with {report.key_id[:16]}" if report.key_id else "not signed"
    lines = [
        f"{report.repository} at {report.commit[:12]}, {report.benchmark}: {_WORDS[report.verdict]}",
        f"  receipt {report.receipt[:16]}, {by}",
    ]
    if report.there is not None:
        here = f", {report.here:.10g} here" if report.here is not None and report.verdict != "not_run" else ""
        lines.append(f"  {report.metric} {report.there:.10g} there{here}; {report.items} items")
    lines += [f"  {reason}" for reason in report.reasons]
    if report.differing_count:
        more = ", …" if report.differing_count > len(report.differing) else ""
        lines.append(f"  came out otherwise: {', '.join(report.differing)}{more}")
    if report.verdict not in ("equal", "not_run") and report.environment:
        lines.append(f"  not as it was: {'; '.join(report.environment)}")
    if report.sandbox is False:
        lines.append("  the model ran without walls, as any program of yours; this system has no sandbox that we know")
    return lines


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("needs a number from 1")
    return number
