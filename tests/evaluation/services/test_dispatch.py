"""The queue is told of what could start, again when it forgot, and not buried in hints."""

import os
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from evaluation.models import Run, State, Step
from evaluation.services import dispatch
from hub.celery import MEASURE, app
from tests.factories.evaluation import claimed, evaluation_of, run_of

pytestmark = pytest.mark.django_db


def told(seconds: float) -> list[int]:
    """The runs that a sweep in so many seconds would tell the queue of; it notes that it did."""
    return dispatch.tell_again(at=timezone.now() + timedelta(seconds=seconds))


def drain() -> list[int]:
    """Take every hint out of the queue; the ids of runs they name."""
    named = []
    with app.connection_for_read() as link, closing(link.SimpleQueue(MEASURE)) as queue:
        while True:
            try:
                message = queue.get(block=False)
            except queue.Empty:
                return named
            message.ack()
            named.append(message.payload[0][0])


def test_a_commit_tells_the_queue_of_its_scan_once_it_stands(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        run = run_of(evaluation_of(), Step.SCAN)

    assert run.pk in drain()


def test_a_queued_run_is_told_again_after_ten_seconds_and_not_before():
    run = run_of(evaluation_of(), Step.SCAN)

    assert told(9) == []
    assert told(11) == [run.pk]


def test_a_long_queue_is_told_less_and_less_often_while_workers_are_busy():
    claimed(run_of(evaluation_of(), Step.SCAN))
    evaluation_of()

    times = [seconds for seconds in range(0, 3600, 5) if told(seconds)]

    assert 4 <= len(times) <= 14  # Every five seconds would have been 720.
    assert times[1] - times[0] < times[-1] - times[-2] <= 600


def test_idle_workers_hear_of_the_first_few_without_patience():
    for _ in range(6):
        evaluation_of()
    Run.objects.filter(state=State.QUEUED).update(dispatches=9)  # Told often before the broker lost everything.

    assert len(told(11)) == dispatch.WHEN_IDLE


def test_a_resting_run_is_left_in_peace():
    evaluation_of()
    Run.objects.filter(state=State.QUEUED).update(not_before=timezone.now() + timedelta(minutes=4))

    assert told(60) == []
    assert told(300) != []


def test_an_absent_broker_is_noted_and_nothing_more():
    program = "import django; django.setup(); from evaluation import tasks; tasks.dispatch(7); print('went on')"
    environment = os.environ | {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.stdout.strip() == "went on", ended.stderr
    assert "run 7 waits for the sweep" in ended.stderr
