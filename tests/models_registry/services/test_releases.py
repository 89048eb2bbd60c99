import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import RestrictedError
from django.utils import timezone

from accounts.models import Scope
from models_registry.exceptions import (
    InvalidRelease,
    LatestHeld,
    NameTaken,
    RefExists,
    ReleasedTag,
    ReleaseExists,
    ReleaseNotFound,
    ReleaseState,
    RepositoryForbidden,
    RepositoryNotFound,
    RevisionNotFound,
)
from models_registry.models import Commit, Ref, Release, Repository, ScanVerdict
from models_registry.services.fsck import check_repository
from models_registry.services.heads import note_scan
from models_registry.services.refs import create_branch, create_tag, delete_tag
from models_registry.services.releases import (
    create_release,
    edit_notes,
    find_release,
    require_unprotected,
    suggested_notes,
    unyank,
    yank,
)
from models_registry.services.repositories import delete_repository
from models_registry.services.revisions import find_commit, latest_commit
from models_registry.services.undelete import days_kept, purge_deleted
from models_registry.signals import release_published
from tests.factories.accounts import UserFactory, bearer
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiny() -> Repository:
    repository = RepositoryFactory()
    put(repository, {"a.txt": "1"}, title="First words")
    return repository


def release(repository: Repository, name: str, **more: object) -> Release:
    return create_release(repository=repository, user=repository.creator, name=name, **more)  # type: ignore[arg-type]


def test_a_release_is_a_tag_with_notes_on_a_commit(tiny: Repository) -> None:
    heard = []
    release_published.connect(receiver := lambda **news: heard.append(news["release"].name))

    made = release(tiny, "v1.0.0", notes="First.\r\n")

    assert (
        tiny.refs.get(name="refs/tags/v1.0.0").commit == made.commit.oid == tiny.refs.get(name="refs/heads/main").commit
    )
    assert find_release(tiny, "v1.0.0").notes == "First."
    assert [(event.kind, event.text) for event in made.events.all()] == [("created", "First.")]
    assert heard == ["v1.0.0"]
    release_published.disconnect(receiver)


def test_the_tag_under_a_release_neither_goes_nor_moves_at_any_door(tiny: Repository, client) -> None:
    made = release(tiny, "v1.0.0")
    put(tiny, {"a.txt": "2"})
    address = f"/api/models/{tiny.full_name}/tag/"

    with pytest.raises(ReleasedTag):
        delete_tag(repository=tiny, user=tiny.creator, name="v1.0.0")
    with pytest.raises(ReleasedTag):
        create_tag(repository=tiny, user=tiny.creator, name="v1.0.0", revision=None)
    with pytest.raises(ReleasedTag):
        require_unprotected(tiny, "refs/tags/v1.0.0")
    with pytest.raises(RestrictedError):
        made.ref.delete()
    with pytest.raises(RestrictedError):
        tiny.commits.filter(pk=made.commit_id).delete()
    owner = bearer(tiny.creator)
    for answer in (
        client.delete(address + "v1.0.0", headers=owner),
        client.post(address + "main", {"tag": "v1.0.0"}, content_type="application/json", headers=owner),
    ):
        assert answer.status_code == 403
        assert answer.json()["code"] == "released_tag"
    assert find_commit(tiny, "v1.0.0") == made.commit
    require_unprotected(tiny, "refs/tags/v1.0.1")
    require_unprotected(tiny, "refs/heads/v1.0.0")


def test_the_database_holds_what_a_release_promises(tiny: Repository) -> None:
    made = release(tiny, "v1.0.0")
    for change in ({"name": ""}, {"gate": "maybe"}, {"yank_reason": "no date"}, {"yanked_at": made.created_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Release.objects.filter(pk=made.pk).update(**change)


def test_releases_go_with_their_repository_and_only_so(tiny: Repository) -> None:
    release(tiny, "v1.0.0")
    delete_repository(repository=tiny, user=tiny.creator)
    assert Release.objects.exists()

    assert purge_deleted(now=timezone.now() + timedelta(days=days_kept() + 1)) == 1

    assert not Release.objects.exists()
    assert not Commit.objects.exists()


def test_fsck_sees_a_tag_that_left_its_release(tiny: Repository) -> None:
    made = release(tiny, "v1.0.0")
    tiny.refresh_from_db()
    assert list(check_repository(tiny)) == []
    Ref.objects.filter(pk=made.ref_id).update(commit=tiny.commits.last().oid)
    assert [fault.what for fault in check_repository(tiny) if "v1.0.0" in fault.what]


def test_an_existing_tag_on_the_same_commit_becomes_the_release(tiny: Repository) -> None:
    create_tag(repository=tiny, user=tiny.creator, name="v1", revision=None, message="annotated")
    assert release(tiny, "v1").ref.target != tiny.head
    create_tag(repository=tiny, user=tiny.creator, name="v2", revision=None)
    put(tiny, {"a.txt": "2"})
    with pytest.raises(RefExists):
        release(tiny, "v2")


def test_names_are_given_once(tiny: Repository) -> None:
    release(tiny, "v1.0.0")
    create_branch(repository=tiny, user=tiny.creator, name="winter")
    with pytest.raises(ReleaseExists):
        release(tiny, "v1.0.0")
    with pytest.raises(NameTaken):
        release(tiny, "winter")
    with pytest.raises(RevisionNotFound):
        release(tiny, "v2", revision="nowhere")


@pytest.mark.parametrize(
    "name", ["", "latest", "Latest", "HEAD", "a/b", "-x", "v1 0", "a..b", "ü", "a" * 101, "f" * 40, "x.lock"]
)
def test_odd_names_are_refused(tiny: Repository, name: str) -> None:
    from models_registry.exceptions import InvalidRefName

    with pytest.raises((InvalidRelease, InvalidRefName)):
        release(tiny, name)
    assert not Release.objects.exists()
    assert not tiny.refs.tags().exists()


def test_only_writers_release_and_yank() -> None:
    repository, stranger = RepositoryFactory(), UserFactory()
    hidden = RepositoryFactory(private=True)
    made = release(repository, "v1")
    for attempt in (
        lambda: create_release(repository=repository, user=stranger, name="v2"),
        lambda: yank(release=made, user=stranger, reason="x"),
        lambda: unyank(release=made, user=stranger),
        lambda: edit_notes(release=made, user=stranger, notes="x"),
    ):
        with pytest.raises(RepositoryForbidden):
            attempt()
    with pytest.raises(RepositoryNotFound):
        create_release(repository=hidden, user=stranger, name="v2")


def test_corrections_of_the_notes_are_kept(tiny: Repository) -> None:
    made = release(tiny, "v1", notes="Frist.")
    edit_notes(release=made, user=tiny.creator, notes="First.")
    edit_notes(release=made, user=tiny.creator, notes="First.")
    made.refresh_from_db()
    assert made.notes == "First."
    assert [(event.kind, event.text) for event in made.events.all()] == [("created", "Frist."), ("notes", "First.")]
    for bad in ("a\0b", "x" * 65_537):
        with pytest.raises(InvalidRelease):
            edit_notes(release=made, user=tiny.creator, notes=bad)


def test_a_yank_needs_a_reason_and_can_be_taken_back(tiny: Repository) -> None:
    made = release(tiny, "v1")
    with pytest.raises(InvalidRelease):
        yank(release=made, user=tiny.creator, reason="  ")
    with pytest.raises(ReleaseState):
        unyank(release=made, user=tiny.creator)
    yank(release=made, user=tiny.creator, reason="Doubled  start token")
    with pytest.raises(ReleaseState):
        yank(release=made, user=tiny.creator, reason="again")
    assert find_release(tiny, "v1").yank_reason == "Doubled start token"
    unyank(release=made, user=tiny.creator, reason="It was the client")
    assert not find_release(tiny, "v1").is_yanked
    assert [event.kind for event in made.events.all()] == ["created", "yanked", "unyanked"]
    with pytest.raises(ReleaseNotFound):
        find_release(tiny, "v2")


def test_webhooks_hear_of_each_step(tiny: Repository, monkeypatch) -> None:
    heard = []
    monkeypatch.setattr("models_registry.services.releases.note_event", lambda **news: heard.append(news["more"]))
    made = release(tiny, "v1")
    yank(release=made, user=tiny.creator, reason="slow")
    assert [news["release"]["event"] for news in heard] == ["created", "yanked"]


def test_latest_is_the_newest_release_that_may_be(tiny: Repository) -> None:
    def step(name: str) -> Release:
        put(tiny, {"a.txt": name})
        return release(tiny, name)

    assert latest_commit(tiny).oid == tiny.refs.get(name="refs/heads/main").commit
    winter = step("winter")
    assert latest_commit(tiny) == winter.commit
    ten, nine, candidate = step("v1.10.0"), step("v1.9.0"), step("v2.0.0-rc.1")
    put(tiny, {"a.txt": "unreleased"})
    assert latest_commit(tiny) == find_commit(tiny, "latest") == ten.commit
    yank(release=ten, user=tiny.creator, reason="slow")
    assert latest_commit(tiny) == nine.commit
    note_scan(commit=nine.commit, verdict=ScanVerdict.QUARANTINED, held={})
    assert latest_commit(tiny) == winter.commit
    Release.objects.filter(pk=winter.pk).update(gate="failed")
    assert latest_commit(tiny) == candidate.commit
    yank(release=candidate, user=tiny.creator, reason="old")
    with pytest.raises(LatestHeld):
        latest_commit(tiny)
    unyank(release=ten, user=tiny.creator)
    assert latest_commit(tiny) == ten.commit


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"gate": "failed", "gate_reason": "worse on a set of ours"}, "v1 is held by a rule of its gate"),
        ({"gate": "waiting"}, "v1 is still being measured"),
        ({"yanked_at": timezone.now(), "yank_reason": "Wrong labels."}, "v1 was yanked (Wrong labels)"),
        ({}, "v1 is quarantined by the scan"),
    ],
)
def test_the_head_is_no_way_around_a_first_release_that_is_held(tiny: Repository, change: dict, why: str) -> None:
    held = release(tiny, "v1")
    Release.objects.filter(pk=held.pk).update(**change)
    if not change:
        note_scan(commit=held.commit, verdict=ScanVerdict.QUARANTINED, held={})
    for _ in range(2):  # Also when the head has moved on since.
        with pytest.raises(LatestHeld, match=re.escape(why)) as refused:
            find_commit(tiny, "latest")
        put(tiny, {"a.txt": "unreleased"})
    assert refused.value.code == "latest_held"
    assert "set of ours" not in str(refused.value)
    assert find_commit(tiny, "v1") == held.commit  # Whoever names it gets it.


def test_a_release_of_a_draft_holds_nothing(tiny: Repository) -> None:
    Release.objects.filter(pk=release(tiny, "v1").pk).update(is_draft=True)
    put(tiny, {"a.txt": "unreleased"})
    tiny.refresh_from_db()
    assert latest_commit(tiny).oid == tiny.head


def test_a_branch_called_latest_goes_before_the_rule(tiny: Repository) -> None:
    create_branch(repository=tiny, user=tiny.creator, name="latest")
    put(tiny, {"a.txt": "2"})
    release(tiny, "v1")
    assert find_commit(tiny, "latest") != latest_commit(tiny)


def test_notes_are_suggested_from_the_commits_since(tiny: Repository) -> None:
    first = release(tiny, "v1")
    put(tiny, {"a.txt": "2"}, title="Longer warm-up")
    head = put(tiny, {"a.txt": "3"}, title="Tied embeddings")
    assert suggested_notes(tiny, head, first) == "- Tied embeddings\n- Longer warm-up"
    assert suggested_notes(tiny, head, None).endswith("- First words\n- initial commit")


def test_a_pull_of_a_yanked_release_by_name_is_told_why(tiny: Repository, client) -> None:
    made = release(tiny, "v1", notes="First.")
    manifest = f"/api/v1/repositories/models/{tiny.full_name}/manifest/"
    assert client.get(manifest + "v1").json()["yanked"] is None
    assert client.get(manifest + "latest").json()["release"]["name"] == "v1"
    yank(release=made, user=tiny.creator, reason="Doubled start token")

    answer = client.get(manifest + "v1", headers=bearer(tiny.creator, Scope.READ))

    assert answer.json()["yanked"]["reason"] == "Doubled start token"
    for found in (
        answer,
        client.head(f"/{tiny.full_name}/resolve/v1/a.txt"),
        client.get(f"/api/models/{tiny.full_name}/revision/v1"),
    ):
        assert found["X-HF-Warning"] == f"yanked; {tiny.full_name} v1 was yanked: Doubled start token"
    assert "X-HF-Warning" not in client.head(f"/{tiny.full_name}/resolve/main/a.txt")
