import threading

import pytest
from django.db import close_old_connections, connection

from models_registry.exceptions import (
    InvalidPointer,
    NameTaken,
    PointerMoved,
    PointerNotFound,
    RepositoryForbidden,
    RevisionNotFound,
)
from models_registry.models import Pointer, Repository
from models_registry.services.pointers import NOWHERE, find_pointer, move_pointer, roll_back, withdraw_pointer
from models_registry.services.refs import create_branch, create_tag
from models_registry.services.releases import create_release
from models_registry.services.revisions import find_commit
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiny() -> Repository:
    repository = RepositoryFactory()
    for name in ("v1", "v2"):
        put(repository, {"a.txt": name})
        create_release(repository=repository, user=repository.creator, name=name)
    return repository


def move(repository: Repository, revision: str, **more: object) -> Pointer:
    return move_pointer(repository=repository, user=repository.creator, name="production", revision=revision, **more)  # type: ignore[arg-type]


def test_a_pointer_moves_and_remembers(tiny: Repository) -> None:
    move(tiny, "v1", note="Go live")
    move(tiny, "v2")
    move(tiny, "main")  # The same commit: no move.

    assert find_commit(tiny, "production") == find_commit(tiny, "v2")
    moves = find_pointer(tiny, "production").moves.all()
    assert [(row.old, row.new, row.revision, row.note) for row in moves] == [
        (find_commit(tiny, "v1").oid, find_commit(tiny, "v2").oid, "v2", ""),
        ("", find_commit(tiny, "v1").oid, "v1", "Go live"),
    ]
    assert {row.by for row in moves} == {tiny.creator}


def test_rolling_back_is_a_move_to_a_former_place(tiny: Repository) -> None:
    move(tiny, "v1")
    move(tiny, "v2")
    first = find_pointer(tiny, "production").moves.last()

    pointer = roll_back(repository=tiny, user=tiny.creator, name="production", to=first, note="Slow")

    assert pointer.commit == find_commit(tiny, "v1")
    assert (pointer.revision, pointer.moves.count()) == ("v1", 3)
    with pytest.raises(InvalidPointer):
        roll_back(repository=tiny, user=tiny.creator, name="champion", to=first)


def test_a_withdrawn_pointer_names_nothing_but_keeps_its_past(tiny: Repository) -> None:
    move(tiny, "v1")
    withdraw_pointer(repository=tiny, user=tiny.creator, name="production")
    with pytest.raises(RevisionNotFound):
        find_commit(tiny, "production")
    assert find_pointer(tiny, "production").moves.count() == 2
    with pytest.raises(NameTaken):
        create_branch(repository=tiny, user=tiny.creator, name="production")


def test_the_caller_says_where_she_saw_it(tiny: Repository) -> None:
    move(tiny, "v1", expected=NOWHERE)
    with pytest.raises(PointerMoved):
        move(tiny, "v2", expected=NOWHERE)
    with pytest.raises(PointerMoved):
        move(tiny, "v2", expected=find_commit(tiny, "v2").oid)
    move(tiny, "v2", expected=find_commit(tiny, "v1").oid[:7])


def test_names_mean_one_thing(tiny: Repository) -> None:
    move(tiny, "v1")
    create_branch(repository=tiny, user=tiny.creator, name="side")
    with pytest.raises(NameTaken):
        create_branch(repository=tiny, user=tiny.creator, name="production")
    with pytest.raises(NameTaken):
        create_tag(repository=tiny, user=tiny.creator, name="production", revision=None)
    with pytest.raises(NameTaken):
        create_release(repository=tiny, user=tiny.creator, name="production")
    for taken in ("side", "v1", "main"):
        with pytest.raises(NameTaken):
            move_pointer(repository=tiny, user=tiny.creator, name=taken, revision="v1")
    for odd in ("", "latest", "a/b", "x" * 65, "a\0b"):
        with pytest.raises(InvalidPointer):
            move_pointer(repository=tiny, user=tiny.creator, name=odd, revision="v1")
    with pytest.raises(PointerNotFound):
        withdraw_pointer(repository=tiny, user=tiny.creator, name="champion")


def test_only_writers_move_pointers(tiny: Repository) -> None:
    move(tiny, "v1")
    with pytest.raises(RepositoryForbidden):
        move_pointer(repository=tiny, user=UserFactory(), name="production", revision="v2")
    with pytest.raises(RepositoryForbidden):
        withdraw_pointer(repository=tiny, user=UserFactory(), name="production")


@pytest.mark.django_db(transaction=True)
def test_of_many_moves_from_one_place_exactly_one_wins() -> None:
    repository = RepositoryFactory()
    commits = [put(repository, {"a.txt": str(number)}) for number in range(9)]
    move(repository, commits[0].oid)
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        start.wait()
        try:
            move(repository, commits[number].oid, expected=commits[0].oid)
            outcomes.append("won")
        except PointerMoved:
            outcomes.append("moved")
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["moved"] * 7 + ["won"]
    assert find_pointer(repository, "production").moves.count() == 2
