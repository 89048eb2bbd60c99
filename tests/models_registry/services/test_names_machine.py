"""Whatever is made, moved, deleted, freed and brought back in whatever order: a name leads where a dictionary says."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.core.exceptions import HubError
from models_registry.models import FormerName, Kind, Repository
from models_registry.services.moves import move_repository
from models_registry.services.names import free_name
from models_registry.services.repositories import create_repository, delete_repository
from models_registry.services.undelete import restore_repository
from tests.factories.accounts import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

OWNERS, NAMES = ("ada", "bob", "crew"), ("one", "two", "Two")
FULL = st.tuples(st.sampled_from(OWNERS), st.sampled_from(NAMES))
DEEDS = st.one_of(
    st.tuples(st.just("create"), FULL),
    st.tuples(st.just("move"), FULL, FULL),
    st.tuples(st.just("delete"), FULL),
    st.tuples(st.just("restore"), FULL),
    st.tuples(st.just("free"), FULL),
)


class Book:
    """The names as a dictionary would keep them: living ones, ways from old ones, and the deleted with theirs."""

    def __init__(self) -> None:
        self.living: dict[str, int] = {}
        self.ways: dict[str, int] = {}
        self.deleted: list[tuple[str, int]] = []

    def leads(self, key: str) -> int | None:
        if key in self.living:
            return self.living[key]
        way = self.ways.get(key)
        return way if way in self.living.values() else None

    def is_free(self, key: str, mine: int | None = None) -> bool:
        return self.leads(key) in (None, mine)

    def take(self, key: str, which: int) -> None:
        self.living[key] = which
        self.ways.pop(key, None)


def may(user: str, owner: str) -> bool:
    """Ada and Bob have a name of their own each; Ada is of the crew."""
    return owner == user or (user == "ada" and owner == "crew")


def tried(deed):
    try:
        with transaction.atomic():
            return deed()
    except HubError:
        return None


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deeds=st.lists(st.tuples(st.sampled_from(["ada", "bob"]), DEEDS), max_size=14))
def test_names_lead_where_the_dictionary_says(db, deeds):
    with transaction.atomic():
        people = {name: UserFactory(username=name) for name in ("ada", "bob")}
        OrganisationFactory(owner=people["ada"], name="crew")
        book = Book()
        for who, deed in deeds:
            step(book, people, who, deed)
            check(book, people)
        transaction.set_rollback(True)


def step(book, people, who, deed):
    user, (what, (owner, name), *more) = people[who], deed
    key = f"{owner}/{name}".lower()
    row = Repository.objects.filter(key=key).first()
    if what == "create":
        made = tried(lambda: create_repository(user=user, namespace=owner, name=name, kind=Kind.MODEL))
        assert (made is not None) == (may(who, owner) and book.is_free(key)), deed
        if made:
            book.take(key, made.pk)
    elif what == "move" and row is not None:
        move(book, user, who, row, more[0], owner)
    elif what == "delete" and row is not None:
        tried(lambda: delete_repository(repository=row, user=user))
        gone = not Repository.objects.filter(pk=row.pk).exists()
        assert gone == may(who, owner)
        if gone:
            book.deleted.append((key, book.living.pop(key)))
    elif what == "restore":
        found = next((each for each in reversed(book.deleted) if each[0] == key), None)
        if found:
            stored = Repository.everything.get(pk=found[1])
            back = tried(lambda: restore_repository(repository=stored, user=user))
            assert (back is not None) == (may(who, owner) and book.is_free(key)), deed
            if back:
                book.deleted.remove(found)
                book.take(key, found[1])
    elif what == "free":
        former = FormerName.objects.filter(key=key, repository__deleted_at__isnull=True).first()
        if former and former.repository:
            holder = former.repository
            tried(lambda: free_name(repository=holder, user=user, former=former))
            if may(who, holder.namespace.name):
                book.ways.pop(key)


def move(book, user, who, row, to, owner):
    target = f"{to[0]}/{to[1]}".lower()
    same = row.full_name == f"{to[0]}/{to[1]}"
    moved = tried(lambda: move_repository(repository=row, user=user, namespace=to[0], name=to[1]))
    allowed = may(who, owner) and may(who, to[0])
    assert (moved is not None) == (allowed and not same and book.is_free(target, row.pk)), to
    if moved:
        old = next(key for key, which in book.living.items() if which == row.pk)
        del book.living[old]
        book.take(target, row.pk)
        if old != target:
            book.ways[old] = row.pk


def check(book, people):
    visible = Repository.objects.visible_to(people["bob"])
    for owner in OWNERS:
        for name in ("one", "two"):
            found = visible.named(Kind.MODEL, owner, name).first() or visible.formerly(Kind.MODEL, owner, name).first()
            assert (found.pk if found else None) == book.leads(f"{owner}/{name}"), f"{owner}/{name}"
