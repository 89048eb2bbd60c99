import pytest

from models_registry import ancestry
from models_registry.ancestry import ahead_behind
from models_registry.services.commits import commit
from models_registry.services.refs import create_branch
from models_registry.types import AddFile
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def test_branches_are_counted_from_where_they_parted(monkeypatch, django_assert_num_queries) -> None:
    repository = RepositoryFactory()
    put(repository, {"a": "1"})
    create_branch(repository=repository, user=repository.creator, name="side")
    for number in range(3):
        base = put(repository, {"a": f"main {number}"})
    for number in range(2):
        side = commit(
            repository=repository,
            user=repository.creator,
            branch="side",
            title="Aside",
            operations=[AddFile("b", b"%d" % number)],
        )
    with django_assert_num_queries(1):
        found = ahead_behind(repository, base.oid, [base.oid, side.oid])
    assert found == {base.oid: (0, 0), side.oid: (2, 3)}
    monkeypatch.setattr(ancestry, "REACH", 3)
    assert ahead_behind(repository, base.oid, [side.oid]) == {side.oid: (None, None)}
