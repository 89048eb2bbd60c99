"""Renaming and transferring: who may, what follows, and that old names lead nowhere else."""

import threading

import pytest
from django.db import connection

from accounts.exceptions import NotAMember
from accounts.models import Role
from hub.core.exceptions import HubError
from models_registry.exceptions import (
    InvalidRepositoryName,
    NameReserved,
    RepositoryExists,
    RepositoryForbidden,
    RepositoryNameTaken,
)
from models_registry.models import AccessRequest, AccessState, AuditEntry, FormerName, Kind, Repository
from models_registry.permissions import Action, can
from models_registry.services.moves import move_repository
from models_registry.services.names import free_name
from models_registry.services.repositories import create_repository, delete_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def named(kind, full_name, user):
    """What a name leads to for this person, as both doors look it up."""
    visible = Repository.objects.visible_to(user)
    pair = full_name.split("/")
    return visible.named(kind, *pair).first() or visible.formerly(kind, *pair).first()


def moved(repository, to, user=None):
    row = Repository.objects.get(pk=repository.pk)
    namespace, name = to.split("/")
    return move_repository(repository=row, user=user or row.creator, namespace=namespace, name=name)


def test_a_chain_of_names_leads_straight_to_the_repository():
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    moved(tiny, "ada/small")
    now = moved(tiny, "ada/Little")

    assert now.full_name == "ada/Little"
    for name in ("ada/tiny", "ada/small", "ADA/Small", "ada/little"):
        assert named(Kind.MODEL, name, tiny.creator).pk == tiny.pk


def test_back_to_a_name_that_it_had():
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    moved(tiny, "ada/small")
    moved(tiny, "ada/tiny")

    assert named(Kind.MODEL, "ada/tiny", tiny.creator).full_name == "ada/tiny"
    assert named(Kind.MODEL, "ada/small", tiny.creator).pk == tiny.pk
    moved(tiny, "ada/small")
    assert named(Kind.MODEL, "ada/tiny", tiny.creator).full_name == "ada/small"


def test_a_new_spelling_alone_leaves_no_old_name():
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")

    assert moved(tiny, "ada/Tiny").full_name == "ada/Tiny"
    assert not FormerName.objects.exists()


def test_the_same_name_and_a_taken_name_are_refused():
    ada = UserFactory(username="ada")
    tiny, small = RepositoryFactory(user=ada, name="tiny"), RepositoryFactory(user=ada, name="small")

    with pytest.raises(RepositoryNameTaken, match="A model repository called `ada/tiny` already exists"):
        moved(tiny, "ada/tiny")
    with pytest.raises(RepositoryNameTaken, match="A model repository called `ada/SMALL` already exists"):
        moved(tiny, "ada/SMALL")
    assert {row.full_name for row in Repository.objects.all()} == {"ada/tiny", "ada/small"}
    assert named(Kind.MODEL, "ada/small", ada) == small


def test_kinds_have_names_of_their_own():
    ada = UserFactory(username="ada")
    tiny = RepositoryFactory(user=ada, name="tiny")
    RepositoryFactory(user=ada, name="small", dataset=True)

    assert moved(tiny, "ada/small").kind == Kind.MODEL


@pytest.mark.parametrize("name", ["", "a b", "../x", "x.git", "a--b", "x" * 97])
def test_bad_names_are_refused(name):
    tiny = RepositoryFactory()

    with pytest.raises(InvalidRepositoryName):
        move_repository(repository=tiny, user=tiny.creator, namespace=tiny.namespace.name, name=name)


def test_an_old_name_is_kept_until_it_is_freed():
    ada = UserFactory(username="ada")
    tiny, other = RepositoryFactory(user=ada, name="tiny"), RepositoryFactory(user=ada, name="other")
    moved(tiny, "ada/small")

    with pytest.raises(NameReserved):
        create_repository(user=ada, namespace="ada", name="Tiny", kind=Kind.MODEL)
    with pytest.raises(NameReserved):
        moved(other, "ada/tiny")
    assert Repository.objects.count() == 2

    free_name(repository=tiny, user=ada, former=tiny.former_names.get())

    assert named(Kind.MODEL, "ada/tiny", ada) is None
    made = create_repository(user=ada, namespace="ada", name="tiny", kind=Kind.MODEL)
    assert named(Kind.MODEL, "ada/tiny", ada) == made


def test_only_who_administers_the_repository_frees_its_old_name():
    ada, bob = UserFactory(username="ada"), UserFactory(username="bob")
    harbour = OrganisationFactory(owner=ada, name="harbour")
    tiny = RepositoryFactory(user=ada, name="tiny")
    now = moved(tiny, "harbour/tiny")
    writer = member(harbour, Role.WRITE)

    for who in (bob, writer):
        with pytest.raises(RepositoryForbidden):
            free_name(repository=now, user=who, former=now.former_names.get())
    assert named(Kind.MODEL, "ada/tiny", bob) == now


def test_an_old_name_of_another_repository_cannot_be_freed_through_ones_own():
    ada, eve = UserFactory(username="ada"), UserFactory(username="eve")
    tiny, hers = RepositoryFactory(user=ada, name="tiny"), RepositoryFactory(user=eve, name="mine")
    moved(tiny, "ada/small")

    free_name(repository=hers, user=eve, former=tiny.former_names.get())

    assert named(Kind.MODEL, "ada/tiny", eve).full_name == "ada/small"


def test_a_transfer_needs_both_ends():
    ada = UserFactory(username="ada")
    harbour = OrganisationFactory(name="harbour")
    tiny = RepositoryFactory(user=ada, name="tiny")

    for target in ("harbour/tiny", "nobody/tiny", "bob/tiny"):
        with pytest.raises(NotAMember):
            moved(tiny, target)
    writer = member(harbour, Role.WRITE)
    with pytest.raises(RepositoryForbidden):
        moved(tiny, f"{writer.username}/tiny", user=writer)
    assert Repository.objects.get().full_name == "ada/tiny"


def test_after_a_transfer_nothing_of_the_old_owner_is_left():
    """The old team reads 404, the one who started it has no right of her own, accepted requests are gone."""
    boss = UserFactory(username="boss")
    old, new = OrganisationFactory(owner=boss, name="old-team"), OrganisationFactory(owner=boss, name="new-team")
    starter, reader = member(old, Role.CONTRIBUTOR), member(old, Role.WRITE)
    new.memberships.create(user=starter, role=Role.CONTRIBUTOR)
    tiny = RepositoryFactory(user=starter, namespace="old-team", name="tiny", private=True)
    guest = UserFactory()
    AccessRequest.objects.create(repository=tiny, user=guest, state=AccessState.ACCEPTED, updated_at=tiny.created_at)
    assert can(starter, Action.ADMINISTER, tiny)

    now = moved(tiny, "new-team/tiny", user=boss)

    assert not can(reader, Action.READ, now)
    assert named(Kind.MODEL, "old-team/tiny", reader) is None
    assert not can(starter, Action.WRITE, now)
    assert not AccessRequest.objects.exists()
    assert named(Kind.MODEL, "old-team/tiny", boss) == now


def test_a_move_is_written_down():
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    moved(tiny, "ada/small")

    entry = AuditEntry.objects.get(deed="moved")
    assert (entry.actor_name, entry.details) == ("ada", {"old": "ada/tiny", "new": "ada/small"})


def test_the_name_of_a_deleted_repository_leads_nowhere_and_may_be_used_by_its_namespace():
    ada = UserFactory(username="ada")
    tiny = RepositoryFactory(user=ada, name="tiny")
    now = moved(tiny, "ada/small")
    delete_repository(repository=now, user=ada)

    assert named(Kind.MODEL, "ada/tiny", ada) is None
    again = create_repository(user=ada, namespace="ada", name="tiny", kind=Kind.MODEL)
    assert named(Kind.MODEL, "ada/tiny", ada) == again


def test_files_are_read_by_old_name_as_by_new(client):
    tiny = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    put(tiny, {"a.txt": "bytes"})
    moved(tiny, "ada/small")

    led = client.get("/ada/tiny/resolve/main/a.txt")
    answer = client.get(led["Location"])

    assert (led.status_code, led["Location"]) == (307, "/ada/small/resolve/main/a.txt")
    assert answer.content == b"bytes"


def at_once(*deeds):
    """Run each deed in a thread of its own, all started together; what each raised or gave."""
    gate, results = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(place, deed):
        gate.wait()
        try:
            results[place] = deed()
        except HubError as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_of_moves_to_one_name_at_once_one_wins():
    ada = UserFactory(username="ada")
    rows = [RepositoryFactory(user=ada, name=f"tiny-{number}") for number in range(4)]

    results = at_once(*[lambda row=row: moved(row, "ada/wanted", user=ada) for row in rows])

    assert sum(isinstance(result, Repository) for result in results) == 1, results
    assert sum(isinstance(result, RepositoryNameTaken) for result in results) == 3, results


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_left_cannot_be_taken_while_it_is_being_left():
    for turn in range(5):
        ada = UserFactory(username=f"ada{turn}")
        tiny = RepositoryFactory(user=ada, name="tiny")

        away, made = at_once(
            lambda tiny=tiny, ada=ada: moved(tiny, f"{ada.username}/small", user=ada),
            lambda ada=ada: create_repository(user=ada, namespace=ada.username, name="tiny", kind=Kind.MODEL),
        )

        assert isinstance(away, Repository), away
        assert isinstance(made, RepositoryExists | NameReserved), made
        assert named(Kind.MODEL, f"{ada.username}/tiny", ada) == away


@pytest.mark.django_db(transaction=True)
def test_of_two_moves_of_one_repository_both_happen_in_turn_and_all_names_lead_to_it():
    ada = UserFactory(username="ada")
    tiny = RepositoryFactory(user=ada, name="tiny")

    at_once(*[lambda name=name: moved(tiny, f"ada/{name}", user=ada) for name in ("one", "two", "three")])

    for name in ("tiny", "one", "two", "three"):
        assert named(Kind.MODEL, f"ada/{name}", ada).pk == tiny.pk
