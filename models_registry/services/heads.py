"""Copies onto the repository's row what lists show of its head, in the transaction that moves the head."""

from functools import partial

from django.db import transaction

from models_registry import allowances, facts, gates, holding
from models_registry.cards import CARD as CARD
from models_registry.cards import MAX_CARD_BYTES as MAX_CARD_BYTES
from models_registry.cards import Card, CardFault, read_card
from models_registry.licences import licence_class
from models_registry.licences.choices import names_of
from models_registry.manifests import listing_of
from models_registry.models import (
    Commit,
    GitObject,
    HeldObject,
    Kind,
    Repository,
    RepositoryContent,
    RepositoryLicence,
    RepositoryTag,
    ScanVerdict,
)
from models_registry.services.licensing import changes
from models_registry.services.licensing.files import has_any
from models_registry.services.licensing.terms import NO_FILE, LicenceFile, note_terms
from models_registry.services.lineage import building
from models_registry.signals import commit_named
from models_registry.types import Listing

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
MAX_TAGS = 300
_OF_HEAD = (
    "head",
    "card",
    "config",
    "task",
    "library",
    "licence",
    "is_draft",
    "licence_class",
    "summary",
    "tags",
    "size_bytes",
    "file_count",
    "updated_at",
)


def read_small_file(repository: Repository, listing: Listing, path: str, *, limit: int) -> bytes | None:
    """A file kept as a Git blob, or None when it is absent, large or over `limit` bytes."""
    entry = listing.files.get(path)
    if entry is None or entry.is_large or entry.size > limit:
        return None
    body = GitObject.objects.filter(repository=repository, oid=entry.oid).values_list("body", flat=True).first()
    return bytes(body) if body is not None else None


def licence_file(repository: Repository, listing: Listing | None = None) -> LicenceFile:
    """The licence's text as it stands at the head of the default branch, or in another listing; none if too long."""
    if listing is None:
        commit = Commit.objects.filter(repository=repository, oid=repository.head).select_related("manifest").first()
        listing = listing_of(commit) if commit is not None else None
    path = gates.licence_path(listing.files) if listing is not None else ""
    body = read_small_file(repository, listing, path, limit=gates.MAX_LICENCE_BYTES) if listing and path else None
    return LicenceFile(path, body) if body else NO_FILE


def card_of(repository: Repository, commit: Commit) -> Card:
    """The card of a commit; a faulty front matter counts as none, the prose stays."""
    content = read_small_file(repository, listing_of(commit), CARD, limit=MAX_CARD_BYTES)
    text = (content or b"").decode("utf-8", "replace")
    try:
        return read_card(text)
    except CardFault:
        return Card(body=text)


def is_draft(kind: Kind, card: Card) -> bool:
    """Whether this card leaves a repository a draft: a model or data set of which nobody knows what she may do."""
    return kind in {Kind.MODEL, Kind.DATASET} and not card.declares_licence


def describe(*, repository: Repository, commit: Commit) -> None:
    """Put what a commit says of itself onto the row in memory. Nothing is saved."""
    listing = listing_of(commit)
    card = card_of(repository, commit)
    config, tokenizer = (
        facts.read_config(read_small_file(repository, listing, path, limit=facts.MAX_CONFIG_BYTES) or b"")
        for path in (CONFIG, TOKENIZER_CONFIG)
    )
    paths = set(listing.files)
    repository.head = commit.oid
    repository.card = card.data
    repository.config = facts.summary_of(config, tokenizer)
    repository.task = card.task or facts.task_of(paths, config)
    repository.library = card.library or facts.library_of(paths, config)
    repository.licence = card.licence
    repository.is_draft = is_draft(Kind(repository.kind), card)
    repository.licence_class = licence_class(card.licence)
    repository.summary = card.summary
    formats = facts.formats_of(paths) if repository.kind == Kind.MODEL else []
    tags = [*card.tags(), *filter(None, (repository.library, repository.task)), *formats]
    repository.tags = list(dict.fromkeys(tags))
    repository.size_bytes = listing.total_bytes
    repository.file_count = len(listing.files)
    repository.updated_at = max(commit.committed_at, repository.created_at)  # Git counts whole seconds.


_ROWS = 500


def note_head(*, repository: Repository, commit: Commit) -> None:
    """Refresh the row and the tags from a new head of the default branch.

    Raises:
        LicenceNotAllowed: it comes under a licence that its organisation does not let in.
    """
    before, had_head = repository.licence, bool(repository.head)
    describe(repository=repository, commit=commit)
    if repository.licence != before:  # What was there when the list was made can still be worked on.
        allowances.require_upload(namespace=repository.namespace, name=repository.full_name, licence=repository.licence)
    links = building.note_head(repository=repository, commit=commit)
    repository.tags = list(dict.fromkeys([*repository.tags, *building.tags_of(links)]))[:MAX_TAGS]
    repository.save(update_fields=_OF_HEAD)  # Not the counters, which others write meanwhile.
    RepositoryTag.objects.filter(repository=repository).delete()
    RepositoryTag.objects.bulk_create(RepositoryTag(repository=repository, tag=tag) for tag in repository.tags)
    if has_any(listing_of(commit)):
        transaction.on_commit(partial(_ask_for_reading, commit.pk))
    RepositoryLicence.objects.filter(repository=repository).delete()
    RepositoryLicence.objects.bulk_create(
        RepositoryLicence(repository=repository, name=name) for name in names_of(repository.licence)
    )
    changes.note_head(repository=repository, commit=commit, before=before, had_head=had_head)
    if Repository.everything.filter(pk=repository.pk).exclude(gated="").exists():  # Perhaps since this one was read.
        note_terms(repository=repository, file=licence_file(repository, listing_of(commit)))


def _ask_for_reading(commit_id: int) -> None:
    from models_registry import tasks  # Imports the services that commit.

    tasks.dispatch_licence_reading(commit_id)


def note_parameters(*, repository: Repository, commit_oid: str, by_dtype: dict[str, int]) -> None:
    """Keep the numbers of parameters that were counted from the weights, if this still is the head."""
    Repository.objects.filter(pk=repository.pk, head=commit_oid).update(
        parameters=sum(by_dtype.values()) or None, parameters_by_dtype=by_dtype
    )


def note_scan(*, commit: Commit, verdict: ScanVerdict, held: dict[str, str]) -> None:
    """Keep what the scan says of a commit: every door that serves files asks here.

    Doors that know content by its hash alone ask the link between repository and content, or the held object.
    """
    _note_held(commit, verdict, held)
    building.ask_for_weights(repository_id=commit.repository_id, commit_id=commit.pk)


def _note_held(commit: Commit, verdict: ScanVerdict, held: dict[str, str]) -> None:
    Commit.objects.filter(pk=commit.pk).update(scan_verdict=verdict, held=held)
    commit.scan_verdict, commit.held = verdict, held
    large: dict[str, str] = {}
    small: dict[str, tuple[str, str]] = {}
    for entry in listing_of(commit).files.values():
        # Content that also lies here under a name that nothing is wrong with is free.
        reason = held.get(entry.path, "")
        if entry.is_large:
            large[entry.sha256] = reason if large.get(entry.sha256, "-") else ""
        else:
            small[entry.oid] = (entry.path, reason if small.get(entry.oid, ("", "-"))[1] else "")
    free = _free_at_head(commit)
    large = {sha256: reason for sha256, reason in large.items() if not (reason and sha256 in free)}
    small = {oid: told for oid, told in small.items() if not (told[1] and oid in free)}
    if verdict == ScanVerdict.PENDING:  # Nothing was read: what another scan holds back stays so.
        large = {sha256: reason for sha256, reason in large.items() if reason}
        small = {oid: told for oid, told in small.items() if told[1]}
    note_held(repository_id=commit.repository_id, reasons=large)
    _note_held_objects(commit.repository_id, small)


def _free_at_head(commit: Commit) -> set[str]:
    """Contents and small files that people get from the default branch, by the scan's leave.

    Whoever proposes them under a deceiving name shall not take them from everybody.
    """
    repository = Repository.everything.get(pk=commit.repository_id)
    if not repository.head or repository.head == commit.oid:
        return set()
    head = Commit.objects.filter(repository=repository, oid=repository.head).first()
    if head is None or head.scan_verdict == ScanVerdict.PENDING:
        return set()
    free = [entry for path, entry in listing_of(head).files.items() if path not in head.held]
    return {entry.sha256 if entry.is_large else entry.oid for entry in free}


def hold_until_scanned(*, repository: Repository, commit: Commit) -> None:
    """Keep from readers what can run code, from the moment at which it is there. Nothing of a commit that was scanned.

    Call in the transaction that brings the commit, or moves a ref to it, once its contents are linked.
    """
    if repository.kind not in {Kind.MODEL, Kind.DATASET} or commit.scan_verdict != ScanVerdict.PENDING or commit.held:
        return
    parent = repository.commits.filter(oid=commit.parents[0]).first() if commit.parents else None
    known = parent is not None and parent.scan_verdict != ScanVerdict.PENDING
    held = holding.held_at_first(
        listing_of(commit),
        before=listing_of(parent) if parent is not None and known else None,
        held_before=parent.held if parent is not None and known else None,
    )
    if held:
        _note_held(commit, ScanVerdict.PENDING, held)


def note_named(*, repository: Repository, commit: Commit, ref: str) -> None:
    """A ref was given to a commit that was here already: from now on people find it."""
    hold_until_scanned(repository=repository, commit=commit)
    commit_named.send(sender=Commit, repository=repository, commit=commit, ref=ref)


def held_objects(repository: Repository) -> dict[str, HeldObject]:
    """The small files that are held back, by their ids."""
    return {row.oid: row for row in HeldObject.objects.filter(repository=repository)}


def _note_held_objects(repository_id: int, reasons: dict[str, tuple[str, str]]) -> None:
    """Hold small files back, or set them free (an empty reason)."""
    rows = HeldObject.objects.filter(repository_id=repository_id)
    free = [oid for oid in rows.values_list("oid", flat=True) if oid in reasons and not reasons[oid][1]]
    for start in range(0, len(free), _ROWS):
        rows.filter(oid__in=free[start : start + _ROWS]).delete()
    HeldObject.objects.bulk_create(
        [
            HeldObject(repository_id=repository_id, oid=oid, path=path, reason=reason)
            for oid, (path, reason) in reasons.items()
            if reason
        ],
        update_conflicts=True,
        unique_fields=["repository", "oid"],
        update_fields=["path", "reason"],
        batch_size=_ROWS,
    )


def note_held(*, repository_id: int, reasons: dict[str, str]) -> None:
    """Hold large contents of a repository back, or set them free (an empty reason), by their SHA-256."""
    links = RepositoryContent.objects.filter(repository_id=repository_id)
    free = [sha256 for sha256, reason in reasons.items() if not reason]
    for start in range(0, len(free), _ROWS):
        links.filter(content__sha256__in=free[start : start + _ROWS]).exclude(held="").update(held="")
    for sha256, reason in reasons.items():
        if reason:
            links.filter(content__sha256=sha256).update(held=reason)
