"""Workers killed outright at random moments: each run ends once, and no score is lost or there twice.

`SMALLHUB_KILLS=200` is the nightly form.
"""

import json
import os
import random
import signal
import sys
import time
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from evaluation.models import OPEN_STATES, Evaluation, ItemOutputs, Receipt, ReceiptSignature, Run, Score, State, Step
from evaluation.services import sweep, turns, work
from tests.factories.evaluation import benchmark, passed_up_to, push_folder, train_ngram
from tests.factories.registry import RepositoryFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("SMALLHUB_KILLS", "20"))
REST_S = 300  # What the runs that are still open after the last kill may take; about 10 s are usual.
LONGEST_LIFE_S = 1.2
ENDED_FOR_GOOD = ("state", "reason", "attempt", "finished_at")


def pairs(number: int) -> bytes:
    rows = ({"id": f"{i:05}", "good": f"the cat sat on {i}", "bad": f"cat on the {i} sat"} for i in range(number))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def fork_worker() -> int:
    """A worker process that takes whatever has its turn, as one that a broker wakes again and again."""
    connections.close_all()  # No connection may be shared with the child.
    pid = os.fork()
    if pid:
        os.setpgid(pid, pid)  # Here as well as there: it must be so before either goes on, whoever is slow.
        return pid
    try:
        os.setpgid(0, 0)
        while True:
            work.perform_next(hint=0)
            time.sleep(0.01)
    finally:
        os._exit(1)


def kill(pid: int, *, with_children: bool) -> None:
    """End it without a word: with the model's process, as a power cut, or alone, as a lack of memory does."""
    (os.killpg if with_children else os.kill)(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def ended() -> dict[int, dict[str, Any]]:
    return {row.pop("pk"): row for row in Run.objects.exclude(state__in=OPEN_STATES).values("pk", *ENDED_FOR_GOOD)}


def is_open() -> bool:
    return Run.objects.filter(state__in=OPEN_STATES).exists()


def still_open() -> str:
    """What is known of runs that do not end."""
    rows = Run.objects.filter(state__in=OPEN_STATES).values_list(*ENDED_FOR_GOOD, "step", "lease_until", "log")
    return "\n".join(map(str, rows))


@pytest.mark.skipif(sys.platform != "linux", reason="Workers run on Linux.")
def test_each_run_ends_once_whenever_its_worker_is_killed(settings, tmp_path):
    settings.SMALLHUB_RUN_THREADS = 1
    chance = random.Random(20)
    for key in ("one", "two", "three"):
        benchmark(key, pairs(30))
    folder = train_ngram(["the cat sat on the mat and the dog sat on the log. " * 3], tmp_path / "model")
    push_folder(RepositoryFactory(), folder)
    for _ in range(max(KILLS // 4, 1)):
        passed_up_to(push_folder(RepositoryFactory(), folder), Step.COST)

    before = ended()
    for number in range(KILLS):
        pid = fork_worker()
        time.sleep(chance.uniform(0, LONGEST_LIFE_S))
        kill(pid, with_children=number % 2 == 0)
        sweep.sweep()
        now = ended()
        assert {pk: now[pk] for pk in before} == before, "A run that had ended was touched again."
        before = now
    until = time.monotonic() + REST_S
    while is_open():
        assert time.monotonic() < until, still_open()
        Run.objects.filter(state=State.QUEUED).update(not_before=None)
        work.perform_next(hint=next(turns.candidates(at=timezone.now()), 0))

    assert not Evaluation.objects.exclude(status=Evaluation.Status.DONE).exists()
    assert {pk: ended()[pk] for pk in before} == before
    scored = Run.objects.filter(step=Step.BENCHMARK, state=State.PASSED)
    lost = Run.objects.exclude(state__in=[State.PASSED, State.NOT_APPLICABLE])
    assert scored.count() > 0
    assert all("attempts" in run.reason for run in lost), "Nothing but too many kills may fail a good model."
    for rows in (Score.objects.values_list("run"), Receipt.objects.values_list("of_run")):
        assert sorted(pk for (pk,) in rows) == sorted(scored.values_list("pk", flat=True))
    assert Receipt.objects.count() == ItemOutputs.objects.count() == ReceiptSignature.objects.count()
    assert Run.objects.filter(attempt__gt=1).exists(), "No kill struck a run at work: this proved nothing."
