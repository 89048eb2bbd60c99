"""Collections by the wire (E70 to E72): just the fields that clients construct their objects from."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Scope, User
from models_registry.models import Collection
from models_registry.services import collections as services
from tests.factories.accounts import OrganisationFactory, UserFactory, bearer
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def send(client: Client, method: str, address: str, user: User, body: Any = None) -> Any:
    return client.generic(
        method, f"/api/collections{address}", json.dumps(body), content_type="application/json", headers=bearer(user)
    )


def made(user: User, number: int = 0, title: str = "Small ones") -> Collection:
    found = services.create_collection(user=user, namespace=user.namespace, title=title)
    for _ in range(number):
        services.add_item(collection=found, user=user, repository=RepositoryFactory())
    return found


def test_a_collection_is_made_and_read(client: Client):
    user = UserFactory()

    said = send(client, "POST", "", user, {"title": "Small ones", "namespace": user.username, "private": False}).json()

    assert re.fullmatch(rf"{user.username}/small-ones-[0-9a-f]{{24}}", said["slug"])
    assert (said["items"], said["position"], said["private"], said["upvotes"]) == ([], 0, False, 0)
    assert said["owner"]["name"] == user.username
    assert said["description"] is None
    assert client.get(f"/api/collections/{said['slug']}").json()["title"] == "Small ones"


def test_a_second_one_of_the_title_is_refused_with_the_slug_of_the_first(client: Client):
    user = UserFactory()
    first = made(user)

    answer = send(client, "POST", "", user, {"title": "Small ones", "namespace": user.username})

    assert answer.status_code == 409
    assert answer.json()["slug"] == first.slug


def test_changes_are_answered_under_data_and_old_slugs_lead_on(client: Client):
    user = UserFactory()
    found = made(user)

    body = {"title": "Tiny ones", "description": "New", "private": True, "theme": "pink", "position": 3}
    said = send(client, "PATCH", f"/{found.slug}", user, body).json()["data"]

    assert (said["title"], said["description"], said["theme"], said["private"]) == ("Tiny ones", "New", "pink", True)
    assert said["position"] == 3
    assert said["slug"] != found.slug
    assert client.get(f"/api/collections/{found.slug}", headers=bearer(user)).json()["slug"] == said["slug"]
    assert client.get(f"/api/collections/{found.slug}").status_code == 404  # It is private now.


def test_lists_have_no_positions_of_collections_and_four_items_at_most(client: Client, django_assert_max_num_queries):
    user = UserFactory()
    made(user, 6, "One"), made(user, 2, "Two")

    with django_assert_max_num_queries(4):
        one, two = sorted(client.get("/api/collections").json(), key=lambda row: row["title"])

    assert "position" not in one
    assert [item["position"] for item in one["items"]] == [0, 1, 2, 3]
    assert len(two["items"]) == 2


def test_lists_are_filtered_by_owner_and_item_and_go_on_in_pages(client: Client):
    ada, ben = UserFactory(), UserFactory()
    found = made(ada, 1, "Ada's")
    made(ben, 0, "Ben's"), made(ben, 0, "Ben's too")
    item = found.items.get().repository.full_name

    assert len(client.get(f"/api/collections?owner={ben.username}").json()) == 2
    assert len(client.get(f"/api/collections?owner={ben.username}&owner={ada.username}").json()) == 3
    assert [row["title"] for row in client.get(f"/api/collections?item=models/{item}").json()] == ["Ada's"]
    first = client.get("/api/collections?limit=2&sort=lastModified")
    rest = client.get(first.headers["Link"].split(">")[0][1:])
    assert [row["title"] for row in first.json() + rest.json()] == ["Ben's too", "Ben's", "Ada's"]


@pytest.mark.parametrize("query", ["sort=nothing", "item=models", "item=papers/1", "limit=0", "cursor=x"])
def test_odd_questions_are_refused(client: Client, query: str):
    assert client.get(f"/api/collections?{query}").status_code == 400


def test_items_are_added_moved_noted_and_taken_out(client: Client):
    user = UserFactory()
    found = made(user)
    model, data = RepositoryFactory(), RepositoryFactory(dataset=True)
    other = made(user, title="Nested")

    for kind, name, note in (
        ("model", model.full_name, "This is my model"),
        ("dataset", data.full_name, None),
        ("collection", other.slug, None),
    ):
        body = {"item": {"type": kind, "id": name}} | ({"note": note} if note else {})
        assert send(client, "POST", f"/{found.slug}/items", user, body).status_code == 200
    items = client.get(f"/api/collections/{found.slug}").json()["items"]
    assert [(item["type"], item.get("slug") or item["id"]) for item in items] == [
        ("model", model.full_name),
        ("dataset", data.full_name),
        ("collection", other.slug),
    ]
    assert items[0]["note"] == {"text": "This is my model"}
    assert "note" not in items[1]

    address = f"/{found.slug}/items/{items[0]['_id']}"
    assert send(client, "PATCH", address, user, {"note": "New note", "position": 1}).status_code == 200
    items = client.get(f"/api/collections/{found.slug}").json()["items"]
    assert [item["position"] for item in items] == [0, 1, 2]
    assert (items[0]["id"], items[1]["note"]["text"]) == (data.full_name, "New note")

    assert send(client, "DELETE", address, user).status_code == 200
    assert send(client, "DELETE", address, user).status_code == 404


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({"type": "dataset", "id": "{model}"}, 404),
        ({"type": "model", "id": "nothing"}, 404),
        ({"type": "paper", "id": "2307.09288"}, 400),
        ({"type": "bucket", "id": "a/b"}, 400),
        ({"type": "collection", "id": "ada/none-" + "0" * 24}, 404),
        ({"type": "model"}, 400),
        ({"type": 1, "id": 2}, 400),
        ("model", 400),
        (None, 400),
    ],
)
def test_what_cannot_be_collected_is_told(client: Client, item: Any, status: int):
    user = UserFactory()
    if isinstance(item, dict) and item.get("id") == "{model}":
        item = item | {"id": RepositoryFactory().full_name}

    assert send(client, "POST", f"/{made(user).slug}/items", user, {"item": item}).status_code == status


def test_a_second_time_is_a_conflict(client: Client):
    user = UserFactory()
    found = made(user, 1)
    body = {"item": {"type": "model", "id": found.items.get().repository.full_name}}

    assert send(client, "POST", f"/{found.slug}/items", user, body).status_code == 409


def test_private_items_are_left_out_for_others(client: Client):
    user = UserFactory()
    found = made(user, 1)
    services.add_item(collection=found, user=user, repository=RepositoryFactory(user=user, private=True))

    def shown(**more: Any) -> tuple[int, int]:
        whole = client.get(f"/api/collections/{found.slug}", **more).json()
        (listed,) = client.get("/api/collections", **more).json()
        return len(whole["items"]), len(listed["items"])

    assert shown() == (1, 1)
    assert shown(headers=bearer(user)) == (2, 2)


def test_deleting_is_final(client: Client):
    user = UserFactory()
    found = made(user, 1)

    assert send(client, "DELETE", f"/{found.slug}", user).status_code == 204
    assert send(client, "DELETE", f"/{found.slug}", user).status_code == 404


@pytest.mark.parametrize("body", [{"title": ""}, {"title": 5}, {"theme": "neon"}, {"position": "x"}, {"title": "a\0"}])
def test_odd_changes_are_refused(client: Client, body: Any):
    user = UserFactory()

    assert send(client, "PATCH", f"/{made(user).slug}", user, body).status_code == 400


def test_a_collection_of_an_organisation_needs_a_role_there(client: Client):
    organisation = OrganisationFactory()

    def status(user: User) -> int:
        return int(send(client, "POST", "", user, {"title": "Ours", "namespace": organisation.name}).status_code)

    assert status(UserFactory()) == 403
    assert status(organisation.members.get()) == 200


def test_a_token_that_reads_changes_nothing(client: Client):
    user = UserFactory()
    found = made(user)

    answer = client.delete(f"/api/collections/{found.slug}", headers=bearer(user, Scope.READ))

    assert answer.status_code == 403
    assert Collection.objects.filter(pk=found.pk).exists()
