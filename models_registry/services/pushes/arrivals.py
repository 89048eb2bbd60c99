"""Reads objects from what is pushed, else from what is here, and notes which of the pushed ones are needed."""

from collections import OrderedDict
from collections.abc import Iterable

from models_registry.git.checks import ReadCommit, ReadTag, TreeEntry, read_commit, read_tag, read_tree
from models_registry.git.exceptions import MalformedObject, MissingObject, PackTooLarge
from models_registry.git.quarantine import COMMIT, NAMES, TAG, TREE, Quarantine
from models_registry.git.store import RowObjectStore
from models_registry.git.unpacking import Deadline, Limits
from models_registry.models import Repository

_MAX_TAG_DEPTH = 10
_ENTRIES_KEPT = 300_000  # Of trees read before, about 250 bytes each.


class Arrivals:
    """The objects of a push beside those of the repository.

    Attributes:
        needed: ids of pushed objects that the pushed refs lead to; nothing else will be stored.
        borrowed: ids of objects of the repository that the push builds on; they must still be here when it is stored.
    """

    def __init__(self, repository: Repository, pushed: Quarantine, limits: Limits, deadline: Deadline) -> None:
        self.pushed, self.limits, self.deadline = pushed, limits, deadline
        self.needed: set[str] = set()
        self.borrowed: set[str] = set()
        self._repository = repository
        self._store = RowObjectStore(repository)
        self._outside: set[str] = set()  # Commits of the repository that new ones, or refs, lead to.
        self._trees: OrderedDict[str, tuple[TreeEntry, ...]] = OrderedDict()
        self._entries = 0

    def get(self, oid: str, kind: int) -> bytes:
        """The content of an object.

        Raises:
            MissingObject: it is neither in the push nor here.
            MalformedObject: it is of another type.
        """
        self.deadline.check()
        found = self.pushed.get(oid)
        if found is not None:
            self.needed.add(oid)
        else:
            try:
                found = self._store.get_raw(oid.encode())
            except KeyError:
                raise MissingObject(kind=NAMES[kind], oid=oid) from None
            self.borrowed.add(oid)
        if found[0] != kind:
            raise MalformedObject(kind=NAMES[kind], oid=oid, reason=f"it is a {NAMES[found[0]]}.")
        return found[1]

    def tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree.

        Raises:
            MissingObject, MalformedObject
        """
        if oid in self._trees:
            self._trees.move_to_end(oid)
            return self._trees[oid]
        found = tuple(read_tree(oid, self.get(oid, TREE)))
        self._trees[oid] = found
        self._entries += len(found)
        while self._entries > _ENTRIES_KEPT and len(self._trees) > 1:
            self._entries -= len(self._trees.popitem(last=False)[1])
        return found

    def peel(self, oid: str) -> str:
        """The commit that an object leads to: itself, or through annotated tags.

        Raises:
            MalformedObject: it ends in something else.
            MissingObject
        """
        at = oid
        for _ in range(_MAX_TAG_DEPTH):
            if self._kind_of(at) == COMMIT:
                return at
            tag: ReadTag = read_tag(at, self.get(at, TAG))
            if tag.kind not in {"commit", "tag"}:
                raise MalformedObject(kind="tag", oid=oid, reason=f"it names a {tag.kind}, not a commit.")
            at = tag.target
        raise MalformedObject(kind="tag", oid=oid, reason="tags of tags of tags have no end.")

    def new_commits(self, tips: Iterable[str]) -> list[ReadCommit]:
        """The pushed commits that these lead to and that are not here yet, parents before children.

        Raises:
            MalformedObject, MissingObject, PackTooLarge
        """
        known = self._known(self.pushed.of_kind(COMMIT))
        read: dict[str, ReadCommit] = {}
        order: list[ReadCommit] = []
        outside: set[str] = set()
        stack = [(tip, False) for tip in tips]
        while stack:
            oid, is_left = stack.pop()
            if is_left:
                order.append(read[oid])
                continue
            if oid in read or oid in outside:
                continue
            if oid in known or oid not in self.pushed:
                outside.add(oid)
                continue
            read[oid] = read_commit(oid, self.get(oid, COMMIT))
            if len(read) > self.limits.commits:
                raise PackTooLarge(reason=f"At most {self.limits.commits} new commits are taken at once.")
            stack.append((oid, True))
            stack += [(parent, False) for parent in read[oid].parents]
        missing = outside - known - self._known(outside - known)
        if missing:
            raise MissingObject(kind="commit", oid=min(missing))
        self.borrowed |= outside
        self._outside = outside
        return order

    def are_still_here(self) -> bool:
        """Ask again inside the transaction that stores the push: what nothing led to may have been collected."""
        found = {oid for oid, _, _ in self._store.facts(self.borrowed)}
        return len(found) == len(self.borrowed) and not (self._outside - self._known(self._outside))

    def _known(self, oids: Iterable[str]) -> set[str]:
        """Those of these commits that are here, with their row and all that hangs on it."""
        wanted, found = list(oids), set[str]()
        for start in range(0, len(wanted), 500):
            rows = self._repository.commits.filter(oid__in=wanted[start : start + 500])
            found.update(rows.values_list("oid", flat=True))
        return found

    def _kind_of(self, oid: str) -> int | None:
        kind = self.pushed.kind_of(oid)
        return kind if kind is not None else next((kind for _, kind, _ in self._store.facts([oid])), None)
