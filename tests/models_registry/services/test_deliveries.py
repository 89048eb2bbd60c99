import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from hub.core.secrets import seal
from models_registry.models import Repository, Visibility, Webhook, WebhookDelivery, WebhookWatch
from models_registry.services import deliveries
from models_registry.services.events import note_event
from models_registry.signatures import DELIVERY, SECRET, SIGNATURE, TIMESTAMP, sign
from tests.factories.accounts import UserFactory
from tests.factories.receiver import receiving
from tests.factories.registry import RepositoryFactory
from tests.models_registry.services.test_events import watching

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State


@pytest.fixture
def receiver(settings):
    with receiving() as found:
        settings.SMALLHUB_WEBHOOK_ALLOW = found.allow
        yield found


@pytest.fixture
def hook(receiver):
    return Webhook.objects.create(
        owner=UserFactory(), url=receiver.url, sealed_secret=seal("s3cret", purpose=deliveries.SEAL)
    )


def written(hook: Webhook, **payload: object) -> WebhookDelivery:
    return deliveries.write(webhook=hook, action="update", scope="repo.content", payload=payload)


def tried(delivery: WebhookDelivery) -> WebhookDelivery:
    """After the next try, as if its time had come."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())
    deliveries.deliver(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    return delivery


def test_a_message_arrives_signed(hook, receiver) -> None:
    delivery = tried(written(hook, word="Grüße"))

    ((headers, body),) = receiver.taken
    assert json.loads(body) == {"word": "Grüße"}
    assert (headers[SECRET], headers["Content-Type"]) == ("s3cret", "application/json")
    expected = sign("s3cret", timestamp_s=int(headers[TIMESTAMP]), delivery=str(delivery.public_id), body=body)
    assert (headers[DELIVERY], headers[SIGNATURE]) == (str(delivery.public_id), expected)
    assert (delivery.state, delivery.status, delivery.response) == (State.DELIVERED, 200, "thank you")
    assert delivery.duration_ms is not None


def test_news_of_a_change_reaches_its_receiver(receiver) -> None:
    repository = RepositoryFactory()
    watching("model", repository.full_name, url=receiver.url)
    note_event(repository=repository, action="update", scope="repo.content")

    deliveries.deliver(delivery_id=WebhookDelivery.objects.get().pk)

    assert json.loads(receiver.taken[0][1])["repo"]["name"] == repository.full_name
    assert SECRET not in receiver.taken[0][0]


def test_a_message_that_arrived_is_not_sent_again(hook, receiver) -> None:
    delivery = tried(written(hook))
    tried(delivery)
    deliveries.deliver(delivery_id=delivery.pk)
    deliveries.deliver(delivery_id=2**40)

    assert len(receiver.taken) == 1


def test_a_message_is_tried_with_patience_then_given_up(hook, receiver) -> None:
    receiver.status = 500
    delivery = written(hook)
    pauses = []
    for _ in range(deliveries.MAX_ATTEMPTS):
        tried(delivery)
        pauses.append(round((delivery.next_try_at - timezone.now()).total_seconds(), -1))

    assert pauses[:-1] == list(deliveries.RETRY_AFTER_S)
    assert (delivery.state, delivery.attempt, delivery.status) == (State.FAILED, deliveries.MAX_ATTEMPTS, 500)
    assert len({headers[DELIVERY] for headers, _ in receiver.taken}) == 1
    hook.refresh_from_db()
    assert (hook.failures, hook.disabled) == (1, False)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 503])
def test_only_2xx_counts_as_arrived(hook, receiver, status) -> None:
    receiver.status = status

    delivery = tried(written(hook))

    assert (delivery.state, delivery.status) == (State.WAITING, status)


def test_what_cannot_be_reached_is_tried_again(hook, settings) -> None:
    hook.url = "http://127.0.0.1:9/"
    hook.save()
    settings.SMALLHUB_WEBHOOK_ALLOW = ["127.0.0.1:9"]

    delivery = tried(written(hook))

    assert (delivery.state, delivery.status) == (State.WAITING, None)
    assert delivery.error


def test_a_private_address_is_refused_for_good_when_it_is_sent(hook, receiver, settings) -> None:
    settings.SMALLHUB_WEBHOOK_ALLOW = []
    hook.url = "http://127.0.0.1/"
    hook.save()

    delivery = tried(written(hook))

    assert (delivery.state, receiver.taken) == (State.FAILED, [])
    assert "public internet" in delivery.error


def test_many_failures_in_a_row_switch_a_webhook_off_with_a_notice(hook, settings) -> None:
    settings.SMALLHUB_WEBHOOK_ALLOW = []
    waiting = [written(hook) for _ in range(deliveries.FAILURES_TO_DISABLE + 1)]
    for delivery in waiting:
        tried(delivery)

    hook.refresh_from_db()
    assert (hook.disabled, hook.failures) == (True, deliveries.FAILURES_TO_DISABLE)
    assert str(deliveries.FAILURES_TO_DISABLE) in hook.disabled_because
    assert waiting[-1].state == State.DROPPED


def test_an_arrival_clears_the_count_of_failures(hook, receiver) -> None:
    Webhook.objects.update(failures=9)

    tried(written(hook))

    hook.refresh_from_db()
    assert hook.failures == 0


def test_a_thousand_messages_a_day_and_no_more(hook, receiver) -> None:
    today = timezone.now().date()
    Webhook.objects.update(day=today, sent_that_day=deliveries.DAILY_LIMIT - 1)

    assert tried(written(hook)).state == State.DELIVERED
    assert tried(written(hook)).state == State.DROPPED
    Webhook.objects.update(day=today - timedelta(days=1))
    assert tried(written(hook)).state == State.DELIVERED
    hook.refresh_from_db()
    assert (hook.day, hook.sent_that_day) == (today, 1)


def test_later_tries_do_not_count(hook, receiver) -> None:
    receiver.status = 500
    delivery = tried(written(hook))
    tried(delivery)

    hook.refresh_from_db()
    assert (delivery.attempt, hook.sent_that_day) == (2, 1)


def test_what_its_owner_may_not_see_any_more_does_not_leave(receiver) -> None:
    repository = RepositoryFactory()
    watching("model", repository.full_name, url=receiver.url)
    note_event(repository=repository, action="update", scope="repo.content")
    Repository.objects.update(visibility=Visibility.PRIVATE)

    delivery = tried(WebhookDelivery.objects.get())

    assert (delivery.state, receiver.taken) == (State.DROPPED, [])


def test_nothing_leaves_for_people_who_left_or_switched_off(hook, receiver) -> None:
    first = written(hook)
    hook.owner.is_active = False
    hook.owner.save()
    assert tried(first).state == State.DROPPED
    hook.owner.is_active = True
    hook.owner.save()
    hook.disabled = True
    hook.save()
    assert tried(written(hook)).state == State.DROPPED
    assert receiver.taken == []


def test_a_sender_that_fell_silent_loses_its_lease_and_its_word(hook, receiver) -> None:
    delivery = written(hook)
    now = timezone.now()
    lost = deliveries.claim(delivery_id=delivery.pk, at=now)
    assert lost is not None
    assert deliveries.claim(delivery_id=delivery.pk, at=now) is None

    later = now + deliveries.LEASE
    second = deliveries.claim(delivery_id=delivery.pk, at=later)
    assert second is not None
    assert second.attempt == 2
    outcome = deliveries.Outcome(200, "", 1, "")
    assert deliveries.finish(delivery=lost, outcome=outcome, at=later) is False
    assert deliveries.finish(delivery=second, outcome=outcome, at=later) is True


def test_a_secret_that_cannot_be_read_any_more_is_said(hook, receiver, settings) -> None:
    settings.SECRET_KEY = "another-key-of-the-tests-0123456789"

    delivery = tried(written(hook))

    assert (delivery.state, receiver.taken) == (State.FAILED, [])
    assert "another key" in delivery.error


def test_the_sweep_names_what_is_due(hook, monkeypatch) -> None:
    due, later, done = written(hook), written(hook), written(hook)
    now = timezone.now()
    WebhookDelivery.objects.filter(pk=later.pk).update(next_try_at=now + timedelta(minutes=1))
    WebhookDelivery.objects.filter(pk=done.pk).update(state=State.DELIVERED)
    told: list[int] = []
    monkeypatch.setattr("models_registry.tasks.dispatch_delivery", told.append)

    assert deliveries.tell_again(at=now + timedelta(seconds=1)) == 1
    assert told == [due.pk]


def test_old_messages_are_forgotten(hook) -> None:
    old, new = written(hook), written(hook)
    now = timezone.now()
    WebhookDelivery.objects.filter(pk=old.pk).update(finished_at=now - deliveries.KEPT - timedelta(days=1))
    WebhookDelivery.objects.filter(pk=new.pk).update(finished_at=now)

    deliveries.forget_old(at=now)

    assert list(WebhookDelivery.objects.all()) == [new]


@pytest.mark.django_db(transaction=True)
def test_of_many_senders_one_sends(receiver) -> None:
    hook = Webhook.objects.create(owner=UserFactory(), url=receiver.url)
    WebhookWatch.objects.create(webhook=hook, kind="user", name="x", key="x")
    delivery = written(hook)

    def send() -> None:
        try:
            deliveries.deliver(delivery_id=delivery.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(receiver.taken) == 1
    hook.refresh_from_db()
    assert hook.sent_that_day == 1


@pytest.mark.django_db(transaction=True)
def test_the_queue_hears_of_a_message_once_it_stands(monkeypatch) -> None:
    told: list[int] = []
    monkeypatch.setattr("models_registry.tasks.dispatch_delivery", told.append)
    repository = RepositoryFactory()
    watching("model", repository.full_name)

    note_event(repository=repository, action="update", scope="repo.config")

    assert told == [WebhookDelivery.objects.get().pk]
