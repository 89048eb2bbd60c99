"""Large files taken out of a repository for good, from its history too if that is wanted.

What is erased is no longer linked to the repository: nobody gets it there, whatever commit they ask for. Rewriting
history gives refs new commits without the files. Releases name their commits for good, so their tags stay.
"""

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction
from dulwich.objects import Commit as GitCommit
from dulwich.objects import ObjectID, ShaFile
from dulwich.objects import Tag as GitTag

from accounts.models import User
from models_registry import manifests
from models_registry.exceptions import HistoryTooLong, UnknownLargeFile
from models_registry.git import objects as git
from models_registry.git.store import RowObjectStore
from models_registry.models import Commit, ErasedContent, Ref, Repository, RepositoryContent, RepositoryXorb
from models_registry.permissions import Action, require
from models_registry.services.heads import note_head
from models_registry.signals import commit_published
from models_registry.storage.terms import unpack_terms
from models_registry.types import BRANCH, TAG, Listing

MAX_COMMITS = 10_000


@transaction.atomic
def erase(*, repository: Repository, user: User, link_ids: Iterable[int], rewrite_history: bool) -> int:
    """Take large files out of a repository. Returns how many.

    Args:
        link_ids: row numbers of `RepositoryContent`.

    Raises:
        UnknownLargeFile: one is not of this repository; nothing was erased.
        HistoryTooLong: nothing was erased.
    """
    require(user, Action.ADMINISTER, repository)
    repository = Repository.objects.select_for_update().get(pk=repository.pk)  # No two rewrites at once.
    wanted = set(link_ids)
    links = list(RepositoryContent.objects.filter(repository=repository, pk__in=wanted).select_related("content"))
    unknown = wanted - {link.pk for link in links}
    if unknown:
        raise UnknownLargeFile(file_oid=min(unknown))
    digests = {link.content.sha256 for link in links}
    _unlink(repository, links)
    rows = [ErasedContent(repository=repository, sha256=digest, erased_by=user) for digest in sorted(digests)]
    ErasedContent.objects.bulk_create(rows, ignore_conflicts=True)
    if rewrite_history and digests:
        _Rewriting(repository, digests).run()
    return len(links)


def _unlink(repository: Repository, links: list[RepositoryContent]) -> None:
    """Forget the files, and the packs of chunks that nothing else of this repository needs."""
    packs = {term.xorb for link in links for term in unpack_terms(link.terms)}
    RepositoryContent.objects.filter(pk__in=[link.pk for link in links]).delete()
    for terms in RepositoryContent.objects.filter(repository=repository).values_list("terms", flat=True).iterator():
        packs -= {term.xorb for term in unpack_terms(bytes(terms))}
    rest = sorted(packs)
    for at in range(0, len(rest), 500):
        RepositoryXorb.objects.filter(repository=repository, xorb__hash__in=rest[at : at + 500]).delete()


class _Rewriting:
    """Copies every commit that holds an erased file, and those after it, without the file."""

    def __init__(self, repository: Repository, digests: set[str]) -> None:
        self._repository, self._digests = repository, digests
        self._store = RowObjectStore(repository)
        self._new: dict[str, str] = {}  # Old commit to new; equal where nothing changed.

    def run(self) -> None:
        # A release is a promise: its tag stays with the commit that it named.
        kept = [TAG + name for name in self._repository.releases.values_list("name", flat=True)]
        refs = list(self._repository.refs.select_for_update().exclude(name__in=kept))
        for oid in self._in_order({ref.commit for ref in refs}):
            self._new[oid] = self._rewritten(self._repository.commits.get(oid=oid))
        moved = [ref for ref in refs if self._new[ref.commit] != ref.commit]
        for ref in moved:
            self._move(ref)

    def _in_order(self, heads: set[str]) -> list[str]:
        """All commits behind these, parents before children."""
        rows = self._repository.commits.order_by("pk").values_list("oid", "parents")[: MAX_COMMITS + 1]
        parents = dict(rows)
        if len(parents) > MAX_COMMITS:
            raise HistoryTooLong(limit=MAX_COMMITS)
        ordered: dict[str, None] = {}
        stack = [(oid, False) for oid in sorted(heads)]
        while stack:
            oid, is_open = stack.pop()
            if oid in ordered or oid not in parents:
                continue
            if is_open:
                ordered[oid] = None
            else:
                stack += [(oid, True), *((parent, False) for parent in parents[oid])]
        return list(ordered)

    def _rewritten(self, old: Commit) -> str:
        before = manifests.listing_of(old)
        files = {path: entry for path, entry in before.files.items() if entry.sha256 not in self._digests}
        parents = [self._new.get(parent, parent) for parent in old.parents]
        if len(files) == len(before.files) and parents == old.parents:
            return old.oid
        tree, folders, trees = git.build_trees(files.values())
        made = self._store[ObjectID(old.oid.encode())].copy()
        assert isinstance(made, GitCommit)
        made.tree, made.parents, made.gpgsig = ObjectID(tree.encode()), [parent.encode() for parent in parents], None
        objects: list[ShaFile] = [*trees, made]
        self._store.add_objects((each, None) for each in objects)
        oid = made.id.decode()
        row, created = Commit.objects.get_or_create(
            repository=self._repository, oid=oid, defaults=self._copied(old, tree, parents, set(files))
        )
        if created:
            changed = {
                path: replace(entry, last_commit=oid if entry.last_commit == old.oid else self._of(entry.last_commit))
                for path, entry in files.items()
            }
            manifests.store(commit=row, listing=Listing(files=changed, folders=folders))
        return oid

    def _of(self, oid: str) -> str:
        return self._new.get(oid, oid)

    def _copied(self, old: Commit, tree: str, parents: list[str], paths: set[str]) -> dict[str, object]:
        return {
            "tree": tree,
            "parents": parents,
            "author": old.author,
            "author_name": old.author_name,
            "author_email": old.author_email,
            "title": old.title,
            "message": old.message,
            "committed_at": old.committed_at,
            "scan_verdict": old.scan_verdict,
            "held": {path: reason for path, reason in old.held.items() if path in paths},
        }

    def _move(self, ref: Ref) -> None:
        target = commit = self._new[ref.commit]
        if ref.target != ref.commit:
            tag = self._store[ObjectID(ref.target.encode())].copy()
            assert isinstance(tag, GitTag)
            tag.object, tag.signature = (GitCommit, ObjectID(commit.encode())), None
            self._store.add_object(tag)
            target = tag.id.decode()
        Ref.objects.filter(pk=ref.pk).update(target=target, commit=commit)
        row = self._repository.commits.get(oid=commit)
        if ref.name == BRANCH + self._repository.default_branch:
            note_head(repository=self._repository, commit=row)
        commit_published.send(sender=Commit, repository=self._repository, commit=row, ref=ref.name)
