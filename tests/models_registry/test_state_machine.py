"""The registry against a plain dictionary: any order of deeds, crashes and collections leaves what the dictionary says.

Each example uploads, resumes, commits, branches, tags, deletes, renames, transfers, squashes, collects, dies in the
middle and starts anew; afterwards every byte of every ref is read back, and fsck has nothing to say.
"""

import io
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Namespace, Organisation, User
from hub.core.exceptions import HubError
from models_registry import manifests
from models_registry.exceptions import StaleHead, UnknownContent
from models_registry.manifests import listing_of
from models_registry.models import Content, FormerName, GitObject, Repository, Xorb
from models_registry.services import content
from models_registry.services.collection import collect
from models_registry.services.commits import commit, super_squash
from models_registry.services.fsck import check_all
from models_registry.services.moves import move_repository
from models_registry.services.refs import create_branch, create_tag, delete_branch, delete_tag
from models_registry.services.repositories import create_repository, delete_repository
from models_registry.services.revisions import find_commit
from models_registry.services.undelete import restore_repository
from models_registry.storage.blobs import blob_store
from models_registry.types import AddFile, AddLarge, CopyFile, DeleteFile, Operation
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.content import Xorb as PackedXorb
from tests.factories.content import chunks_of, noise, send_xorb, sha256, shard_of
from tests.models_registry.services.content.test_crash import killed_at

EXAMPLES = int(os.environ.get("SMALLHUB_STATE_EXAMPLES", "6"))
STEPS = int(os.environ.get("SMALLHUB_STATE_STEPS", "25"))

PATHS = st.sampled_from(["a.txt", "b.txt", "deep/c.txt", "deep/er/d.bin", "e.bin"])
NEW_BRANCHES = st.sampled_from(["trial", "side/one"])
PICKS = st.integers(0, 11)  # Which of those that are there.
SMALL = st.binary(max_size=40).map(lambda body: b"text " + body.hex().encode())
TAGS = st.sampled_from(["v1", "v2"])
SEEDS = st.integers(0, 3)  # Few, so that repositories share content.
NAMES = st.sampled_from(["tides", "harbour", "keel", "lamp"])

Files = dict[str, bytes]
COUNTS: Counter[str] = Counter()  # What was done in all examples together.


@dataclass
class Kept:
    """What the dictionary knows of one repository."""

    branches: dict[str, Files] = field(default_factory=dict)
    tags: dict[str, Files] = field(default_factory=dict)
    is_deleted: bool = False


class Registry(RuleBasedStateMachine):
    """Rules are deeds; the dictionary `kept` is what they should have done."""

    halves = Bundle("halves")

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[int, Kept] = {}
        self.user: User | None = None
        self.count = COUNTS

    @initialize()
    def people(self) -> None:
        self.user = UserFactory()
        self.organisation = OrganisationFactory(owner=self.user)
        self.create("tides")
        self.create("keel")

    # ── Repositories ───────────────────────────────────────────────────────────────────────────────

    @rule(name=NAMES)
    def create(self, name: str) -> None:
        try:
            made = create_repository(user=self.user, namespace=self.user.username, name=name, kind="model")
        except HubError:
            return
        self.kept[made.pk] = Kept(branches={"main": {".gitattributes": self.attributes(made)}})

    @rule(which=PICKS, name=NAMES, to_organisation=st.booleans())
    def move(self, which: int, name: str, to_organisation: bool) -> None:
        pk = self.alive(which)
        namespace = self.organisation.name if to_organisation else self.user.username
        before = self.row(pk).full_name
        moved = self.tried(
            "move", pk, lambda row: move_repository(repository=row, user=self.user, namespace=namespace, name=name)
        )
        assert self.row(pk).full_name == (f"{namespace}/{name}" if moved else before)

    # No rule has a condition: what is drawn must not depend on where a killed process happened to stop.
    @rule(which=PICKS)
    def delete(self, which: int) -> None:
        if len(self.living()) == 1:
            return
        pk = self.alive(which)
        if self.tried("delete", pk, lambda row: delete_repository(repository=row, user=self.user)):
            self.kept[pk].is_deleted = True

    @rule(which=PICKS)
    def undelete(self, which: int) -> None:
        gone = [pk for pk, kept in self.kept.items() if kept.is_deleted]
        if not gone:
            return
        pk = gone[which % len(gone)]
        if self.tried("undelete", pk, lambda row: restore_repository(repository=row, user=self.user)):
            self.kept[pk].is_deleted = False  # Refused where its name was used again.

    # ── Content ────────────────────────────────────────────────────────────────────────────────────

    @rule(which=PICKS, seed=SEEDS)
    def upload(self, which: int, seed: int) -> None:
        body = large_body(seed)
        assert self.tried("upload", self.alive(which), lambda row: ingest(row, self.user, body))

    @rule(target=halves, which=PICKS, seed=SEEDS)
    def half_an_upload(self, which: int, seed: int) -> tuple[int, bytes]:
        """The chunks arrive, and then the line breaks."""
        pk, body = self.alive(which), large_body(seed)
        xorb = PackedXorb.of(chunks_of(body))
        assert self.tried("half", pk, lambda row: send_xorb(row, xorb, user=self.user))
        return pk, body

    @rule(half=consumes(halves))
    def resume(self, half: tuple[int, bytes]) -> None:
        pk, body = half
        if self.kept[pk].is_deleted:
            return
        xorb = PackedXorb.of(chunks_of(body))
        shard = shard_of(xorb, body)
        if not self.tried("resume", pk, lambda row: register(row, self.user, shard)):
            # The chunks were collected in the meantime: the client sends them again, as after any refusal.
            send_xorb(self.row(pk), xorb, user=self.user)
            register(self.row(pk), self.user, shard)

    # ── History ────────────────────────────────────────────────────────────────────────────────────

    @rule(which=PICKS, of=PICKS, path=PATHS, body=SMALL)
    def write(self, which: int, of: int, path: str, body: bytes) -> None:
        self.committed(which, of, AddFile(path, body), lambda files: files.update({path: body}))

    @rule(which=PICKS, of=PICKS, path=PATHS, seed=SEEDS, first=st.booleans())
    def write_large(self, which: int, of: int, path: str, seed: int, first: bool) -> None:
        """A file named by its hash: refused only when nothing that she may read leads to these bytes any more."""
        body = large_body(seed)
        if first:
            self.upload(which, seed)
        in_use = {each for kept in self.living().values() for each in in_refs(kept)}
        try:
            self.committed(which, of, AddLarge(path, sha256(body), len(body)), lambda files: files.update({path: body}))
        except UnknownContent:
            self.count["write_large unknown"] += 1
            assert body not in in_use
            assert not first

    @rule(which=PICKS, of=PICKS, nth=PICKS)
    def remove(self, which: int, of: int, nth: int) -> None:
        files = sorted(set(self.at(which, of)) - {".gitattributes"})
        if files:
            path = files[nth % len(files)]
            self.committed(which, of, DeleteFile(path), lambda files: files.pop(path))

    @rule(which=PICKS, of=PICKS, nth=PICKS, path=PATHS)
    def copy_file(self, which: int, of: int, nth: int, path: str) -> None:
        files = self.at(which, of)
        source = sorted(files)[nth % len(files)]
        self.committed(which, of, CopyFile(path, source), lambda after: after.update({path: files[source]}))

    @rule(which=PICKS, of=PICKS, body=SMALL)
    def write_on_an_old_head(self, which: int, of: int, body: bytes) -> None:
        pk = self.alive(which)
        with pytest.raises(StaleHead):
            self.commit(pk, self.branch_of(pk, of), AddFile("late.txt", body), expected_head="0" * 40)

    @rule(which=PICKS, name=NEW_BRANCHES, of=PICKS)
    def branch(self, which: int, name: str, of: int) -> None:
        pk = self.alive(which)
        start = self.branch_of(pk, of)
        if self.tried("branch", pk, lambda row: create_branch(repository=row, user=self.user, name=name, start=start)):
            self.kept[pk].branches[name] = dict(self.kept[pk].branches[start])

    @rule(which=PICKS, name=NEW_BRANCHES)
    def drop_branch(self, which: int, name: str) -> None:
        pk = self.alive(which)
        if self.tried("drop_branch", pk, lambda row: delete_branch(repository=row, user=self.user, name=name)):
            del self.kept[pk].branches[name]

    @rule(which=PICKS, name=TAGS, of=PICKS, message=st.sampled_from(["", "Notes"]))
    def tag(self, which: int, name: str, of: int, message: str) -> None:
        pk = self.alive(which)
        at = self.branch_of(pk, of)
        if self.tried(
            "tag", pk, lambda row: create_tag(repository=row, user=self.user, name=name, revision=at, message=message)
        ):
            self.kept[pk].tags[name] = dict(self.kept[pk].branches[at])

    @rule(which=PICKS, name=TAGS)
    def drop_tag(self, which: int, name: str) -> None:
        pk = self.alive(which)
        if self.tried("drop_tag", pk, lambda row: delete_tag(repository=row, user=self.user, name=name)):
            del self.kept[pk].tags[name]

    @rule(which=PICKS, of=PICKS)
    def squash(self, which: int, of: int) -> None:
        pk = self.alive(which)
        name = self.branch_of(pk, of)
        assert self.tried(
            "squash", pk, lambda row: super_squash(repository=row, user=self.user, branch=name, title="Squash")
        )

    # ── What happens to a hub ──────────────────────────────────────────────────────────────────────

    @rule(at_once=st.booleans())
    def collect(self, at_once: bool) -> None:
        """With no grace at all, what was delivered and never committed may go; what a ref leads to may not."""
        collect(grace=timedelta(0) if at_once else None)
        self.count["collect"] += 1

    @rule(which=PICKS, of=PICKS, path=PATHS, seed=SEEDS, step=st.integers(1, 90))
    def die_in_an_upload_and_commit(self, which: int, of: int, path: str, seed: int, step: int) -> None:
        """A process is killed somewhere in an upload and the commit after it: the branch is as before or as after."""
        pk, body = self.alive(which), large_body(seed)
        name = self.branch_of(pk, of)
        before = self.kept[pk].branches[name]

        def work() -> None:
            ingest(self.row(pk), self.user, body)
            self.commit(pk, name, AddLarge(path, sha256(body), len(body)))

        self.count[f"killed in a commit {killed_at(step, work)}"] += 1
        self.restart()
        found = self.files_of(pk, name)
        assert found in (before, before | {path: body})
        self.kept[pk].branches[name] = found

    @rule(step=st.integers(1, 200))
    def die_in_a_collection(self, step: int) -> None:
        self.count[f"killed in a collection {killed_at(step, lambda: collect(grace=timedelta(0)))}"] += 1
        self.restart()

    @rule()
    def restart(self) -> None:
        """What a process remembers is gone."""
        cache.clear()
        manifests._listing.cache_clear()

    # ── What must hold ─────────────────────────────────────────────────────────────────────────────

    @invariant()
    def refs_are_those_of_the_dictionary(self) -> None:
        for pk, kept in self.kept.items():
            names = set(Repository.everything.get(pk=pk).refs.values_list("name", flat=True))
            assert names == {f"refs/heads/{n}" for n in kept.branches} | {f"refs/tags/{n}" for n in kept.tags}

    def teardown(self) -> None:
        if self.user is None:
            return
        self.restart()
        for pk, kept in self.kept.items():
            for name, files in (kept.branches | kept.tags).items():
                assert self.files_of(pk, name) == files
        faults = [str(fault) for fault in check_all(deep=True)]
        wipe()
        assert faults == []

    # ── Helpers ────────────────────────────────────────────────────────────────────────────────────

    def living(self) -> dict[int, Kept]:
        return {pk: kept for pk, kept in self.kept.items() if not kept.is_deleted}

    def alive(self, which: int) -> int:
        living = sorted(self.living())
        return living[which % len(living)]

    def branch_of(self, pk: int, of: int) -> str:
        branches = sorted(self.kept[pk].branches)
        return branches[of % len(branches)]

    def at(self, which: int, of: int) -> Files:
        pk = self.alive(which)
        return self.kept[pk].branches[self.branch_of(pk, of)]

    def row(self, pk: int) -> Repository:
        return Repository.everything.select_related("namespace").get(pk=pk)

    def tried(self, what: str, pk: int, deed: Callable[[Repository], object]) -> bool:
        """Do something; a refusal is an answer."""
        try:
            deed(self.row(pk))
        except HubError as error:
            self.count[f"{what} {error.code}"] += 1
            return False
        self.count[f"{what} done"] += 1
        return True

    def committed(self, which: int, of: int, operation: Operation, change: Callable[[Files], object]) -> None:
        pk = self.alive(which)
        name = self.branch_of(pk, of)
        files = dict(self.kept[pk].branches[name])
        change(files)
        self.commit(pk, name, operation)
        self.count[f"commit {type(operation).__name__}"] += 1
        self.kept[pk].branches[name] = files

    def commit(self, pk: int, branch: str, operation: Operation, *, expected_head: str | None = None) -> None:
        commit(
            repository=self.row(pk),
            user=self.user,
            branch=branch,
            title="Change",
            operations=[operation],
            expected_head=expected_head,
        )

    def files_of(self, pk: int, revision: str) -> Files:
        """Every byte of a revision, as a reader gets it."""
        row = self.row(pk)
        found = {}
        for path, entry in listing_of(find_commit(row, revision)).files.items():
            if entry.is_large:
                stored = content.find_readable(repository=row, user=self.user, sha256=entry.sha256)
                stored = stored or Content.objects.get(sha256=entry.sha256, links__repository=row)
                found[path] = b"".join(content.read(stored))
            else:
                found[path] = bytes(GitObject.objects.get(repository=row, oid=entry.oid).body)
        return found

    def attributes(self, row: Repository) -> bytes:
        return self.files_of(row.pk, "main")[".gitattributes"]


def large_body(seed: int) -> bytes:
    return noise(90_000 + seed, seed=100 + seed)


def in_refs(kept: Kept) -> set[bytes]:
    """Every file that a ref leads to, at its tip."""
    return {body for files in (*kept.branches.values(), *kept.tags.values()) for body in files.values()}


def ingest(row: Repository, user: User, body: bytes) -> None:
    content.ingest(repository=row, user=user, stream=io.BytesIO(body), size_bytes=len(body))


def register(row: Repository, user: User, shard: bytes) -> None:
    content.register_shard(repository=row, user=user, body=shard)


def wipe() -> None:
    """Leave nothing for the next example."""
    FormerName.objects.all().delete()
    Repository.everything.all().delete()
    for model in (Content, Xorb, Organisation, User, Namespace):
        model.objects.all().delete()
    for blob in list(blob_store().iterate()):
        blob_store().delete(blob.digest)


@pytest.mark.django_db(transaction=True)
def test_the_registry_does_what_a_dictionary_would():
    run_state_machine_as_test(
        Registry,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="SMALLHUB_STATE_EXAMPLES" not in os.environ,  # A long run looks for what nobody saw yet.
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    # A machine whose deeds are all refused proves nothing. A few examples need not meet the rarer deeds.
    always = ("commit AddFile", "upload done")
    rarer = ("commit AddLarge", "squash done", "branch done", "collect")
    for deed in (*always, *(rarer if EXAMPLES >= 50 else ())):
        assert COUNTS[deed] > 0, COUNTS
