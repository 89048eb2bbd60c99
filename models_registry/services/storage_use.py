"""What a repository takes up, version by version, and what would be free if one of its names were gone.

Counted are stored bytes of chunks and small files that are reachable from the repository's names. What other
repositories share is nobody's business here: a chunk counts as this repository's whoever else has it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.cache import cache

from models_registry.manifests import listing_of
from models_registry.models import Commit, Content, Repository, RepositoryContent, Xorb
from models_registry.storage.digests import XetHash
from models_registry.storage.table import ChunkTable
from models_registry.storage.terms import Term, unpack_terms
from models_registry.types import BRANCH, TAG

REACH = 2_000  # Commits that are looked at.
ENTRIES = 300_000  # Files of all their listings together.
MAX_XORBS = 3_000
NAMES = 60  # Names that are told apart; further ones count as one.
KEPT_S = 86_400
Masks = dict[str, npt.NDArray[np.uint64]]


@dataclass(frozen=True)
class NameUse:
    """One branch, tag, release or pointer.

    Attributes:
        logical_bytes: the files as somebody pulls them.
        new_bytes: stored bytes that the release before it does not have; of other names, the newest release.
        freed_bytes: stored bytes that no other name of this repository reaches.
    """

    name: str
    kind: str
    commit: str
    logical_bytes: int
    new_bytes: int
    freed_bytes: int


@dataclass(frozen=True)
class StorageAccount:
    """The whole account. `is_partial`: the history is too long to be looked at to its end."""

    stored_bytes: int
    logical_bytes: int
    loose_bytes: int
    names: tuple[NameUse, ...] = ()
    is_partial: bool = False


@dataclass
class _Walk:
    """All that the names of a repository reach."""

    repository: Repository
    bits: dict[str, int] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    masks: dict[str, int] = field(default_factory=dict)
    blobs: dict[str, tuple[int, int]] = field(default_factory=dict)
    contents: dict[str, int] = field(default_factory=dict)
    is_partial: bool = False


def storage_use(repository: Repository) -> StorageAccount:
    """The account of a repository; computed anew only after a name moved or content came."""
    names = _names(repository)
    links = RepositoryContent.objects.filter(repository=repository)
    print_ = hashlib.sha256(
        repr((sorted(names), links.count(), links.order_by("-pk").values_list("pk").first())).encode()
    )
    key = f"storage-use:{repository.pk}:{print_.hexdigest()}"
    found: StorageAccount | None = cache.get(key)
    if found is None:
        found = _computed(repository, names)
        cache.set(key, found, KEPT_S)
    return found


def _names(repository: Repository) -> list[tuple[str, str, str, str]]:
    """(order, kind, name, commit): releases by age, then branches, tags and pointers by name."""
    released = {
        row.ref_id: (f"0{row.created_at.isoformat()}", "release", row.name, row.commit.oid)
        for row in repository.releases.select_related("commit")
    }
    found = list(released.values())
    for ref in repository.refs.all():
        if ref.pk in released:
            continue
        kind = "branch" if ref.name.startswith(BRANCH) else "tag" if ref.name.startswith(TAG) else "other"
        found.append(({"branch": "1", "tag": "2"}.get(kind, "3") + ref.name, kind, ref.short_name, ref.commit))
    for pointer in repository.pointers.filter(commit__isnull=False).select_related("commit"):
        assert pointer.commit is not None
        found.append(("4" + pointer.name, "pointer", pointer.name, pointer.commit.oid))
    return sorted(found)


def _computed(repository: Repository, names: list[tuple[str, str, str, str]]) -> StorageAccount:
    walk = _walked(repository, names)
    terms = {row.sha256: unpack_terms(row.terms) for row in _linked(repository)}
    sizes = _chunk_sizes({term.xorb for each in terms.values() for term in each})
    if sizes is None:
        return StorageAccount(0, _logical(walk), 0, is_partial=True)
    masks: Masks = {xorb: np.zeros(len(each), dtype=np.uint64) for xorb, each in sizes.items()}
    linked: Masks = {xorb: np.zeros(len(each), dtype=np.uint64) for xorb, each in sizes.items()}
    for sha256, each in terms.items():
        _mark(masks, each, walk.contents.get(sha256, 0))
        _mark(linked, each, 1)
    reached = _weighed(sizes, {xorb: mask != 0 for xorb, mask in masks.items()})
    loose = _weighed(sizes, {xorb: (masks[xorb] == 0) & (linked[xorb] != 0) for xorb in masks})
    blobs = sum(size for size, _ in walk.blobs.values())
    return StorageAccount(
        stored_bytes=reached + blobs,
        logical_bytes=_logical(walk),
        loose_bytes=loose,
        names=tuple(_uses(walk, names, terms, sizes, masks)),
        is_partial=walk.is_partial,
    )


def _walked(repository: Repository, names: list[tuple[str, str, str, str]]) -> _Walk:
    """Which names reach which commits, and through them which files. A mask has one bit for each name."""
    walk = _Walk(repository)
    rows = repository.commits.order_by("-pk")[: REACH + 1]
    walk.commits = {row.oid: row for row in rows}
    walk.is_partial = len(walk.commits) > REACH
    for index, (_, kind, name, oid) in enumerate(names):
        bit = 1 << min(index, NAMES)
        walk.bits[f"{kind} {name}"] = bit
        left = [oid]
        while left:
            at = left.pop()
            row = walk.commits.get(at)
            if row is None or walk.masks.get(at, 0) & bit:
                walk.is_partial |= row is None
                continue
            walk.masks[at] = walk.masks.get(at, 0) | bit
            left += row.parents
    _note_files(walk, {oid for *_, oid in names})
    return walk


def _note_files(walk: _Walk, tips: set[str]) -> None:
    entries = 0
    for oid, mask in sorted(walk.masks.items(), key=lambda item: item[0] not in tips):  # The tips before their history.
        if entries > ENTRIES and oid not in tips:
            walk.is_partial = True
            return
        listing = listing_of(walk.commits[oid])
        entries += len(listing.files)
        for entry in listing.files.values():
            if entry.is_large:
                walk.contents[entry.sha256] = walk.contents.get(entry.sha256, 0) | mask
                walk.blobs[entry.oid] = (entry.pointer_size, walk.blobs.get(entry.oid, (0, 0))[1] | mask)
            else:
                walk.blobs[entry.oid] = (entry.size, walk.blobs.get(entry.oid, (0, 0))[1] | mask)


def _uses(
    walk: _Walk,
    names: list[tuple[str, str, str, str]],
    terms: Mapping[str, list[Term]],
    sizes: Mapping[str, npt.NDArray[np.int64]],
    masks: Masks,
) -> Iterable[NameUse]:
    before: tuple[set[str], Masks] = (set(), {})
    for index, (_, kind, name, oid) in enumerate(names):
        if index >= NAMES:
            return
        row = walk.commits.get(oid)
        if row is None:
            continue
        listing, bit = listing_of(row), np.uint64(walk.bits[f"{kind} {name}"])
        blobs = {entry.oid: entry.pointer_size or entry.size for entry in listing.files.values()}
        chunks: Masks = {}
        for entry in listing.files.values():
            for term in terms.get(entry.sha256, ()) if entry.is_large else ():
                chunks.setdefault(term.xorb, np.zeros(len(sizes[term.xorb]), dtype=np.uint64))[
                    term.start : term.stop
                ] = 1
        fresh = {xorb: _without(mask, before[1].get(xorb)) for xorb, mask in chunks.items()}
        alone = {xorb: mask == bit for xorb, mask in masks.items()}
        yield NameUse(
            name=name,
            kind=kind,
            commit=oid,
            logical_bytes=listing.total_bytes,
            new_bytes=_weighed(sizes, fresh) + sum(size for each, size in blobs.items() if each not in before[0]),
            freed_bytes=_weighed(sizes, alone) + sum(size for size, mask in walk.blobs.values() if mask == int(bit)),
        )
        if kind == "release":
            before = (set(blobs), chunks)


def _without(mask: npt.NDArray[np.uint64], former: npt.NDArray[np.uint64] | None) -> npt.NDArray[np.bool_]:
    kept: npt.NDArray[np.bool_] = mask != 0 if former is None else (mask != 0) & (former == 0)
    return kept


def _linked(repository: Repository) -> list[Content]:
    return list(Content.objects.filter(links__repository=repository).only("sha256", "terms"))


def _chunk_sizes(xorbs: set[XetHash]) -> dict[str, npt.NDArray[np.int64]] | None:
    """Stored bytes of each chunk of each xorb; None where there are too many to look at."""
    if len(xorbs) > MAX_XORBS:
        return None
    found: dict[str, npt.NDArray[np.int64]] = {}
    wanted = sorted(xorbs)
    for start in range(0, len(wanted), 50):
        for row in Xorb.objects.filter(hash__in=wanted[start : start + 50]).only("hash", "chunk_table"):
            ends = ChunkTable.from_bytes(row.chunk_table).records["stored_end"].astype(np.int64)
            found[row.hash] = np.diff(ends, prepend=0)
    return found


def _mark(masks: Masks, terms: list[Term], mask: int) -> None:
    for term in terms:
        if term.xorb in masks:
            masks[term.xorb][term.start : term.stop] |= np.uint64(mask)


def _weighed(sizes: Mapping[str, npt.NDArray[np.int64]], chosen: Mapping[str, Any]) -> int:
    return sum(int(sizes[xorb][mask].sum()) for xorb, mask in chosen.items())


def _logical(walk: _Walk) -> int:
    head = walk.commits.get(walk.repository.head)
    return listing_of(head).total_bytes if head else 0
