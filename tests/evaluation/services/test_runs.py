"""Runs end exactly once, whoever works on them and however often they are told to."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Role
from evaluation.exceptions import LeaseLost, RunStillOpen
from evaluation.models import Evaluation, ItemOutputs, Receipt, Run, Score, State, Step
from evaluation.services import runs
from evaluation.services.outcomes import Outcome, ScanNews
from models_registry.exceptions import RepositoryForbidden
from models_registry.models import ScanVerdict
from models_registry.services.repositories import delete_repository
from models_registry.services.undelete import purge_deleted
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.evaluation import (
    benchmark,
    claimed,
    evaluation_of,
    passed,
    passed_up_to,
    receipt,
    run_of,
    score,
)
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def states(evaluation: Evaluation) -> dict[str, str]:
    return {(run.benchmark.key if run.benchmark else run.step): run.state for run in evaluation.runs.all()}


def expire(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_commit_asks_for_a_scan_first_and_everything_else_waits():
    benchmark("pairs")
    evaluation = evaluation_of()

    assert states(evaluation) == {
        "scan": "queued",
        "inspect": "waiting",
        "smoke": "waiting",
        "cost": "waiting",
        "pairs": "waiting",
    }
    assert evaluation.status == "queued"


def test_a_run_is_leased_to_one_worker_alone():
    run = run_of(evaluation_of(), Step.SCAN)

    first, second = runs.claim_run(run_id=run.pk), runs.claim_run(run_id=run.pk)

    assert first is not None
    assert second is None
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("running", 1)
    assert run.evaluation.status == "running"


def test_steps_follow_each_other_to_the_end():
    benchmark("pairs")
    evaluation = evaluation_of()

    seen = []
    while queued := evaluation.runs.filter(state=State.QUEUED).first():
        seen.append(str(queued.benchmark.key if queued.benchmark else queued.step))
        passed(queued)

    assert seen == ["scan", "inspect", "smoke", "cost", "pairs"]
    evaluation.refresh_from_db()
    assert evaluation.status == "done"
    assert evaluation.finished_at is not None


def test_the_end_of_a_run_stores_score_receipt_and_items_together():
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    run = run_of(evaluation, Step.BENCHMARK)

    passed(run)

    run.refresh_from_db()
    assert run.score.value == 0.75
    assert run.receipt.items.count == 1
    assert run.seconds is not None


def test_a_worker_that_lost_its_lease_writes_nothing():
    run = run_of(evaluation_of(), Step.SCAN)
    late = claimed(run)
    expire(run)
    mine = claimed(run)

    with pytest.raises(LeaseLost):
        runs.finish_run(claim=late, outcome=Outcome(State.FAILED, "late"), log="late")
    with pytest.raises(LeaseLost):
        runs.note_progress(late, progress=0.5, log="late")
    runs.release_run(claim=late, reason="late", log="late")
    runs.fail_attempt(claim=late, reason="late", log="late")
    assert runs.renew(late) is False

    run.refresh_from_db()
    assert (run.state, run.attempt, run.reason, run.log) == ("running", mine.attempt, "", "")


def test_a_run_that_ended_cannot_end_again():
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    run = run_of(evaluation, Step.BENCHMARK)
    claim = claimed(run)
    runs.finish_run(claim=claim, outcome=Outcome(State.PASSED, score=score(), receipt=receipt("a")), log="")

    with pytest.raises(LeaseLost):
        runs.finish_run(claim=claim, outcome=Outcome(State.PASSED, score=score(), receipt=receipt("b")), log="")

    assert runs.claim_run(run_id=run.pk) is None
    assert (Score.objects.count(), Receipt.objects.count(), ItemOutputs.objects.count()) == (1, 1, 1)


def test_an_expired_run_is_queued_again_and_a_living_one_is_not():
    run = run_of(evaluation_of(), Step.SCAN)
    claimed(run)
    assert runs.requeue_expired(run_id=run.pk, at=timezone.now()) is False
    expire(run)

    assert runs.requeue_expired(run_id=run.pk, at=timezone.now()) is True

    run.refresh_from_db()
    assert (run.state, run.losses, run.lease_until) == ("queued", 1, None)


def test_a_run_whose_worker_process_is_gone_is_taken_over_before_the_lease_ends():
    run = run_of(evaluation_of(), Step.SCAN)
    claimed(run)
    name, _, started = Run.objects.get(pk=run.pk).worker.rpartition("/")
    Run.objects.filter(pk=run.pk).update(worker=f"{name}/{int(started) + 1}")

    assert runs.requeue_expired(run_id=run.pk, at=timezone.now()) is True


def test_a_worker_on_another_machine_is_not_thought_dead():
    run = run_of(evaluation_of(), Step.SCAN)
    claimed(run)
    Run.objects.filter(pk=run.pk).update(worker="elsewhere/1-2/3/4")

    assert runs.requeue_expired(run_id=run.pk, at=timezone.now()) is False


def test_a_run_that_kills_three_workers_is_given_up():
    evaluation = evaluation_of()
    run = run_of(evaluation, Step.SCAN)
    for _ in range(3):
        claimed(run)
        expire(run)

    assert runs.claim_run(run_id=run.pk) is None

    run.refresh_from_db()
    evaluation.refresh_from_db()
    assert run.state == "failed"
    assert "3 attempts" in run.reason
    assert states(evaluation)["inspect"] == "not_applicable"
    assert evaluation.status == "done"


def test_a_worker_that_breaks_three_times_over_a_run_gives_it_up():
    run = run_of(evaluation_of(), Step.SCAN)
    for _ in range(3):
        Run.objects.filter(pk=run.pk).update(not_before=None)
        runs.fail_attempt(claim=claimed(run), reason="the worker broke", log="")

    run.refresh_from_db()
    assert (run.state, run.losses) == ("failed", 3)


def test_a_run_given_back_rests_longer_each_time_and_ends_after_ten():
    run = run_of(evaluation_of(), Step.SCAN)
    rests = []
    for _ in range(9):
        runs.release_run(claim=claimed(run), reason="The store is away.", log="")
        run.refresh_from_db()
        assert run.state == "queued"
        assert runs.claim_run(run_id=run.pk) is None
        rests.append(round((run.not_before - timezone.now()).total_seconds()))
        Run.objects.filter(pk=run.pk).update(not_before=None)
    runs.release_run(claim=claimed(run), reason="The store is away.", log="")

    run.refresh_from_db()
    assert (run.state, run.reason) == ("failed", "The store is away.")
    assert rests == sorted(rests)
    assert rests[-1] <= 300


def test_a_quarantine_ends_the_rest_with_its_reason_and_tells_the_registry():
    benchmark("pairs")
    evaluation = evaluation_of()
    news = ScanNews(ScanVerdict.QUARANTINED, held={"model.safetensors": "It is a pickle."})
    outcome = Outcome(State.QUARANTINED, "model.safetensors is a pickle.", scan=news)

    runs.finish_run(claim=claimed(run_of(evaluation, Step.SCAN)), outcome=outcome, log="")

    evaluation.refresh_from_db()
    evaluation.commit.refresh_from_db()
    assert (evaluation.status, evaluation.verdict) == ("done", "quarantined")
    assert (evaluation.commit.scan_verdict, evaluation.commit.held) == ("quarantined", dict(news.held))
    rest = evaluation.runs.exclude(step=Step.SCAN)
    assert {run.state for run in rest} == {"not_applicable"}
    assert all("model.safetensors is a pickle." in run.reason for run in rest)


@pytest.mark.parametrize(("step", "words"), [(Step.INSPECT, "read as a model"), (Step.SMOKE, "smoke test")])
def test_what_depends_on_a_failed_step_ends_with_a_readable_reason(step, words):
    benchmark("pairs")
    evaluation = evaluation_of()
    before = {Step.INSPECT: Step.SCAN, Step.SMOKE: Step.INSPECT}[step]
    passed_up_to(evaluation, before)

    passed(run_of(evaluation, step), state=State.FAILED, reason="It cannot.", result={}, parameters_by_dtype=None)

    reason = run_of(evaluation, Step.BENCHMARK, "pairs").reason
    assert words in reason
    assert reason.endswith("It cannot.")


def test_a_benchmark_that_does_not_fit_does_not_apply():
    benchmark("pairs")
    benchmark("topics", requires=["classify"])
    evaluation = evaluation_of()

    passed_up_to(evaluation, Step.COST)

    assert states(evaluation)["pairs"] == "queued"
    topics = run_of(evaluation, Step.BENCHMARK, "topics")
    assert topics.state == "not_applicable"
    assert "labels texts" in topics.reason


def test_benchmarks_are_run_even_when_the_cost_could_not_be_measured():
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.SMOKE)

    passed(run_of(evaluation, Step.COST), state=State.TIMED_OUT)

    assert states(evaluation)["pairs"] == "queued"


def test_parameters_are_counted_onto_the_head_alone():
    repository = RepositoryFactory()
    old = evaluation_of(repository, config_json="{}")
    new = evaluation_of(repository, config_json='{"a": 1}')
    for evaluation in (new, old):
        passed_up_to(evaluation, Step.SCAN)
    passed(run_of(new, Step.INSPECT), parameters_by_dtype={"F32": 7, "BF16": 5})
    passed(run_of(old, Step.INSPECT), parameters_by_dtype={"F32": 99})

    repository.refresh_from_db()
    assert (repository.parameters, repository.parameters_by_dtype) == (12, {"F32": 7, "BF16": 5})


def test_a_step_that_ended_can_be_asked_for_again_and_keeps_its_old_receipt():
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    run = run_of(evaluation, Step.BENCHMARK)
    passed(run)
    old = Receipt.objects.get().sha256

    runs.rerun(run=run, user=evaluation.repository.creator)

    run.refresh_from_db()
    evaluation.refresh_from_db()
    assert run.state == "queued"
    assert evaluation.status != "done"
    assert not Score.objects.filter(run=run).exists()
    passed(run)
    run.refresh_from_db()
    assert run.receipt.sha256 != old
    assert set(run.receipts.values_list("sha256", flat=True)) == {old, run.receipt.sha256}


def test_asking_again_for_a_failed_step_brings_back_what_never_ran_because_of_it():
    benchmark("pairs")
    benchmark("topics", requires=["classify"])
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.INSPECT)
    smoke = run_of(evaluation, Step.SMOKE)
    passed(smoke, state=State.FAILED, reason="It printed NaN.")

    runs.rerun(run=smoke, user=evaluation.repository.creator)
    passed(smoke)
    passed(run_of(evaluation, Step.COST))

    assert states(evaluation)["pairs"] == "queued"
    assert states(evaluation)["topics"] == "not_applicable"


def test_an_open_step_cannot_be_asked_for_again():
    evaluation = evaluation_of()
    run = run_of(evaluation, Step.SCAN)
    claimed(run)

    with pytest.raises(RunStillOpen):
        runs.rerun(run=run, user=evaluation.repository.creator)


def test_readers_may_not_ask_again():
    organisation = OrganisationFactory()
    repository = RepositoryFactory(namespace=organisation.name, user=organisation.memberships.get(role=Role.ADMIN).user)
    evaluation = evaluation_of(repository)
    run = run_of(evaluation, Step.SCAN)
    passed(run)

    for reader in (member(organisation, Role.READ), UserFactory()):
        with pytest.raises(RepositoryForbidden):
            runs.rerun(run=run, user=reader)


def test_a_model_can_be_deleted_with_all_that_was_measured_and_while_it_is_measured():
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK))
    newer = evaluation_of(evaluation.repository, config_json='{"a": 1}')
    claim = claimed(run_of(newer, Step.SCAN))

    delete_repository(repository=evaluation.repository, user=evaluation.repository.creator)
    assert purge_deleted(now=timezone.now() + timedelta(days=31)) == 1

    assert not Run.objects.exists()
    assert not Receipt.objects.exists()
    with pytest.raises(LeaseLost):
        runs.note_progress(claim, progress=0.5, log="")
    with pytest.raises(LeaseLost):
        runs.finish_run(claim=claim, outcome=Outcome(State.PASSED), log="")


def test_what_a_sandbox_said_of_a_model_cannot_break_what_comes_next():
    fields = {"text": "good", "label": "bad"}
    benchmark("topics", requires=["classify"], scorer="classification", labels=["a", "b"], fields=fields)
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.INSPECT)
    odd = {"capabilities": [["classify"], 7, "classify"], "description": {"labels": [None, {"a": 1}]}}

    passed(run_of(evaluation, Step.SMOKE), result=odd)
    passed(run_of(evaluation, Step.COST))

    assert states(evaluation)["topics"] == "not_applicable"


def test_results_are_stored_whatever_numbers_and_letters_they_hold():
    run = run_of(evaluation_of(), Step.SCAN)

    passed(run, result={"value": float("inf"), "text": "a\x00b\ud800", "list": (float("nan"), 1.5)}, reason="a\x00b")

    run.refresh_from_db()
    assert run.result == {"value": None, "text": "a\ufffdb?", "list": [None, 1.5]}
    assert run.reason == "a\ufffdb"
