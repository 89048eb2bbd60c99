"""Tokens at the door: which request is whose, and which is refused with the words that clients look for."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Scope
from tests.factories.accounts import UserFactory, bearer, token
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

WRONG = "hf_" + "z" * 34
BAD_CREDENTIALS = "Invalid credentials in Authorization header"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def who(client: Client, headers: dict[str, str]) -> str:
    return client.get("/api/whoami-v2", headers=headers).json().get("name", "")


def test_a_bearer_token_says_who_asks(client: Client):
    ada = UserFactory(username="ada")

    assert who(client, bearer(ada)) == "ada"


@pytest.mark.parametrize("spelling", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_spelled_in_any_case(client: Client, spelling: str):
    value = token(UserFactory(username="ada"))

    assert who(client, {"Authorization": f"{spelling} {value}"}) == "ada"


@pytest.mark.parametrize("name", ["ada", "", "x-access-token"])
def test_git_sends_the_token_as_a_password(client: Client, name: str):
    value = token(UserFactory(username="ada"))

    assert who(client, basic(name, value)) == "ada"


def test_git_lfs_may_send_it_as_the_name(client: Client):
    value = token(UserFactory(username="ada"))

    assert who(client, basic(value, "")) == "ada"


def test_her_password_is_not_a_token(client: Client):
    UserFactory(username="ada", password="correct horse")

    assert client.get("/api/whoami-v2", headers=basic("ada", "correct horse")).status_code == 401


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/api/whoami-v2", "Invalid username or password."),
        ("/api/models", BAD_CREDENTIALS),
        ("/api/models/ada/tiny", BAD_CREDENTIALS),
        ("/models", BAD_CREDENTIALS),
        ("/ada/tiny/resolve/main/config.json", BAD_CREDENTIALS),
    ],
)
@pytest.mark.parametrize(
    "header",
    [f"Bearer {WRONG}", "Bearer", "Bearer ", "Basic !!!", "Basic /w==", "Digest x", f"Token {WRONG}", "x"],
)
def test_a_wrong_token_is_refused_everywhere_in_the_words_of_the_wire(
    client: Client, address: str, message: str, header: str
):
    answer = client.get(address, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer["X-Error-Message"] == message
    assert answer.json()["error"] == message
    assert not answer.has_header("X-Error-Code")


def test_nobody_asking_who_she_is_hears_401(client: Client):
    answer = client.get("/api/whoami-v2")

    assert answer.status_code == 401
    assert answer["X-Error-Message"] == "Invalid username or password."


def test_an_expired_token_is_a_wrong_token(client: Client):
    value = token(UserFactory(), expires_at=timezone.now() - timedelta(seconds=1))

    answer = client.get("/api/models", headers={"Authorization": f"Bearer {value}"})

    assert answer.status_code == 401
    assert answer["X-Error-Message"] == BAD_CREDENTIALS


def test_a_wrong_token_is_refused_even_beside_a_good_session(client: Client):
    client.force_login(UserFactory())

    assert client.get("/api/models", headers={"Authorization": f"Bearer {WRONG}"}).status_code == 401


def test_the_token_decides_over_the_session(client: Client):
    client.force_login(UserFactory(username="ben"))

    assert who(client, bearer(UserFactory(username="ada"))) == "ada"


def test_a_token_in_the_address_is_no_token(client: Client):
    value = token(UserFactory())

    assert client.get(f"/api/whoami-v2?token={value}&access_token={value}").status_code == 401


def test_a_narrow_token_does_not_narrow_the_next_request(client: Client):
    ada = UserFactory(username="ada")
    assert (
        client.post(
            "/api/repos/create", {"name": "one"}, "application/json", headers=bearer(ada, Scope.READ)
        ).status_code
        == 403
    )
    assert client.post("/api/repos/create", {"name": "one"}, "application/json", headers=bearer(ada)).status_code == 200


def test_a_read_token_reads_private_repositories_and_writes_none(client: Client):
    repository = RepositoryFactory(private=True)
    address = f"/api/models/{repository.full_name}"
    headers = bearer(repository.creator, Scope.READ)

    assert client.get(address, headers=headers).status_code == 200
    refused = client.put(f"{address}/settings", {"visibility": "public"}, "application/json", headers=headers)
    assert refused.status_code == 403
    assert refused.json()["code"] == "scope_too_small"
    repository.refresh_from_db()
    assert repository.is_private


# ── Cross-site requests: a cookie goes along unasked, a header does not ──────────────────────────
UNSAFE = [
    ("post", "/api/repos/create", {"name": "one"}),
    ("delete", "/api/repos/delete", {"name": "one"}),
]


@pytest.mark.parametrize(("method", "address", "body"), UNSAFE)
def test_a_session_without_the_secret_is_refused_on_the_wire(method: str, address: str, body: dict[str, str]):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(UserFactory())

    answer = getattr(strict, method)(address, body, content_type="application/json")

    assert answer.status_code == 403
    assert answer.json()["error"]


@pytest.mark.parametrize(("method", "address", "body"), UNSAFE)
def test_nobody_hears_401_and_not_a_word_about_forms(method: str, address: str, body: dict[str, str]):
    strict = Client(enforce_csrf_checks=True)

    assert getattr(strict, method)(address, body, content_type="application/json").status_code == 401


def test_a_session_with_the_secret_may_write():
    strict = Client(enforce_csrf_checks=True)
    ada = UserFactory(username="ada")
    strict.force_login(ada)
    strict.get("/settings/tokens")  # A page with a form sets the cookie.
    secret = strict.cookies["csrftoken"].value

    answer = strict.post(
        "/api/repos/create", {"name": "one"}, content_type="application/json", headers={"X-CSRFToken": secret}
    )

    assert answer.status_code == 200


def test_a_stranger_of_the_site_cannot_sign_somebody_in():
    strict = Client(enforce_csrf_checks=True)
    UserFactory(username="ada", password="correct horse")

    answer = strict.post("/login", {"username": "ada", "password": "correct horse"})

    assert answer.status_code == 403
    assert "_auth_user_id" not in strict.session


@pytest.mark.parametrize("address", ["/logout", "/settings/tokens/1/revoke"])
def test_nothing_changes_by_a_get(client: Client, address: str):
    client.force_login(UserFactory())

    assert client.get(address).status_code == 405
    assert client.get("/settings/profile").status_code == 200
