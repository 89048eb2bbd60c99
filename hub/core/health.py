"""Is the hub well? `/healthz` says that the process answers, `/readyz` that it can do its work."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone
from kombu import Connection

from hub.core.models import WorkerHeartbeat

HEARTBEAT_MAX_AGE = timedelta(seconds=90)


def database() -> str:
    """ "" when the database answers, else what is wrong."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return ""


def broker() -> str:
    with Connection(settings.CELERY_BROKER_URL, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS) as link:
        link.ensure_connection(max_retries=1, timeout=2)
    return ""


def worker() -> str:
    newest = WorkerHeartbeat.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    if newest is None:
        return "No worker has been seen yet."
    if newest < timezone.now() - HEARTBEAT_MAX_AGE:
        return f"No worker since {newest:%Y-%m-%d %H:%M:%S} UTC."
    return ""


def probe(checks: dict[str, Callable[[], str]]) -> dict[str, str]:
    """Run checks; each gives "" or what is wrong. A check that breaks has found something wrong."""
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            found[name] = check()
        except Exception as error:  # noqa: BLE001 - whatever breaks is the finding, and is shown.
            found[name] = f"{type(error).__name__}: {error}"[:300]
    return found


def findings() -> list[str]:
    """What is wrong with the core, in sentences that say what to do."""
    advice = {
        "database": "The database does not answer. Check DATABASE_URL and run manage.py migrate.",
        "broker": "The broker cannot be reached. Check CELERY_BROKER_URL. Runs wait; nothing is lost.",
        "worker": "No worker is alive. Start one with manage.py up, or see data/logs/worker.log.",
    }
    found = probe({"database": database, "broker": broker, "worker": worker})
    return [f"{advice[name]} ({text})" for name, text in found.items() if text]
