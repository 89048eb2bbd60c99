import pytest
from django.test import Client, override_settings

from accounts.models import Scope
from models_registry.models import Attachment
from models_registry.services import discussions
from models_registry.services.attachments import MAX_BYTES
from tests.factories.accounts import UserFactory, bearer
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n" + b"\0" * 20,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 20,
    "image/gif": b"GIF89a" + b"\0" * 20,
    "image/webp": b"RIFF\0\0\0\0WEBP" + b"\0" * 20,
}


def sent(user, body: bytes, **headers: str):
    return Client().generic("POST", "/uploads", body, content_type="image/png", headers=bearer(user) | headers)


def shown(address: str, user=None):
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.get(address[address.index("/uploads/") :])


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_what_its_bytes_say_and_can_do_nothing(kind: str):
    user = UserFactory()

    answer = sent(user, PICTURES[kind])
    picture = shown(answer.content.decode(), user)

    assert answer.status_code == 200
    assert picture.content == PICTURES[kind]
    assert picture["Content-Type"] == kind
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert picture["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    "body", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<script>1</script>", b"%PDF-1.4", b"RIFF\0\0\0\0WAVE"]
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(body: bytes):
    answer = sent(UserFactory(), body)

    assert (answer.status_code, answer.json()["code"]) == (415, "not_a_picture")
    assert not Attachment.objects.exists()


def test_pictures_have_a_limit():
    answer = sent(UserFactory(), PICTURES["image/png"] + b"\0" * MAX_BYTES)

    assert answer.status_code == 413


def test_strangers_and_reading_tokens_send_nothing():
    assert Client().generic("POST", "/uploads", PICTURES["image/png"]).status_code == 401
    reading = Client().generic("POST", "/uploads", PICTURES["image/png"], headers=bearer(UserFactory(), Scope.READ))
    assert reading.status_code == 403


@override_settings(SMALLHUB_ATTACHMENTS_PER_HOUR=1)
def test_a_person_sends_so_many_in_an_hour():
    user = UserFactory()

    assert sent(user, PICTURES["image/png"]).status_code == 200
    refused = sent(user, PICTURES["image/png"])
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 3500


def test_a_picture_is_seen_by_its_sender_until_a_comment_of_hers_shows_it():
    owner, other = UserFactory(), UserFactory()
    private, public = RepositoryFactory(user=owner, private=True), RepositoryFactory()
    address = sent(owner, PICTURES["image/png"]).content.decode()

    assert shown(address, owner).status_code == 200
    assert shown(address, other).status_code == 404
    discussions.open_discussion(repository=private, user=owner, title="Mine", text=f"![x]({address})")
    assert shown(address, other).status_code == 404
    discussions.open_discussion(repository=public, user=other, title="Hers", text=f"![x]({address})")
    assert shown(address).status_code == 404
    discussions.open_discussion(repository=public, user=owner, title="Ours", text=f"![x]({address})")
    assert shown(address, other).status_code == 200
    assert shown(address).status_code == 200


def test_hidden_and_missing_pictures_look_alike():
    address = sent(UserFactory(), PICTURES["image/png"]).content.decode()

    hidden, missing = shown(address, UserFactory()), shown("/uploads/" + "0" * 32, UserFactory())

    assert (hidden.status_code, hidden.json()) == (missing.status_code, missing.json())
