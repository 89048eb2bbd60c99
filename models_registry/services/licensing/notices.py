"""The NOTICE file: what is passed on, under which licence, whom to name, and from what it was changed."""

from collections.abc import Iterable, Sequence

from models_registry import addresses
from models_registry.licences import find, label
from models_registry.licences.lineage import EVALUATED_ON
from models_registry.manifests import listing_of
from models_registry.permissions import Action, can
from models_registry.services.heads import read_small_file
from models_registry.services.licensing.reports import Report, Viewer

MAX_NOTICE = 64 * 1024
_OWN = ("NOTICE", "NOTICE.txt", "NOTICE.md", "LICENSE.NOTICE")
_TEXTS = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "LICENCE.md", "COPYING")
_TERMS = ("show-origin", "keep-notice-file", "name-prefix", "produced-work-notice", "outputs-keep-name")
_WORDS = {
    "finetune": "fine-tuned from",
    "adapter": "adapter of",
    "merge": "merged from",
    "quantized": "quantised from",
    "distilled": "taught by",
    "trained_on": "trained on",
    "part_of": "contains",
    "unknown": "made in an unknown way from",
}
RULE = "-" * 72


def notice_of(reports: Sequence[Report], viewer: Viewer) -> str:
    """The text for these versions, in their order."""
    head = [
        "NOTICE",
        "",
        "This lists the models and data that are passed on here, their licences, whom to name, and what was changed.",
        "It is read from what authors declare and is not legal advice.",
    ]
    parts = ["\n".join(_lines(report, viewer)) for report in reports]
    return f"\n{RULE}\n".join(["\n".join(head), *parts]) + "\n"


def _lines(report: Report, viewer: Viewer) -> Iterable[str]:
    repository = report.repository
    yield f"{repository.full_name}{f' {report.release}' if report.release else ''} ({repository.kind})"
    yield f"Version: commit {report.commit.oid} of {report.commit.committed_at:%Y-%m-%d}"
    yield f"From: {addresses.absolute(addresses.page(repository))}"
    yield f"By: {repository.namespace.name}"
    yield from _licence(report)
    yield from _changes(report)
    for duty in report.duties:
        if duty.term in _TERMS:
            yield f"Asked by {', '.join(duty.because)}: {duty.text}."
    if can(viewer, Action.DOWNLOAD, repository):
        yield from _own_files(report)


def _licence(report: Report) -> Iterable[str]:
    if not report.licence:
        yield "Licence: none is declared"
        return
    yield f"Licence: {label(report.licence)}"
    if report.has_choice:
        yield f"Taken: {' and '.join(report.chosen)}"
    for record in filter(None, map(find, report.chosen)):
        yield f"Text of {record.id}: {record.source}"


def _changes(report: Report) -> Iterable[str]:
    """What it was made from, near and far; what was only measured on it leaves no trace in it."""
    parts, root = report.lineage.parts, report.lineage.root
    for link in report.lineage.links:
        if link.relation == EVALUATED_ON or link.parent not in parts:
            continue
        parent = parts[link.parent]
        whose = "" if link.child == root or link.child not in parts else f"{parts[link.child].name}: "
        word = _WORDS.get(link.relation, "made from")
        licence = label(parent.licence) if parent.licence else "licence not known"
        where = f", {addresses.absolute(parent.where) if parent.where.startswith('/') else parent.where}"
        yield f"Changed: {whose}{word} {parent.name} ({licence}; {link.evidence}){where if parent.where else ''}"


def _own_files(report: Report) -> Iterable[str]:
    """Where the licence's text lies in the version, and its own notice as it stands, for that has to be passed on."""
    repository, commit = report.repository, report.commit
    listing = listing_of(commit)
    held = commit.held
    text = next((path for path in _TEXTS if path in listing.files and path not in held), "")
    if text:
        yield f"Text in the version: {text}"
    for path in _OWN:
        if path in held:
            continue
        content = read_small_file(repository, listing, path, limit=MAX_NOTICE)
        if content:
            yield f"{path} of the version:"
            yield from (f"    {line}".rstrip() for line in content.decode("utf-8", "replace").splitlines())
