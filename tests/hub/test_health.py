from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from hub.core.health import HEARTBEAT_MAX_AGE, probe
from hub.core.heartbeat import beat
from hub.core.models import WorkerHeartbeat
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_the_process_answers(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_without_a_worker_the_hub_is_not_ready_and_says_why(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["worker"] == "No worker has been seen yet."
    assert answer.json()["checks"]["database"] == "ok"


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_fell_silent_does_not_count(client: Client) -> None:
    beat(worker="here:1")
    assert client.get("/readyz").json()["checks"]["worker"] == "ok"

    WorkerHeartbeat.objects.update(seen_at=timezone.now() - HEARTBEAT_MAX_AGE - timedelta(seconds=1))
    assert client.get("/readyz").json()["checks"]["worker"].startswith("No worker since")


def test_a_check_that_breaks_is_a_finding() -> None:
    def broken() -> str:
        raise OSError("no such disk")

    assert probe({"disk": broken}) == {"disk": "OSError: no such disk"}


def test_the_metrics_count_what_there_is(client: Client) -> None:
    RepositoryFactory()
    assert 'smallhub_repositories{kind="model"} 1.0' in client.get("/metrics").content.decode()
