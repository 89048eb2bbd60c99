"""Histories without HTTP: objects and refs from anywhere, taken under the ids that they have."""

import pytest

from models_registry.git import objects as git
from models_registry.git.unpacking import Limits
from models_registry.models import Repository
from models_registry.services import pushes
from models_registry.services.fsck import check_repository
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def objects_of(repository: Repository) -> list[tuple[int, bytes]]:
    return [(kind, bytes(body)) for kind, body in repository.git_objects.values_list("type", "body")]


def test_a_history_from_elsewhere_takes_the_place_of_what_was_there() -> None:
    source = RepositoryFactory()
    put(source, {"a.txt": "a", "d/b.txt": "b"})
    head = put(source, {"a.txt": "changed"})
    target = RepositoryFactory()

    with pushes.quarantine(objects_of(source)) as pushed:
        outcome = pushes.receive(
            repository=target,
            user=target.creator,
            pushed=pushed,
            updates=[pushes.RefUpdate("refs/heads/main", None, head.oid)],
        )

    target.refresh_from_db()
    assert outcome.refused == {}
    assert target.head == head.oid
    assert set(source.commits.values_list("oid", flat=True)) <= set(target.commits.values_list("oid", flat=True))
    assert list(check_repository(target)) == []


def test_a_limit_that_is_passed_refuses_all_of_it() -> None:
    source, target = RepositoryFactory(), RepositoryFactory()
    head = put(source, {"a.txt": "a"})
    before = target.git_objects.count()

    with pushes.quarantine(objects_of(source)) as pushed:
        outcome = pushes.receive(
            repository=target,
            user=target.creator,
            pushed=pushed,
            updates=[pushes.RefUpdate("refs/heads/new", pushes.ZERO, head.oid)],
            limits=Limits(commits=1),
        )

    assert outcome.refused == {"refs/heads/new": "refused by the hub's checks"}
    assert "At most 1 new commits" in outcome.lines[0]
    assert target.git_objects.count() == before


def test_what_is_wanted_but_missing_is_named() -> None:
    source, target = RepositoryFactory(), RepositoryFactory()
    head = put(source, {"a.txt": "only there"})
    lost = git.blob_oid(b"only there")
    rest = [(kind, body) for kind, body in objects_of(source) if body != b"only there"]

    with pushes.quarantine(rest) as pushed:
        outcome = pushes.receive(
            repository=target,
            user=target.creator,
            pushed=pushed,
            updates=[pushes.RefUpdate("refs/heads/new", pushes.ZERO, head.oid)],
        )

    assert lost in outcome.lines[0]
