"""The page of access tokens: plain choices, boxes by place, rotation, revocation."""

import re

import pytest
from django.test import Client

from accounts.models import AccessToken, Role, Scope
from accounts.services import answer_device, ask_device, create_token, find_device, redeem_device
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
PLAIN = {"name": "laptop", "scope": "read", "expires_days": "90"}
FINE = PLAIN | {"scope": "fineGrained"}


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def value_in(answer) -> str:
    return re.search(r"hf_[A-Za-z0-9]{34}", answer.content.decode())[0]


def status(value: str, address: str, method: str = "get") -> int:
    return getattr(Client(), method)(address, headers={"Authorization": f"Bearer {value}"}).status_code


def test_strangers_are_asked_to_sign_in(client):
    assert "/login" in client.get("/settings/tokens").url


def test_a_plain_token_is_shown_once(client):
    user = UserFactory()
    client = signed_in(user)

    value = value_in(client.post("/settings/tokens", PLAIN))

    assert value not in client.get("/settings/tokens").content.decode()
    assert status(value, "/api/whoami-v2") == 200


@pytest.mark.parametrize("days", ["7", "30", "90", "365", ""])
def test_it_ends_when_it_was_told_to(days):
    user = UserFactory()

    signed_in(user).post("/settings/tokens", PLAIN | {"expires_days": days})

    token = AccessToken.objects.get()
    assert (token.expires_at is None) is (days == "")
    if days:
        assert round((token.expires_at - token.created_at).total_seconds() / 86400) == int(days)


def test_a_fine_grained_token_opens_what_was_ticked_and_no_more():
    user = UserFactory()
    mine = RepositoryFactory(user=user, private=True)
    other = RepositoryFactory(user=user, private=True)

    answer = signed_in(user).post(
        "/settings/tokens", FINE | {"single_0": mine.full_name, "single_0_rights": ["read"], "everywhere": ["gated"]}
    )

    value = value_in(answer)
    assert status(value, f"/api/models/{mine.full_name}") == 200
    assert status(value, f"/api/models/{other.full_name}") == 404
    page = answer.content.decode()
    assert f"in {mine.full_name}" in page
    assert "in everywhere" in page


def test_a_whole_namespace_can_be_ticked():
    organisation = OrganisationFactory()
    writer = member(organisation, Role.WRITE)
    place = organisation.namespace
    secret = RepositoryFactory(
        user=organisation.members.exclude(pk=writer.pk).get(), namespace=place.name, private=True
    )

    value = value_in(signed_in(writer).post("/settings/tokens", FINE | {f"place_{place.pk}": ["write"]}))

    assert status(value, f"/api/models/{secret.full_name}") == 200
    said = Client().get("/api/whoami-v2", headers={"Authorization": f"Bearer {value}"}).json()["auth"]["accessToken"]
    assert said["role"] == "fineGrained"
    assert said["fineGrained"]["scoped"] == [
        {
            "entity": {"_id": f"{place.pk:024x}", "type": "org", "name": place.name},
            "permissions": ["repo.content.read", "repo.write"],
        }
    ]


@pytest.mark.parametrize(
    ("name", "found"), [("datasets/{name}", True), ("{name}", False), ("papers/{name}", False), ("x", False)]
)
def test_a_data_set_is_named_with_its_prefix(name: str, found: bool):
    user = UserFactory()
    data = RepositoryFactory(user=user, dataset=True)

    answer = signed_in(user).post(
        "/settings/tokens", FINE | {"single_1": name.format(name=data.full_name), "single_1_rights": ["read"]}
    )

    assert (answer.status_code == 200) is found
    assert AccessToken.objects.exists() is found


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"single_0": "nobody/nothing", "single_0_rights": ["read"]},
        {"single_0": "{secret}", "single_0_rights": ["read"]},
        {"single_0": "{own}"},
        {"everywhere": ["read"]},
        {"everywhere": ["everything"]},
        {"single_0": "", "single_0_rights": ["write"]},
    ],
)
def test_boxes_that_make_no_sense_are_told(fields):
    user = UserFactory()
    parts = {
        "secret": RepositoryFactory(private=True).full_name,
        "own": RepositoryFactory(user=user, private=True).full_name,
    }
    sent = {key: value.format(**parts) if isinstance(value, str) else value for key, value in fields.items()}

    answer = signed_in(user).post("/settings/tokens", FINE | sent)

    assert answer.status_code == 400
    assert not AccessToken.objects.exists()


def test_nobody_ticks_places_of_others():
    user, stranger = UserFactory(), UserFactory()

    answer = signed_in(user).post("/settings/tokens", FINE | {f"place_{stranger.namespace.pk}": ["administer"]})

    assert answer.status_code == 400


def test_rotation_lets_the_old_value_live_as_long_as_was_said():
    user = UserFactory()
    token, old = create_token(user=user, name="ci", scope=Scope.READ)

    new = value_in(signed_in(user).post(f"/settings/tokens/{token.pk}/rotate", {"grace": "24"}))

    assert [status(value, "/api/whoami-v2") for value in (old, new)] == [200, 200]
    newer = value_in(signed_in(user).post(f"/settings/tokens/{token.pk}/rotate", {"grace": "0"}))
    assert [status(value, "/api/whoami-v2") for value in (old, new, newer)] == [401, 401, 200]


@pytest.mark.parametrize("grace", ["", "x", "9999", "-1"])
def test_an_odd_grace_is_none(grace):
    user = UserFactory()
    token, old = create_token(user=user, name="ci", scope=Scope.READ)

    signed_in(user).post(f"/settings/tokens/{token.pk}/rotate", {"grace": grace})

    assert status(old, "/api/whoami-v2") == 401


def test_a_token_that_renews_itself_is_not_rotated_by_hand():
    user = UserFactory()
    asked = ask_device(client_id="hf", scope=Scope.READ, agent="", address="")
    device = find_device(user=user, user_code=asked.user_code, address="")
    answer_device(device=device, user=user, approve=True, scope=Scope.READ)
    given = redeem_device(device_code=asked.device_code, client_id="hf")

    answer = signed_in(user).post(f"/settings/tokens/{given.token.pk}/rotate", follow=True)

    assert b"is renewed by the program" in answer.content
    assert status(given.value, "/api/whoami-v2") == 200


@pytest.mark.parametrize("what", ["revoke", "rotate"])
def test_nobody_changes_the_tokens_of_others(what):
    token, value = create_token(user=UserFactory(), name="ci", scope=Scope.READ)

    assert signed_in(UserFactory()).post(f"/settings/tokens/{token.pk}/{what}").status_code == 404
    assert status(value, "/api/whoami-v2") == 200


def test_a_revoked_token_opens_nothing_at_once():
    user = UserFactory()
    token, value = create_token(user=user, name="ci", scope=Scope.READ)

    signed_in(user).post(f"/settings/tokens/{token.pk}/revoke")

    assert status(value, "/api/whoami-v2") == 401


def test_the_list_costs_the_same_queries_however_long(django_assert_max_num_queries):
    user = UserFactory()
    client = signed_in(user)
    for number in range(4):
        repository = RepositoryFactory(user=user)
        fields = {"name": f"t{number}", "single_0": repository.full_name, "single_0_rights": ["read"]}
        client.post("/settings/tokens", FINE | fields)

    with django_assert_max_num_queries(10):
        assert client.get("/settings/tokens").content.decode().count("t3") >= 1
