import pytest

from models_registry.models import Repository
from tests.factories.accounts import UserFactory, bearer
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def tiny() -> Repository:
    repository = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    put(repository, {"a.txt": "1"})
    return repository


@pytest.fixture
def ask(client, tiny):
    owner = bearer(tiny.creator)

    def asked(method: str, path: str, body: object = None, headers: dict | None = None):
        address = f"/api/v1/repositories/models/ada/tiny/{path}"
        send = getattr(client, method)
        kwargs = {"headers": owner if headers is None else headers}
        return send(address, **kwargs) if body is None else send(address, body, content_type=JSON, **kwargs)

    return asked


def test_a_release_from_making_to_yanking(ask, tiny) -> None:
    made = ask("post", "releases", {"name": "v1.0.0", "notes": "First."})
    assert made.status_code == 201
    assert made.json()["latest"] is True
    assert made.json()["commit"] == tiny.refs.get(name="refs/heads/main").commit
    assert ask("patch", "releases/v1.0.0", {"notes": "The first."}).json()["notes"] == "The first."
    assert ask("post", "releases/v1.0.0/yank", {}).status_code == 400
    assert (
        ask("post", "releases/v1.0.0/yank", {"reason": "Doubled token"}).json()["yanked"]["reason"] == "Doubled token"
    )
    again = ask("post", "releases/v1.0.0/yank", {"reason": "Twice"})
    assert (again.status_code, again.json()["code"]) == (409, "release_state")
    assert ask("get", "releases/v1.0.0").json()["latest"] is False
    answer = ask("delete", "releases/v1.0.0/yank").json()
    assert answer["yanked"] is None
    assert [event["kind"] for event in answer["events"]] == ["created", "notes", "yanked", "unyanked"]
    missing = ask("get", "releases/v9")
    assert (missing.status_code, missing.json()["code"]) == (404, "release_not_found")


def test_lists_walk_by_precedence_in_pages(ask, django_assert_max_num_queries) -> None:
    for name in ("winter", "v1.0.0", "v1.10.0", "v1.9.0", "v2.0.0-rc.1"):
        assert ask("post", "releases", {"name": name}).status_code == 201
    found: list[str] = []
    cursor = ""
    while True:
        with django_assert_max_num_queries(6):
            page = ask("get", f"releases?limit=2{cursor}").json()
        found += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ["v2.0.0-rc.1", "v1.10.0", "v1.9.0", "v1.0.0", "winter"]
    assert [item["latest"] for item in ask("get", "releases").json()["items"]] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid"),
        ({"name": 5.5, "revision": ["x"]}, "invalid"),
        ({"name": "a b"}, "invalid_release"),
        ({"name": "x\x00"}, "invalid"),
        ({"name": "v1", "notes": "a\x00b"}, "invalid"),
        ({"name": "v1", "notes": "x" * 70_000}, "invalid"),
        ({"name": "v1", "revision": "nowhere"}, "revision_not_found"),
        ({"name": "main"}, "name_taken"),
        ([], "invalid"),
    ],
)
def test_bad_input_gets_a_clear_answer(ask, body, code) -> None:
    answer = ask("post", "releases", body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code


def test_a_pointer_moves_by_compare_and_swap_and_back(ask) -> None:
    ask("post", "releases", {"name": "v1"})
    made = ask("put", "pointers/production", {"revision": "v1", "expected": "", "note": "Go live"})
    assert made.status_code == 200
    assert made.json()["revision"] == "v1"
    stale = ask("put", "pointers/production", {"revision": "v1", "expected": ""})
    assert (stale.status_code, stale.json()["code"]) == (409, "pointer_moved")
    assert ask("delete", "pointers/production").json()["commit"] is None
    first = ask("get", "pointers/production").json()["moves"][-1]
    back = ask("put", "pointers/production", {"back_to": first["id"], "note": "Back"}).json()
    assert back["commit"] == first["new"]
    assert [item["name"] for item in ask("get", "pointers").json()["items"]] == ["production"]
    assert ask("get", "manifest/production").json()["release"]["name"] == "v1"
    for body in ({}, {"revision": "v1", "back_to": 1}, {"back_to": 0}, {"back_to": "x"}):
        assert ask("put", "pointers/production", body).status_code == 400
    assert ask("put", "pointers/production", {"back_to": 10**9}).status_code == 404
    assert ask("get", "pointers/champion").json()["code"] == "pointer_not_found"


def test_strangers_read_and_change_nothing(ask) -> None:
    ask("post", "releases", {"name": "v1"})
    stranger = bearer(UserFactory())
    assert ask("get", "releases", headers=stranger).status_code == 200
    assert ask("post", "releases", {"name": "v2"}, headers=stranger).status_code == 403
    assert ask("post", "releases", {"name": "v2"}, headers={}).status_code == 401
    assert ask("put", "pointers/production", {"revision": "v1"}, headers=stranger).status_code == 403


def test_the_schema_knows_them(client) -> None:
    schema = client.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert b"releases_yank" in schema.content
    assert b"pointers_move" in schema.content
