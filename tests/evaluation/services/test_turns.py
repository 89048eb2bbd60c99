"""Whose turn it is: short steps first, owners in turn, newest commits before old ones, and nobody for ever last."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.models import Evaluation, QueueTurn, Run, State, Step
from evaluation.services import turns
from evaluation.services.runs import claim_run
from models_registry.models import Commit
from models_registry.services.pull_requests import open_pull_request
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def uploads(user, count: int) -> list[Evaluation]:
    return [evaluation_of(RepositoryFactory(user=user)) for _ in range(count)]


def next_run(at=None) -> Run:
    return Run.objects.get(pk=next(turns.candidates(at=at or timezone.now())))


def served(count: int) -> list[str]:
    """The owners of the next so many runs, each taken and ended at once."""
    owners = []
    for _ in range(count):
        run = next_run()
        owners.append(run.evaluation.repository.namespace.name)
        passed(run)
    return owners


def queue_of(user, count: int) -> None:
    """So many pushed models of one owner, each with a scan that waits: rows alone, for only the order is tried."""
    first = evaluation_of(RepositoryFactory(user=user))
    oids = [f"{number:040x}" for number in range(1, count)]
    Commit.objects.bulk_create(
        Commit(repository=first.repository, oid=oid, tree=oid, title="Push", committed_at=timezone.now())
        for oid in oids
    )
    commits = Commit.objects.filter(repository=first.repository, oid__in=oids).order_by("pk")
    made = Evaluation.objects.bulk_create(Evaluation(commit=each, repository=first.repository) for each in commits)
    now = timezone.now()
    Run.objects.bulk_create(
        Run(evaluation=each, step=Step.SCAN, position=0, state=State.QUEUED, queued_at=now) for each in made
    )


def test_two_hundred_uploads_of_one_delay_the_first_of_another_by_one_step():
    busy, small = UserFactory(username="busy"), UserFactory(username="small")
    queue_of(busy, 200)
    queue_of(small, 2)
    assert Run.objects.claimable(at=timezone.now()).count() == 202

    order = []
    while "small" not in order or len(order) < 12:
        run = next_run()
        order.append(run.evaluation.repository.namespace.name)
        assert claim_run(run_id=run.pk) is not None

    assert order == ["busy", "small", "busy", "small", *["busy"] * 8]
    assert QueueTurn.objects.count() == 2


def test_what_was_pushed_comes_before_pull_requests_and_those_before_old_commits():
    repository = RepositoryFactory()
    old = evaluation_of(repository, config_json="{}")
    opened = open_pull_request(
        repository=repository,
        user=repository.creator,
        title="Better",
        operations=[AddFile("config.json", b'{"b": 1}')],
    )
    proposed = Evaluation.objects.get(commit=opened.commit)
    pushed = evaluation_of(repository, config_json='{"a": 1}')

    order = []
    for _ in range(3):
        run = next_run()
        order.append(run.evaluation_id)
        claim_run(run_id=run.pk)

    assert order == [pushed.pk, proposed.pk, old.pk]


def test_short_steps_come_before_long_ones_of_others():
    benchmark("pairs")
    first = evaluation_of(RepositoryFactory(user=UserFactory(username="first")))
    passed_up_to(first, Step.COST)
    evaluation_of(RepositoryFactory(user=UserFactory(username="second")))

    assert next_run().step == Step.SCAN


def test_a_worker_goes_on_with_a_model_only_while_nobody_else_waits_for_such_a_step():
    benchmark("pairs")
    other = evaluation_of(RepositoryFactory(user=UserFactory(username="small")))
    passed_up_to(other, Step.SMOKE)
    first, *_ = uploads(UserFactory(username="busy"), 3)
    passed_up_to(first, Step.SMOKE)
    following = run_of(first, Step.COST).pk

    # Scans of their own wait, too, and come before long steps: they must not cover up that it is another's turn.
    assert next_run().step == Step.SCAN
    assert not turns.is_turn_of(following, at=timezone.now())

    passed(run_of(other, Step.COST))  # Which is a turn of the other's: the next is of those who waited longer.
    assert turns.is_turn_of(following, at=timezone.now())


def test_a_run_that_went_with_its_repository_has_no_turn():
    run = run_of(evaluation_of(), Step.SCAN)
    Run.objects.filter(pk=run.pk).delete()

    assert not turns.is_turn_of(run.pk, at=timezone.now())


def test_what_waited_long_has_every_second_turn():
    benchmark("pairs")
    patient = evaluation_of(RepositoryFactory(user=UserFactory(username="patient")))
    passed_up_to(patient, Step.COST)
    uploads(UserFactory(username="busy"), 4)
    later = timezone.now() + turns.PATIENCE + timedelta(seconds=1)

    steps = []
    for _ in range(3):
        run = next_run(at=later)
        steps.append(run.step)
        passed(run)
        if run.step == Step.BENCHMARK:
            Run.objects.filter(pk=run.pk).update(state=State.QUEUED)  # Another long one, as if it had waited as long.

    # The turn before was the cost step's, a long one.
    assert steps == [Step.SCAN, Step.BENCHMARK, Step.SCAN]


def test_the_newest_commit_is_measured_before_older_ones():
    repository = RepositoryFactory()
    old = evaluation_of(repository, config_json="{}")
    new = evaluation_of(repository, config_json='{"a": 1}')

    assert next_run() == run_of(new, Step.SCAN)
    claim_run(run_id=run_of(new, Step.SCAN).pk)
    assert next_run() == run_of(old, Step.SCAN)


def test_resting_and_leased_runs_have_no_turn():
    evaluation = evaluation_of()
    run = run_of(evaluation, Step.SCAN)
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now() + timedelta(minutes=1))
    assert list(turns.candidates(at=timezone.now())) == []

    Run.objects.filter(pk=run.pk).update(not_before=None)
    assert list(turns.candidates(at=timezone.now())) == [run.pk]
    claim_run(run_id=run.pk)
    assert list(turns.candidates(at=timezone.now())) == []


def test_choosing_costs_the_same_queries_however_long_the_queue_is(django_assert_max_num_queries):
    for _ in range(6):
        uploads(UserFactory(), 3)

    with django_assert_max_num_queries(4):
        next(turns.candidates(at=timezone.now()))
