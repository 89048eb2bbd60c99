"""A lease lives while its worker works, and its loss stops the work."""

import threading
import time

import pytest

from evaluation import sandbox
from evaluation.exceptions import LeaseLost
from evaluation.models import Run, State, Step
from evaluation.services.lease import MAX_LOG_CHARACTERS, Lease
from evaluation.services.runs import Claim
from tests.factories.evaluation import claimed, evaluation_of, run_of, train_ngram

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def claim(settings) -> Claim:
    settings.SMALLHUB_LEASE_SECONDS = 3  # A heartbeat every half second.
    return claimed(run_of(evaluation_of(), Step.SCAN))


def test_a_quiet_worker_keeps_its_lease(claim):
    before = Run.objects.get(pk=claim.run_id)

    with Lease(claim) as lease:
        time.sleep(1.3)
        assert not lease.is_lost

    after = Run.objects.get(pk=claim.run_id)
    assert after.lease_until > before.lease_until
    assert after.heartbeat_at > before.heartbeat_at


def test_a_lost_lease_stops_the_work_and_is_told(claim):
    stopped = threading.Event()
    with Lease(claim) as lease:
        lease.stop = stopped.set
        Run.objects.filter(pk=claim.run_id).update(attempt=claim.attempt + 1)

        assert stopped.wait(5)
        with pytest.raises(LeaseLost):
            lease.check()
        with pytest.raises(LeaseLost):
            lease.say("too late")


def test_progress_of_a_lost_lease_is_refused_at_once(claim):
    with Lease(claim) as lease:
        Run.objects.filter(pk=claim.run_id).update(state=State.QUEUED)

        with pytest.raises(LeaseLost):
            lease.say("still here?")


def test_progress_and_log_are_shown_at_most_once_a_second(claim, django_assert_num_queries):
    with Lease(claim) as lease:
        with django_assert_num_queries(1):
            for number in range(200):
                lease.say(f"line {number}")
                lease.progress(number / 200)
        assert "line 0" in Run.objects.get(pk=claim.run_id).log
        assert "line 199" in lease.log


def test_a_log_keeps_its_end_and_what_databases_take(claim):
    with Lease(claim) as lease:
        lease.say("odd \x00 and \ud800")
        assert "\x00" not in Run.objects.get(pk=claim.run_id).log
        for number in range(3000):
            lease.say(f"{number} " + "x" * 40)

    assert len(lease.log) <= MAX_LOG_CHARACTERS
    assert "2999 " in lease.log


def test_stopping_a_session_from_another_thread_ends_the_models_process(tmp_path):
    folder = train_ngram(["a b c"] * 5, tmp_path / "model")
    with sandbox.open(folder) as session:
        session.load()
        threading.Timer(0.3, session.stop).start()

        with pytest.raises(sandbox.Crashed, match="stopped"):
            _ask_for_ever(session)


def _ask_for_ever(session: sandbox.Session) -> None:
    while True:
        session.call("log_likelihood", texts=["a b c " * 2000] * 8)
