import json

import pytest

from accounts.models import Scope
from models_registry.models import Webhook
from tests.factories.accounts import UserFactory, bearer

pytestmark = pytest.mark.django_db
ADDRESS = "/api/settings/webhooks"
BODY = {
    "url": "https://webhook.invalid/test",
    "watched": [{"type": "user", "name": "julien-c"}, {"type": "org", "name": "HuggingFaceH4"}],
    "domains": ["repo", "discussion"],
    "secret": "my-secret",
}


@pytest.fixture
def user():
    return UserFactory()


def send(client, user, address, body, method="post", scope=Scope.WRITE):
    return getattr(client, method)(
        address, json.dumps(body), content_type="application/json", headers=bearer(user, scope)
    )


@pytest.fixture
def hook(client, user):
    return send(client, user, ADDRESS, BODY).json()["webhook"]


def test_a_webhook_is_made_and_its_secret_said_back_once(client, user, hook) -> None:
    assert hook == {
        "id": Webhook.objects.get().public_id,
        "url": BODY["url"],
        "watched": BODY["watched"],
        "domains": BODY["domains"],
        "secret": "my-secret",
        "disabled": False,
        "job": None,
    }
    headers = bearer(user, Scope.READ)
    one = client.get(f"{ADDRESS}/{hook['id']}", headers=headers).json()
    assert one == {"webhook": hook | {"secret": None}}
    assert client.get(ADDRESS, headers=headers).json() == [hook | {"secret": None}]


def test_an_update_is_a_post(client, user, hook) -> None:
    answer = send(client, user, f"{ADDRESS}/{hook['id']}", {"url": "https://webhook.invalid/new"})

    assert answer.json()["webhook"] == hook | {"url": "https://webhook.invalid/new", "secret": None}


def test_a_webhook_is_switched_and_deleted(client, user, hook) -> None:
    address = f"{ADDRESS}/{hook['id']}"

    assert send(client, user, f"{address}/disable", {}).json()["webhook"]["disabled"] is True
    assert send(client, user, f"{address}/enable", {}).json()["webhook"]["disabled"] is False
    assert send(client, user, address, {}, method="delete").status_code == 200
    assert client.get(address, headers=bearer(user)).status_code == 404


def test_ids_of_others_are_not_there(client, hook) -> None:
    other = UserFactory()
    address = f"{ADDRESS}/{hook['id']}"

    assert client.get(ADDRESS, headers=bearer(other)).json() == []
    for method, path in (("post", ""), ("delete", ""), ("post", "/enable"), ("post", "/disable")):
        answer = send(client, other, address + path, {}, method=method)
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")


@pytest.mark.parametrize(
    "changes",
    [
        {"url": None},
        {"url": 7},
        {"url": "http://127.0.0.1/"},
        {"watched": None},
        {"watched": "user"},
        {"watched": ["user"]},
        {"watched": [{"type": "user"}]},
        {"watched": [{"type": 1, "name": "a"}]},
        {"watched": [{"type": "user", "name": "a\x00"}]},
        {"domains": "repo"},
        {"domains": [1]},
        {"domains": ["stars"]},
        {"secret": 7},
        {"secret": "a b"},
        {"url": None, "jobSourceId": "abc"},
    ],
)
def test_odd_bodies_are_refused(client, user, changes) -> None:
    answer = send(client, user, ADDRESS, BODY | changes)

    assert (answer.status_code, answer.json()["code"] in {"bad_body", "invalid_webhook"}) == (400, True)
    assert not Webhook.objects.exists()


def test_all_domains_are_meant_if_none_is_named(client, user) -> None:
    body = {key: value for key, value in BODY.items() if key != "domains"}

    assert send(client, user, ADDRESS, body).json()["webhook"]["domains"] == ["repo", "discussion"]


def test_a_reading_token_makes_none(client, user) -> None:
    assert send(client, user, ADDRESS, BODY, scope=Scope.READ).status_code == 403


def test_the_list_costs_a_constant_number_of_queries(client, user, django_assert_max_num_queries) -> None:
    for _ in range(5):
        send(client, user, ADDRESS, BODY)
    headers = bearer(user)

    with django_assert_max_num_queries(5):
        assert len(client.get(ADDRESS, headers=headers).json()) == 5
