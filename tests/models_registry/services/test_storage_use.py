import pytest
from django.core.cache import cache

from models_registry.models import Repository
from models_registry.services import storage_use as module
from models_registry.services.commits import commit
from models_registry.services.refs import create_branch, delete_branch
from models_registry.services.releases import create_release
from models_registry.services.storage_use import NameUse, storage_use
from models_registry.types import AddLarge
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
BIG = 1_000_000


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


def put_large(repository: Repository, body: bytes, branch: str = "main") -> None:
    found = put_plain(repository, body)
    commit(
        repository=repository,
        user=repository.creator,
        branch=branch,
        title="Train",
        operations=[AddLarge("w.bin", found.sha256)],
    )


def by_name(repository: Repository) -> dict[str, NameUse]:
    return {row.name: row for row in storage_use(repository).names}


def near(value: int, expected: int) -> bool:
    """Within two chunks: where a change begins inside one, all of it is new."""
    return abs(value - expected) < 300_000


def test_a_fine_tune_takes_up_what_is_new_in_it() -> None:
    repository = RepositoryFactory()
    base = noise(4 * BIG, 1)
    put_large(repository, base)
    create_release(repository=repository, user=repository.creator, name="v1")
    put_large(repository, base[: 3 * BIG] + noise(BIG, 2))
    create_release(repository=repository, user=repository.creator, name="v2")

    use, names = storage_use(repository), by_name(repository)

    assert near(use.stored_bytes, 5 * BIG)
    assert near(use.logical_bytes, 4 * BIG)
    assert near(names["v1"].new_bytes, 4 * BIG)
    assert near(names["v2"].new_bytes, BIG)
    assert names["main"].new_bytes == 0
    assert names["v1"].freed_bytes == names["v2"].freed_bytes == 0  # The branch has them in its history.


def test_deleting_a_branch_frees_what_it_alone_reaches() -> None:
    repository = RepositoryFactory()
    base = noise(2 * BIG, 1)
    put_large(repository, base)
    create_branch(repository=repository, user=repository.creator, name="side")
    put_large(repository, base + noise(BIG, 3), branch="side")
    before = storage_use(repository)
    freed = by_name(repository)["side"].freed_bytes
    assert near(freed, BIG)

    delete_branch(repository=repository, user=repository.creator, name="side")

    after = storage_use(repository)
    assert near(before.stored_bytes - after.stored_bytes, freed)
    assert near(after.loose_bytes, freed)


def test_small_files_count_once() -> None:
    repository = RepositoryFactory()
    first = storage_use(repository).stored_bytes
    put(repository, {"a.txt": "x" * 1000, "b.txt": "x" * 1000})
    assert storage_use(repository).stored_bytes - first == 1000
    assert by_name(repository)["main"].logical_bytes == storage_use(repository).logical_bytes == first + 2000


def test_the_account_is_kept_until_something_moves(django_assert_max_num_queries, monkeypatch) -> None:
    repository = RepositoryFactory()
    put_large(repository, noise(BIG))
    storage_use(repository)
    monkeypatch.setattr(module, "_computed", None)
    with django_assert_max_num_queries(6):
        storage_use(repository)


def test_a_long_history_is_counted_in_part(monkeypatch) -> None:
    repository = RepositoryFactory()
    for number in range(4):
        put(repository, {"a.txt": str(number)})
    assert not storage_use(repository).is_partial
    cache.clear()
    monkeypatch.setattr(module, "REACH", 2)
    assert storage_use(repository).is_partial
    cache.clear()
    monkeypatch.setattr(module, "MAX_XORBS", 0)
    put_large(repository, noise(BIG))
    assert storage_use(repository).stored_bytes == 0
