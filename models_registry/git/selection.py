"""Which objects a fetch needs: what is reachable from what is wanted, less what the client has."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from models_registry.git.exceptions import MalformedRequest
from models_registry.git.history import History
from models_registry.git.objects import tagged
from models_registry.git.store import RowObjectStore
from models_registry.manifests import listing_of
from models_registry.models import GitObject, Repository
from models_registry.types import Listing

_ENTRY = re.compile(rb"([0-7]+) [^\0]+\0(.{20})", re.DOTALL)
_FOLDER = b"40000"
_COMMITS_AT_ONCE = 200
_EDGES = 32  # Of so many commits that the client has, the files are left out; more would cost more than it saves.
_LOOK_BACK = 10_000  # A client whose commits are further away says by itself when it is done.
_MAX_TAG_DEPTH = 10
_FILTER = re.compile(r"blob:none|blob:limit=([0-9]{1,12})([kmg]?)|tree:0")


@dataclass
class Wish:
    """What a client asks for, in either version of the protocol."""

    wants: list[str] = field(default_factory=list)
    haves: list[str] = field(default_factory=list)
    shallow: set[str] = field(default_factory=set)
    depth: int = 0
    is_relative: bool = False
    since: int = 0
    without: list[str] = field(default_factory=list)
    filter: str = ""
    include_tags: bool = False
    is_done: bool = False
    wait_for_done: bool = False

    @property
    def deepens(self) -> bool:
        return bool(self.depth or self.since or self.without)


class Oids:
    """Many object ids in 20 bytes each."""

    def __init__(self) -> None:
        self._packed = bytearray()

    def add(self, raw: bytes) -> None:
        self._packed += raw

    def __len__(self) -> int:
        return len(self._packed) // 20

    def __iter__(self) -> Iterator[str]:
        return (self._packed[at : at + 20].hex() for at in range(0, len(self._packed), 20))


class Selection:
    """The answer to a wish: which commits are common, what becomes shallow, which objects to send."""

    def __init__(self, repository: Repository, wish: Wish) -> None:
        self._repository, self._wish = repository, wish
        self._store = RowObjectStore(repository)
        self._history = History(repository)
        self.common = [oid for oid in wish.haves if oid in self._history]
        self._tips: list[str] = []
        self._others: list[tuple[str, int]] = []  # Tags, trees and blobs that are wanted by their id.
        self._sort_wants()
        self.shallow, self.unshallow = self._depth() if wish.deepens else (set(), set())

    @property
    def is_enough(self) -> bool:
        """Does the client have, of everything it wants, something to build on?"""
        if not self.common:
            return False
        have = set(self.common)
        return all(any(oid in have for oid in islice(self._history.reachable([tip]), _LOOK_BACK)) for tip in self._tips)

    def objects(self) -> Oids:
        """The ids of all objects to send."""
        wish, history = self._wish, self._history
        had = set(history.reachable(self.common, cut=wish.shallow))
        starts = [*self._tips, *(parent for oid in self.unshallow for parent in history.parents[oid])]
        cut = self.shallow | (wish.shallow - self.unshallow if wish.deepens else wish.shallow)
        commits = list(history.reachable(starts, without=had, cut=cut))
        out = Oids()
        for oid in commits:
            out.add(bytes.fromhex(oid))
        walk = _TreeWalk(self._store, out, blob_limit(wish.filter))
        rows = self._repository.commits.filter(oid__in=self._edges(commits, had))
        walk.skip([(row.tree, listing_of(row)) for row in rows])
        self._add_tags(out, set(commits))
        self._add_others(out, walk)
        if wish.filter != "tree:0":
            for start in range(0, len(commits), _COMMITS_AT_ONCE):
                walk.add(history.trees[oid] for oid in commits[start : start + _COMMITS_AT_ONCE])
        return out

    def read(self, oids: Iterable[str]) -> Iterator[tuple[int, bytes]]:
        return ((kind, body) for _, kind, body in self._store.read_many(oids))

    def _sort_wants(self) -> None:
        """Commits one way, everything else the other.

        Raises:
            MalformedRequest: something is wanted that is not here.
        """
        pending = list(dict.fromkeys(self._wish.wants))
        for _ in range(_MAX_TAG_DEPTH):
            self._tips += [oid for oid in pending if oid in self._history]
            rest = [oid for oid in pending if oid not in self._history]
            kinds = {oid: kind for oid, kind, _ in self._store.facts(rest)}
            for oid in rest:
                if kinds.get(oid, GitObject.Type.COMMIT) == GitObject.Type.COMMIT:
                    raise MalformedRequest(reason=f"upload-pack: not our ref {oid}")
                self._others.append((oid, kinds[oid]))
            tags = [oid for oid in rest if kinds[oid] == GitObject.Type.TAG]
            pending = [tagged(body) for _, _, body in self._store.read_many(tags)]
            if not pending:
                return

    def _depth(self) -> tuple[set[str], set[str]]:
        """Where history will end for this client, and where it did but will no more."""
        wish, history = self._wish, self._history
        if wish.depth:
            limit = wish.depth
            if wish.is_relative and wish.shallow:
                known = history.depths(self._tips, len(history.parents))
                limit += max((known[oid] for oid in wish.shallow if oid in known), default=0)
            found = set(history.depths(self._tips, limit))
        else:
            found = set(history.reachable(self._tips, without=self._left_out()))
            if wish.since:
                found &= self._young()
        ends = {oid for oid in found if any(parent not in found for parent in history.parents[oid])}
        return ends - wish.shallow, {oid for oid in wish.shallow if oid in found and oid not in ends}

    def _left_out(self) -> set[str]:
        refs = self._repository.refs.filter(name__in=self._wish.without)
        return set(self._history.reachable(refs.values_list("commit", flat=True)))

    def _young(self) -> set[str]:
        since = datetime.fromtimestamp(min(self._wish.since, 2**33), UTC)
        return set(self._repository.commits.filter(committed_at__gte=since).values_list("oid", flat=True))

    def _edges(self, commits: list[str], had: set[str]) -> list[str]:
        """Commits that the client has and that border on what it gets."""
        near = [parent for oid in commits for parent in self._history.parents[oid] if parent in had]
        return list(dict.fromkeys([*near, *self.unshallow, *self.common]))[:_EDGES]

    def _add_tags(self, out: Oids, commits: set[str]) -> None:
        if not self._wish.include_tags:
            return
        wanted = {oid for oid, _ in self._others}
        for target, commit in self._repository.refs.tags().values_list("target", "commit"):
            if target != commit and commit in commits and target not in wanted:
                out.add(bytes.fromhex(target))

    def _add_others(self, out: Oids, walk: "_TreeWalk") -> None:
        for oid, kind in self._others:
            if kind == GitObject.Type.TREE:
                walk.add([oid])
            else:
                out.add(bytes.fromhex(oid))


class _TreeWalk:
    """Collects trees and files, each once, level by level so that few queries read many trees."""

    def __init__(self, store: RowObjectStore, out: Oids, blob_limit: int | None) -> None:
        self._store, self._out, self._blob_limit = store, out, blob_limit
        self._seen: set[bytes] = set()

    def skip(self, commits: list[tuple[str, Listing]]) -> None:
        """The client has these trees and all in them."""
        for tree, listing in commits:
            self._seen.add(bytes.fromhex(tree))
            self._seen.update(map(bytes.fromhex, listing.folders.values()))
            self._seen.update(bytes.fromhex(entry.oid) for entry in listing.files.values())

    def add(self, trees: Iterable[str]) -> None:
        level = self._unseen(map(bytes.fromhex, trees))
        while level:
            folders: list[bytes] = []
            for oid, _, body in self._store.read_many(raw.hex() for raw in level):
                self._out.add(bytes.fromhex(oid))
                entries = _ENTRY.findall(body)
                folders += self._unseen(raw for mode, raw in entries if mode == _FOLDER)
                self._add_blobs(self._unseen(raw for mode, raw in entries if mode != _FOLDER))
            level = folders

    def _add_blobs(self, blobs: list[bytes]) -> None:
        if self._blob_limit == 0 or not blobs:
            return
        if self._blob_limit is None:
            for raw in blobs:
                self._out.add(raw)
            return
        for oid, _, size in self._store.facts(raw.hex() for raw in blobs):
            if size < self._blob_limit:
                self._out.add(bytes.fromhex(oid))

    def _unseen(self, raws: Iterable[bytes]) -> list[bytes]:
        found = [raw for raw in dict.fromkeys(raws) if raw not in self._seen]
        self._seen.update(found)
        return found


def blob_limit(spec: str) -> int | None:
    """From a filter: files of this size and more are left out; None for no such limit.

    Raises:
        MalformedRequest: no filter that is served here.
    """
    match = _FILTER.fullmatch(spec) if spec else None
    if spec and match is None:
        raise MalformedRequest(reason=f"filter {spec[:100]} is not served; use blob:none, blob:limit or tree:0.")
    if match is None:
        return None
    if match[1] is None:
        return 0
    return int(match[1]) * {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}[match[2]]
