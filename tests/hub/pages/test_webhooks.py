import pytest

from hub.core.secrets import unseal
from models_registry.models import Webhook, WebhookDelivery
from models_registry.services.deliveries import SEAL
from models_registry.services.webhooks import Watch, create_webhook, ping_webhook
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
GIVEN = {"url": "https://hook.invalid/x", "watched": "user ada\nmodel ada/tides\n", "domains": ["repo"], "secret": "s3"}


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def hook(user):
    return create_webhook(user=user, url=GIVEN["url"], watched=[Watch("user", "ada")], secret="s3cret")


def test_a_webhook_is_made_with_a_form(client, user) -> None:
    assert "No webhook yet" in client.get("/settings/webhooks").content.decode()

    answer = client.post("/settings/webhooks/new", GIVEN)

    made = Webhook.objects.get()
    assert answer["Location"] == f"/settings/webhooks/{made.public_id}"
    assert list(made.watches.values_list("kind", "name")) == [("user", "ada"), ("model", "ada/tides")]
    assert (made.domains, unseal(made.sealed_secret, purpose=SEAL)) == (["repo"], "s3")
    assert GIVEN["url"] in client.get("/settings/webhooks").content.decode()


@pytest.mark.parametrize(
    "changes", [{"url": "http://127.0.0.1/"}, {"url": ""}, {"watched": "ada"}, {"watched": ""}, {"domains": []}]
)
def test_a_faulty_form_comes_back_with_the_reason(client, user, changes) -> None:
    answer = client.post("/settings/webhooks/new", GIVEN | changes)

    assert answer.status_code == 400
    assert not Webhook.objects.exists()


def test_the_secret_is_kept_changed_or_taken_away_and_never_shown(client, hook) -> None:
    address = f"/settings/webhooks/{hook.public_id}"
    assert "s3cret" not in client.get(address).content.decode()

    for given, secret in (({"secret": ""}, "s3cret"), ({"secret": "new"}, "new"), ({"forget_secret": "on"}, "")):
        assert client.post(address, GIVEN | {"secret": ""} | given).status_code == 302
        hook.refresh_from_db()
        assert (unseal(hook.sealed_secret, purpose=SEAL) if hook.sealed_secret else "") == secret


def test_buttons_switch_ping_and_delete(client, hook) -> None:
    address = f"/settings/webhooks/{hook.public_id}/act"

    client.post(address, {"do": "ping"})
    assert WebhookDelivery.objects.get().action == "ping"
    client.post(address, {"do": "disable"})
    client.post(address, {"do": "ping"})
    assert WebhookDelivery.objects.count() == 1
    hook.refresh_from_db()
    assert hook.disabled
    client.post(address, {"do": "enable"})
    hook.refresh_from_db()
    assert not hook.disabled
    assert client.post(address, {"do": "delete"})["Location"] == "/settings/webhooks"
    assert not Webhook.objects.exists()


def test_the_log_shows_messages_by_state_and_sends_them_again(client, hook) -> None:
    ping = ping_webhook(user=hook.owner, public_id=hook.public_id)
    WebhookDelivery.objects.update(state="failed", status=500, response="<b>no</b>", error="It broke.")
    address = f"/settings/webhooks/{hook.public_id}"

    assert "webhook ping" in client.get(f"{address}?state=failed").content.decode()
    assert "webhook ping" not in client.get(f"{address}?state=delivered").content.decode()
    shown = client.get(f"{address}/deliveries/{ping.pk}").content.decode()
    assert "&lt;b&gt;no&lt;/b&gt;" in shown
    assert "It broke." in shown
    client.post(f"{address}/deliveries/{ping.pk}")
    assert WebhookDelivery.objects.filter(state="waiting").count() == 1


def test_a_webhook_that_the_hub_switched_off_says_so(client, hook) -> None:
    Webhook.objects.update(disabled=True, disabled_because="10 messages in a row could not be delivered.")

    assert "10 messages in a row" in client.get(f"/settings/webhooks/{hook.public_id}").content.decode()
    assert "switched off by the hub" in client.get("/settings/webhooks").content.decode()


def test_messages_of_another_webhook_are_not_there(client, hook) -> None:
    other = create_webhook(user=UserFactory(), url=GIVEN["url"], watched=[Watch("user", "ada")])
    ping = ping_webhook(user=other.owner, public_id=other.public_id)

    assert client.get(f"/settings/webhooks/{hook.public_id}/deliveries/{ping.pk}").status_code == 404
    assert client.get(f"/settings/webhooks/{other.public_id}").status_code == 404


def test_pages_cost_a_constant_number_of_queries(client, hook, django_assert_max_num_queries) -> None:
    for _ in range(8):
        ping_webhook(user=hook.owner, public_id=hook.public_id)
        create_webhook(user=hook.owner, url=GIVEN["url"], watched=[Watch("user", "ada")])

    with django_assert_max_num_queries(8):
        client.get("/settings/webhooks")
    with django_assert_max_num_queries(8):
        client.get(f"/settings/webhooks/{hook.public_id}")
