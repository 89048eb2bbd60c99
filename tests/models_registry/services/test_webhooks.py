import io

import pytest
from django.core import serializers
from django.core.management import call_command

from accounts.exceptions import ScopeTooSmall
from accounts.models import Scope
from hub.core.secrets import unseal
from models_registry.exceptions import InvalidWebhook, TooManyWebhooks, WebhookNotFound
from models_registry.models import Webhook, WebhookDelivery
from models_registry.services import webhooks
from models_registry.services.webhooks import (
    Watch,
    create_webhook,
    delete_webhook,
    ping_webhook,
    redeliver,
    switch_webhook,
    update_webhook,
)
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
URL = "https://hook.invalid/x"
WATCHED = [Watch("user", "julien-c"), Watch("org", "HuggingFaceH4")]


def made(user=None, **changes) -> Webhook:
    return create_webhook(**({"user": user or UserFactory(), "url": URL, "watched": WATCHED} | changes))


def test_names_need_not_exist_and_are_kept_as_typed() -> None:
    hook = made()

    assert list(hook.watches.values_list("kind", "name", "key")) == [
        ("user", "julien-c", "julien-c"),
        ("org", "HuggingFaceH4", "huggingfaceh4"),
    ]


def test_what_is_hidden_is_written_as_what_is_missing() -> None:
    private, own = RepositoryFactory(private=True), RepositoryFactory(private=True)
    user = own.creator

    hook = made(user, watched=[Watch("model", private.full_name), Watch("model", own.full_name)])

    assert [watch.repository for watch in hook.watches.all()] == [None, own]


def test_the_secret_is_sealed_and_no_dump_shows_it() -> None:
    hook = made(secret="canary-s3cret")

    dump = io.StringIO()
    call_command("dumpdata", "models_registry", stdout=dump)
    assert "canary-s3cret" not in dump.getvalue()
    assert "canary-s3cret" not in serializers.serialize("json", [hook])
    assert unseal(hook.sealed_secret, purpose=webhooks.SEAL) == "canary-s3cret"


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1/"},
        {"url": "http://169.254.169.254/latest"},
        {"url": "http://localhost/"},
        {"url": "http://[::1]/"},
        {"url": "https://hook.invalid:8443/"},
        {"url": "ftp://hook.invalid/"},
        {"url": ""},
        {"watched": []},
        {"watched": [Watch("bucket", "a/b")]},
        {"watched": [Watch("model", "only-a-name")]},
        {"watched": [Watch("user", "a/b")]},
        {"watched": [Watch("user", "a b")]},
        {"watched": [Watch("user", "")]},
        {"watched": [Watch("user", f"name-{number}") for number in range(101)]},
        {"domains": []},
        {"domains": ["repo", "stars"]},
        {"secret": "two words"},
        {"secret": "line\nbreak"},
        {"secret": "Gezeiten-Grüße"},
        {"secret": "x" * 201},
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_written(changes) -> None:
    with pytest.raises(InvalidWebhook):
        made(**changes)

    assert not Webhook.objects.exists()


def test_the_same_name_twice_is_one_watch() -> None:
    hook = made(watched=[Watch("user", "Ada"), Watch("user", "ada"), Watch("org", "ada")])

    assert hook.watches.count() == 2


def test_an_update_changes_what_it_names() -> None:
    hook = made(secret="first")
    sealed = hook.sealed_secret

    changed = update_webhook(user=hook.owner, public_id=hook.public_id, url="https://other.invalid/", domains=["repo"])
    assert (changed.url, changed.domains, changed.sealed_secret) == ("https://other.invalid/", ["repo"], sealed)
    assert changed.watches.count() == 2

    changed = update_webhook(user=hook.owner, public_id=hook.public_id, watched=[Watch("user", "ada")], secret="")
    assert (changed.sealed_secret, changed.watches.count()) == ("", 1)


def test_switching_on_gives_a_clean_slate() -> None:
    hook = made()
    Webhook.objects.update(disabled=True, disabled_because="Many failures", failures=10)

    on = switch_webhook(user=hook.owner, public_id=hook.public_id, disabled=False)
    assert (on.disabled, on.disabled_because, on.failures) == (False, "", 0)
    assert switch_webhook(user=hook.owner, public_id=hook.public_id, disabled=True).disabled


def test_a_ping_and_a_message_again_are_messages_of_their_own() -> None:
    hook = made()
    ping = ping_webhook(user=hook.owner, public_id=hook.public_id)
    again = redeliver(user=hook.owner, public_id=hook.public_id, delivery_id=ping.pk)

    assert ping.payload["event"] == {"action": "ping", "scope": "webhook"}
    assert again.payload == ping.payload
    assert again.public_id != ping.public_id


def test_everything_is_for_its_owner_alone() -> None:
    hook, other = made(), made()
    delivery = ping_webhook(user=hook.owner, public_id=hook.public_id)
    stranger = other.owner
    for attempt in (
        lambda: update_webhook(user=stranger, public_id=hook.public_id, url=URL),
        lambda: switch_webhook(user=stranger, public_id=hook.public_id, disabled=True),
        lambda: delete_webhook(user=stranger, public_id=hook.public_id),
        lambda: ping_webhook(user=stranger, public_id=hook.public_id),
        lambda: redeliver(user=stranger, public_id=other.public_id, delivery_id=delivery.pk),
    ):
        with pytest.raises(WebhookNotFound):
            attempt()
    assert Webhook.objects.count() == 2


def test_deleting_takes_the_log_along() -> None:
    hook = made()
    ping_webhook(user=hook.owner, public_id=hook.public_id)

    delete_webhook(user=hook.owner, public_id=hook.public_id)

    assert not WebhookDelivery.objects.exists()


def test_a_person_has_only_so_many(monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "MAX_WEBHOOKS", 1)
    first = made()

    with pytest.raises(TooManyWebhooks):
        made(first.owner)


def test_a_reading_token_changes_nothing() -> None:
    hook = made()
    hook.owner.scope = Scope.READ

    with pytest.raises(ScopeTooSmall):
        delete_webhook(user=hook.owner, public_id=hook.public_id)
