"""Registering a benchmark on a page."""

import pytest

from evaluation.models import Benchmark
from hub.pages.benchmark_register import EXAMPLE
from models_registry.models import Kind
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
ROWS = '{"id": "1", "good": "a b", "bad": "b a"}\n'


@pytest.fixture
def owner(client):
    user = UserFactory(username="ada")
    client.force_login(user)
    return user


@pytest.fixture
def words(owner):
    return RepositoryFactory(user=owner, kind=Kind.DATASET, name="words")


def page(client) -> str:
    answer = client.get("/benchmarks/register")
    assert answer.status_code == 200
    return answer.content.decode()


def test_strangers_are_asked_to_sign_in(client):
    assert client.get("/benchmarks/register").headers["Location"].startswith("/login")


def test_who_has_no_data_set_is_shown_the_way(client, owner):
    assert "You have no data set yet" in page(client)


def test_the_example_is_a_declaration_that_registers(client, words):
    put(words, {"data/test.jsonl": ROWS})
    assert "Write eval.yaml" in page(client)
    put(words, {"eval.yaml": EXAMPLE})

    answer = client.post("/benchmarks/register", {"dataset": "ada/words"})

    assert answer.headers["Location"] == "/benchmarks/ada--words"
    assert Benchmark.objects.active().get().repository == words
    assert "Word order v1" in page(client)


def test_a_faulty_declaration_is_named_with_its_field_and_registers_nothing(client, words):
    put(words, {"data/test.jsonl": ROWS, "eval.yaml": EXAMPLE.replace("minimal_pairs", "magic")})

    answer = client.post("/benchmarks/register", {"dataset": "ada/words"}, follow=True)

    assert "scorer" in answer.content.decode()
    assert not Benchmark.objects.exists()


@pytest.mark.parametrize("name", ["", "ada", "ada/none", "eve/hers", "a\0b/c", "/"])
def test_what_is_not_hers_is_not_registered(client, words, name):
    eve = UserFactory(username="eve")
    hers = RepositoryFactory(user=eve, kind=Kind.DATASET, name="hers")
    put(hers, {"data/test.jsonl": ROWS, "eval.yaml": EXAMPLE})
    before = Benchmark.objects.count()

    answer = client.post("/benchmarks/register", {"dataset": name})

    assert answer.status_code in ({403, 404} if name in {"ada/none", "eve/hers"} else {302})
    assert Benchmark.objects.count() == before


def test_the_queries_do_not_grow_with_data_sets(client, owner, django_assert_max_num_queries):
    for number in range(8):
        RepositoryFactory(user=owner, kind=Kind.DATASET, name=f"set-{number}")
    with django_assert_max_num_queries(9):
        page(client)
