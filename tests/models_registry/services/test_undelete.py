"""Deleting, bringing back, and letting go for good."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Role
from models_registry.exceptions import (
    NameReserved,
    NotDeleted,
    RepositoryForbidden,
    RepositoryNameTaken,
    RepositoryNotFound,
)
from models_registry.models import FormerName, GitObject, Kind, Repository, RepositoryContent
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.services.fsck import check_repository
from models_registry.services.moves import move_repository
from models_registry.services.repositories import create_repository, delete_repository
from models_registry.services.undelete import kept_until, purge_deleted, restore_repository
from models_registry.types import AddLarge
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.content import put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def gone(repository, user=None):
    delete_repository(repository=repository, user=user or repository.creator)
    return Repository.everything.get(pk=repository.pk)


def test_it_is_gone_at_once_and_comes_back_whole():
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    head = put(tiny, {"a.txt": "a"})

    row = gone(tiny)
    assert not Repository.objects.exists()
    assert list(Repository.everything.deleted()) == [row]
    assert kept_until(row) == row.deleted_at + timedelta(days=30)

    restored = restore_repository(repository=row, user=tiny.creator)
    assert restored.head == head.oid
    assert Repository.objects.get() == restored
    assert not list(check_repository(restored))


def test_a_hundred_come_back_with_the_same_facts():
    """Deleting and restoring changes no object, ref, listing or link."""
    ada = UserFactory(username="ada")
    rows = [RepositoryFactory(user=ada, name=f"tiny-{number}") for number in range(100)]
    before = sorted(GitObject.objects.values_list("repository_id", "oid"))

    for row in rows:
        gone(row)
    for row in rows:
        restore_repository(repository=row, user=ada)

    assert sorted(GitObject.objects.values_list("repository_id", "oid")) == before
    assert Repository.objects.count() == 100
    assert not [fault for row in Repository.objects.all() for fault in check_repository(row)]


def test_who_may_bring_it_back():
    harbour = OrganisationFactory(name="harbour")
    admin = harbour.members.get()
    writer, reader = member(harbour, Role.WRITE), member(harbour, Role.READ)
    row = gone(RepositoryFactory(user=admin, namespace="harbour", name="tiny", private=True))

    for who, refusal in (
        (writer, RepositoryForbidden),
        (reader, RepositoryForbidden),
        (UserFactory(), RepositoryNotFound),
    ):
        with pytest.raises(refusal):
            restore_repository(repository=row, user=who)
    assert list(Repository.everything.deleted().administered_by(admin)) == [row]
    assert not Repository.everything.deleted().administered_by(writer).exists()
    assert restore_repository(repository=row, user=admin).deleted_at is None


def test_what_is_there_cannot_be_brought_back():
    tiny = RepositoryFactory()

    with pytest.raises(NotDeleted):
        restore_repository(repository=tiny, user=tiny.creator)


def test_its_name_may_be_used_again_and_then_it_comes_back_under_another():
    ada = UserFactory(username="ada")
    row = gone(RepositoryFactory(user=ada, name="tiny"))
    create_repository(user=ada, namespace="ada", name="tiny", kind=Kind.MODEL)

    with pytest.raises(RepositoryNameTaken):
        restore_repository(repository=row, user=ada)
    restored = restore_repository(repository=row, user=ada, name="tiny-old")

    assert restored.full_name == "ada/tiny-old"
    assert Repository.objects.named(Kind.MODEL, "ada", "tiny").get() != restored
    assert not restored.former_names.exists()


def test_it_does_not_come_back_on_a_name_that_leads_elsewhere():
    ada = UserFactory(username="ada")
    row = gone(RepositoryFactory(user=ada, name="tiny"))
    newer = create_repository(user=ada, namespace="ada", name="tiny", kind=Kind.MODEL)
    move_repository(repository=newer, user=ada, namespace="ada", name="small")

    with pytest.raises(NameReserved):
        restore_repository(repository=row, user=ada)
    assert not Repository.objects.filter(pk=row.pk).exists()


def test_old_names_lead_to_it_again():
    ada = UserFactory(username="ada")
    tiny = RepositoryFactory(user=ada, name="tiny")
    now = move_repository(repository=tiny, user=ada, namespace="ada", name="small")
    row = gone(now)

    restore_repository(repository=row, user=ada)

    assert Repository.objects.formerly(Kind.MODEL, "ada", "tiny").get().full_name == "ada/small"


def test_deleting_twice_is_one_deletion():
    tiny = RepositoryFactory()
    delete_repository(repository=tiny, user=tiny.creator)
    first = Repository.everything.get().deleted_at
    delete_repository(repository=tiny, user=tiny.creator)

    assert Repository.everything.get().deleted_at == first
    assert tiny.audit_entries.filter(deed="deleted").count() == 1


def test_content_of_a_deleted_one_is_readable_by_nobody_but_stays():
    tiny = RepositoryFactory()
    found = put_plain(tiny, b"weights" * 1000)
    commit(
        repository=tiny,
        user=tiny.creator,
        branch="main",
        title="Weights",
        operations=[AddLarge("model.safetensors", found.sha256)],
    )
    row = gone(tiny)
    other = RepositoryFactory(user=UserFactory())

    assert content.find_readable(repository=other, user=tiny.creator, sha256=found.sha256) is None
    assert RepositoryContent.objects.filter(repository=row).exists()
    assert not list(check_repository(row))


def test_when_its_time_is_over_it_goes_for_good_and_leaves_a_mark_on_its_name():
    ada = UserFactory(username="ada")
    row, kept = gone(RepositoryFactory(user=ada, name="tiny")), RepositoryFactory(user=ada, name="kept")
    later = timezone.now() + timedelta(days=30, minutes=1)

    assert purge_deleted() == 0
    assert purge_deleted(now=later) == 1

    assert list(Repository.everything.all()) == [kept]
    assert not GitObject.objects.filter(repository_id=row.pk).exists()
    assert FormerName.objects.get(key="ada/tiny").repository is None
    with pytest.raises(NotDeleted):
        restore_repository(repository=row, user=ada)
    assert create_repository(user=ada, namespace="ada", name="tiny", kind=Kind.MODEL).full_name == "ada/tiny"


def test_how_long_it_is_kept_is_a_setting(settings):
    settings.SMALLHUB_UNDELETE_DAYS = 0
    gone(RepositoryFactory())

    assert purge_deleted() == 1


def test_the_operator_lists_and_brings_back():
    ada = UserFactory(username="ada")
    gone(RepositoryFactory(user=ada, name="tiny", dataset=True))
    said = StringIO()

    call_command("undelete", stdout=said)
    assert "dataset ada/tiny" in said.getvalue()
    with pytest.raises(CommandError, match="No deleted model"):
        call_command("undelete", "ada/tiny", stdout=said)
    with pytest.raises(CommandError, match="cannot be a repository's name"):
        call_command("undelete", "ada/tiny", "--kind", "dataset", "--as", "a b", stdout=said)
    call_command("undelete", "ADA/tiny", "--kind", "dataset", "--as", "tides", stdout=said)

    assert Repository.objects.get().full_name == "ada/tides"
    assert "✓ ada/tides is back." in said.getvalue()
