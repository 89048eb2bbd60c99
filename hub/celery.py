"""The Celery application: queues and the schedule. Tasks live in each app's `tasks.py`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings.dev")

app = Celery("hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # The row is the truth and the queue a hint: whatever a broker lost is queued again from the rows.
    "requeue-runs": {"task": "evaluation.tasks.requeue_runs", "schedule": 5.0, "options": {"expires": 10}},
    "worker-heartbeat": {"task": "hub.core.tasks.heartbeat", "schedule": 15.0, "options": {"expires": 30}},
    "clean-up": {"task": "models_registry.tasks.clean_up", "schedule": 3600.0, "options": {"expires": 600}},
}
