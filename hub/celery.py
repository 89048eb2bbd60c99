"""The Celery application: queues, the schedule, and each worker's sign of life. Tasks live in each app's `tasks.py`."""

import os
import socket
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings.dev")

MEASURE = "measure"  # Runs: long, one per worker process.
HOUSEKEEPING = "housekeeping"  # Sweeps and clean-up: short, and never to wait behind a run.
WEBHOOKS = "webhooks"  # Messages to machines of others, which may be slow: nothing else waits behind them.
HEARTBEAT_SECONDS = 15.0

app = Celery("hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_default_queue = HOUSEKEEPING
app.conf.task_routes = {
    "evaluation.tasks.perform": {"queue": MEASURE},
    "evaluation.tasks.convert": {"queue": MEASURE},
    "models_registry.tasks.deliver_to_webhook": {"queue": WEBHOOKS},
    "models_registry.tasks.look_at_weights": {"queue": MEASURE},  # It reads every byte of a model.
    "models_registry.tasks.refresh_mirror": {"queue": MEASURE},  # Long as well: a whole repository may come.
}
app.conf.beat_schedule = {
    # The row is the truth and the queue a hint: whatever a broker lost is queued again from the rows.
    "requeue-runs": {"task": "evaluation.tasks.requeue_runs", "schedule": 5.0, "options": {"expires": 10}},
    "purge-deleted": {"task": "models_registry.tasks.purge_deleted", "schedule": 3600.0, "options": {"expires": 600}},
    "deliver-again": {"task": "models_registry.tasks.deliver_again", "schedule": 15.0, "options": {"expires": 15}},
    "lineage": {"task": "models_registry.tasks.look_at_weights_again", "schedule": 60.0, "options": {"expires": 50}},
    "scrub": {"task": "models_registry.tasks.scrub", "schedule": 300.0, "options": {"expires": 240}},
    "collect-garbage": {"task": "models_registry.tasks.collect_garbage", "schedule": 24 * 3600.0},
    "refresh-mirrors": {"task": "models_registry.tasks.refresh_mirrors", "schedule": 60.0, "options": {"expires": 50}},
    "read-licences": {
        "task": "models_registry.tasks.read_missed_licence_files",
        "schedule": 300.0,
        "options": {"expires": 240},
    },
    "judge-licences": {
        "task": "models_registry.tasks.judge_missed_licences",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "clean-up": {"task": "models_registry.tasks.clean_up", "schedule": 3600.0, "options": {"expires": 600}},
}


@worker_ready.connect
def start_heartbeat(sender: Any = None, **kwargs: Any) -> None:
    """Let the worker's main process say that it lives, also while its children measure for minutes."""
    if MEASURE in {queue.name for queue in sender.task_consumer.queues}:
        threading.Thread(target=_beat, name="heartbeat", daemon=True).start()


def _beat() -> None:
    from hub.core.heartbeat import beat

    pause = threading.Event()
    while True:
        beat(worker=f"{socket.gethostname()}:{os.getpid()}")
        pause.wait(HEARTBEAT_SECONDS)
