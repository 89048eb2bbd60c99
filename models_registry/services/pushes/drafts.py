"""The commits of a push in the making: read, with their listings packed beside them in the scratch file."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models_registry import manifests
from models_registry.git.checks import ReadCommit
from models_registry.git.quarantine import Quarantine
from models_registry.models import Repository
from models_registry.services.pushes.listings import Listings
from models_registry.types import Listing

_ENTRIES_KEPT = 500_000  # Of listings that children may build on; others are read back from the scratch file.


@dataclass(frozen=True, slots=True)
class Draft:
    """A new commit and where its packed listing lies."""

    commit: ReadCommit
    at: int
    packed_bytes: int
    file_count: int
    total_bytes: int


class Drafts:
    """The new commits of a push in order, parents before children."""

    def __init__(self, repository: Repository, pushed: Quarantine) -> None:
        self._repository, self._pushed = repository, pushed
        self._made: dict[str, Draft] = {}
        self._kept: OrderedDict[str, tuple[str, Listing]] = OrderedDict()
        self._entries = 0

    def __iter__(self) -> Iterator[Draft]:
        return iter(self._made.values())

    def __len__(self) -> int:
        return len(self._made)

    def __contains__(self, oid: str) -> bool:
        return oid in self._made

    def make(self, commits: Sequence[ReadCommit], listings: Listings) -> None:
        """Read the files of each commit.

        Raises:
            TooManyFiles, MalformedObject, MissingObject, PackTooLarge
        """
        for commit in commits:
            listing = listings.of(commit, [self.listing(parent) for parent in commit.parents])
            packed = manifests.pack(listing)
            at = self._pushed.append(packed)
            self._made[commit.oid] = Draft(commit, at, len(packed), len(listing.files), listing.total_bytes)
            self._keep(commit.oid, commit.tree, listing)

    def listing(self, oid: str) -> tuple[str, Listing]:
        """Tree and listing of a commit, new or old. Not to be changed."""
        if oid in self._kept:
            self._kept.move_to_end(oid)
            return self._kept[oid]
        draft = self._made.get(oid)
        if draft is not None:
            found = draft.commit.tree, manifests.unpack(self.packed(draft))
        else:
            row = self._repository.commits.get(oid=oid)
            found = row.tree, manifests.listing_of(row)
        self._keep(oid, *found)
        return found

    def packed(self, draft: Draft) -> bytes:
        return self._pushed.read_at(draft.at, draft.packed_bytes)

    def _keep(self, oid: str, tree: str, listing: Listing) -> None:
        self._kept[oid] = tree, listing
        self._entries += len(listing.files)
        while self._entries > _ENTRIES_KEPT and len(self._kept) > 1:
            self._entries -= len(self._kept.popitem(last=False)[1][1].files)
