"""The device flow by the wire (E02): the words that clients act on."""

import json

import pytest
from django.test import Client

from accounts import services
from accounts.models import AccessToken, DeviceSignIn, Scope
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def poll(client: Client, device_code: str) -> tuple[int, dict]:
    answer = client.post("/oauth/token", {"grant_type": GRANT, "device_code": device_code, "client_id": "hf"})
    return answer.status_code, answer.json()


def test_the_whole_way(client: Client):
    said = client.post("/oauth/device", {"client_id": "hf"}).json()
    assert said["verification_uri"] == "http://testserver/login/device"
    assert said["verification_uri_complete"] == f"http://testserver/login/device?user_code={said['user_code']}"
    assert (said["expires_in"], said["interval"]) == (900, 5)
    assert poll(client, said["device_code"]) == (
        400,
        {"error": "authorization_pending", "error_description": "Nobody has answered yet."},
    )
    assert poll(client, said["device_code"])[1]["error"] == "slow_down"

    user = UserFactory()
    browser = Client()
    browser.force_login(user)
    page = browser.get(said["verification_uri_complete"])
    assert said["user_code"] in page.content.decode()
    answer = browser.post("/login/device", {"user_code": said["user_code"], "answer": "approve", "scope": "write"})
    assert answer.url == "/settings/tokens"

    status, given = poll(client, said["device_code"])
    assert (status, given["token_type"]) == (200, "bearer")
    me = client.get("/api/whoami-v2", headers={"Authorization": f"Bearer {given['access_token']}"}).json()
    assert me["name"] == user.username
    assert me["auth"]["accessToken"]["displayName"].startswith("browser sign-in")
    renewed = client.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]})
    assert renewed.json()["access_token"] != given["access_token"]
    assert poll(client, said["device_code"])[1]["error"] == "invalid_grant"


def test_a_refusal_in_the_browser_is_told(client: Client):
    said = client.post("/oauth/device", {"client_id": "hf"}).json()
    browser = Client()
    browser.force_login(UserFactory())

    browser.post("/login/device", {"user_code": said["user_code"], "answer": "deny"})

    assert poll(client, said["device_code"])[1]["error"] == "access_denied"
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("scope", "asked"), [("", "write"), ("read-repos", "read"), ("openid read-repos write-repos", "write")]
)
def test_what_a_program_asks_for_is_chosen_beforehand(client: Client, scope: str, asked: str):
    client.post("/oauth/device", {"client_id": "hf", "scope": scope})

    assert DeviceSignIn.objects.get().scope == asked


def test_she_may_give_less_than_was_asked(client: Client):
    said = client.post("/oauth/device", {"client_id": "hf"}).json()
    client.force_login(UserFactory())

    client.post("/login/device", {"user_code": said["user_code"], "answer": "approve", "scope": "read"})

    poll(client, said["device_code"])
    assert AccessToken.objects.get().scope == Scope.READ


@pytest.mark.parametrize("scope", ["admin", "fineGrained", ""])
def test_more_than_writing_is_never_given(client: Client, scope: str):
    said = client.post("/oauth/device", {"client_id": "hf"}).json()
    client.force_login(UserFactory())

    answer = client.post("/login/device", {"user_code": said["user_code"], "answer": "approve", "scope": scope})

    assert answer.status_code == 400
    assert DeviceSignIn.objects.get().state == "pending"


def test_a_look_at_the_page_decides_nothing(client: Client):
    said = client.post("/oauth/device", {"client_id": "hf"}).json()
    client.force_login(UserFactory())

    client.get(f"/login/device?user_code={said['user_code']}&answer=approve&scope=write")

    assert DeviceSignIn.objects.get().state == "pending"


def test_another_site_cannot_answer_for_her():
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(UserFactory())
    said = Client().post("/oauth/device", {"client_id": "hf"}).json()

    answer = browser.post("/login/device", {"user_code": said["user_code"], "answer": "approve", "scope": "write"})

    assert answer.status_code == 403
    assert DeviceSignIn.objects.get().state == "pending"


def test_strangers_sign_in_first_and_come_back(client: Client):
    answer = client.get("/login/device?user_code=BCDF-GHJK")

    assert answer.url == "/login?next=/login/device%3Fuser_code%3DBCDF-GHJK"


@pytest.mark.parametrize(("code", "words"), [("BCDF-GHJK", b"No program waits"), ("abc", b"eight letters")])
def test_wrong_codes_are_told_at_the_field(client: Client, code: str, words: bytes):
    client.force_login(UserFactory())

    answer = client.post("/login/device", {"user_code": code})

    assert answer.status_code == 400
    assert words in answer.content


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "invalid_request"),
        ({"grant_type": GRANT, "client_id": "hf"}, "invalid_request"),
        ({"grant_type": GRANT, "client_id": "hf", "device_code": "none"}, "invalid_grant"),
        ({"grant_type": GRANT, "client_id": "hf", "device_code": "x" * 3000}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "none"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "a\0"}, "invalid_request"),
    ],
)
def test_odd_questions_are_refused_in_oauths_words(client: Client, fields: dict, word: str):
    answer = client.post("/oauth/token", fields)

    assert (answer.status_code, answer.json()["error"]) == (400, word)


@pytest.mark.parametrize("body", ["[]", "{", "{}", '{"client_id": 5}'])
def test_odd_bodies_are_refused(client: Client, body: str):
    answer = client.post("/oauth/device", body, content_type="application/json")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_token_exchange_is_not_done_here(client: Client):
    body = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "x"}

    answer = client.post("/oauth/token", json.dumps(body), content_type="application/json")

    assert (answer.status_code, answer.json()["error"]) == (501, "unsupported_grant_type")


def test_too_many_programs_are_asked_to_wait(client: Client):
    for _ in range(20):
        client.post("/oauth/device", {"client_id": "hf"})

    answer = client.post("/oauth/device", {"client_id": "hf"})

    assert (answer.status_code, answer.json()["error"]) == (429, "slow_down")
    assert answer.headers["Retry-After"] == "900"


def test_no_token_opens_the_page_that_makes_one(client: Client):
    _, value = services.create_token(user=UserFactory(), name="x", scope=Scope.READ)

    answer = client.get("/login/device", headers={"Authorization": f"Bearer {value}"})

    assert answer.status_code == 403
