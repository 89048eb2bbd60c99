"""Cancelling: who may, what ends, that a model at work is stopped, and that it can be asked for again."""

import threading

import pytest

from accounts.models import Scope
from evaluation.exceptions import LeaseLost, NothingToCancel
from evaluation.models import Evaluation, Score, State, Step
from evaluation.services.lease import Lease
from evaluation.services.runs import cancel, finish_run, rerun
from models_registry.exceptions import RepositoryForbidden
from tests.factories.accounts import UserFactory, bearer
from tests.factories.evaluation import Outcome, benchmark, claimed, evaluation_of, passed, passed_up_to, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def evaluation() -> Evaluation:
    benchmark("pairs")
    benchmark("texts")
    found = evaluation_of()
    passed_up_to(found, Step.COST)
    passed(run_of(found, Step.BENCHMARK, "pairs"))
    return found


def test_what_is_open_ends_and_what_is_scored_stays(evaluation):
    user = evaluation.repository.creator

    assert cancel(evaluation=evaluation, user=user) == 1

    run = run_of(evaluation, Step.BENCHMARK, "texts")
    evaluation.refresh_from_db()
    assert (run.state, evaluation.status) == (State.CANCELLED, "done")
    assert user.username in run.reason
    assert Score.objects.count() == 1
    with pytest.raises(NothingToCancel):
        cancel(evaluation=evaluation, user=user)


def test_a_run_at_work_is_fenced_out_at_once(evaluation):
    run = run_of(evaluation, Step.BENCHMARK, "texts")
    claim = claimed(run)

    cancel(evaluation=evaluation, user=evaluation.repository.creator, run=run)

    with pytest.raises(LeaseLost):
        finish_run(claim=claim, outcome=Outcome(State.PASSED), log="")
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_steps_after_a_cancelled_one_do_not_run_and_come_back_with_it():
    evaluation = evaluation_of()
    user = evaluation.repository.creator
    passed_up_to(evaluation, Step.INSPECT)

    cancel(evaluation=evaluation, user=user, run=run_of(evaluation, Step.SMOKE))

    assert run_of(evaluation, Step.COST).state == State.NOT_APPLICABLE
    assert "Cancelled" in run_of(evaluation, Step.COST).reason
    rerun(run=run_of(evaluation, Step.SMOKE), user=user)
    assert run_of(evaluation, Step.SMOKE).state == State.QUEUED
    assert run_of(evaluation, Step.COST).state == State.WAITING


def test_a_cancelled_evaluation_starts_again_from_its_first_step():
    evaluation = evaluation_of()
    user = evaluation.repository.creator
    cancel(evaluation=evaluation, user=user)

    rerun(run=run_of(evaluation, Step.SCAN), user=user)

    assert [run.state for run in evaluation.runs.all()] == [State.QUEUED, *[State.WAITING] * 3]


def test_only_who_may_write_may_cancel(evaluation):
    with pytest.raises(RepositoryForbidden):
        cancel(evaluation=evaluation, user=UserFactory())


def test_the_api_cancels_and_asks_again_by_the_contract(client, evaluation):
    at = f"/api/v1/models/{evaluation.repository.full_name}/evaluations/{evaluation.commit.oid}"
    owner, stranger = bearer(evaluation.repository.creator, Scope.WRITE), bearer(UserFactory(), Scope.WRITE)
    wanted = {"step": "benchmark", "benchmark": "texts"}

    def post(action, headers, body):
        return client.post(f"{at}/{action}", body, content_type="application/json", headers=headers)

    assert post("cancel", stranger, wanted).status_code == 403
    answer = post("cancel", owner, wanted)
    assert answer.status_code == 202
    (step,) = [step for step in answer.json()["steps"] if step["benchmark"] == "texts"]
    assert step["state"] == "cancelled"
    again = post("cancel", owner, {})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_cancel")
    assert post("rerun", owner, wanted).json()["state"] == "queued"
    assert post("rerun", owner, wanted).json()["code"] == "run_still_open"
    assert post("rerun", owner, {"step": "benchmark", "benchmark": "none"}).json()["code"] == "no_such_run"
    assert post("rerun", owner, {"step": "dance"}).status_code == 400


def test_the_page_offers_both_to_who_may(client, evaluation):
    at = f"/{evaluation.repository.full_name}/evaluations/{evaluation.commit.oid}"
    run = run_of(evaluation, Step.BENCHMARK, "texts")
    assert "Cancel the evaluation" not in client.get(at).content.decode()
    client.force_login(evaluation.repository.creator)
    assert "Cancel the evaluation" in client.get(at).content.decode()

    shown = client.post(f"{at}/act", {"do": "cancel"}, follow=True).content.decode()

    assert "1 step was cancelled" in shown
    assert run_of(evaluation, Step.BENCHMARK, "texts").state == State.CANCELLED
    passed_run = run_of(evaluation, Step.BENCHMARK, "pairs")
    client.post(f"{at}/act", {"do": "rerun", "run": str(passed_run.pk)})
    passed_run.refresh_from_db()
    assert passed_run.state == State.QUEUED
    assert client.post(f"{at}/act", {"do": "rerun", "run": "9" * 30}).status_code == 302
    assert run.pk


@pytest.mark.django_db(transaction=True)
def test_a_model_at_work_is_stopped_within_seconds(settings):
    settings.SMALLHUB_LEASE_SECONDS = 600  # Far longer than this test: only the look at the row can tell.
    evaluation = evaluation_of()
    claim = claimed(run_of(evaluation, Step.SCAN))
    stopped = threading.Event()

    with Lease(claim) as lease:
        lease.stop = stopped.set
        cancel(evaluation=evaluation, user=evaluation.repository.creator)
        assert stopped.wait(timeout=60)
        with pytest.raises(LeaseLost):
            lease.say("still here")
