"""Benchmarks are pinned, versioned, and given to models that were here before them."""

import pytest

from evaluation.exceptions import BenchmarkInvalid
from evaluation.models import Benchmark, Evaluation, Run, State, Step
from evaluation.services import measure_heads_with, register_benchmark
from models_registry.exceptions import RepositoryInUse
from models_registry.services.repositories import delete_repository
from tests.factories.evaluation import (
    benchmark,
    declaration,
    evaluation_of,
    passed,
    passed_up_to,
    run_of,
)
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db

OTHER_ROWS = b'{"id": "1", "good": "c d", "bad": "d c"}\n'


def test_registering_the_same_again_changes_nothing():
    first = benchmark("pairs")

    again = register_benchmark(
        repository=first.repository, commit=first.repository.commits.first(), definition=declaration("pairs")
    )

    assert again == first
    assert Benchmark.objects.count() == 1


def test_a_new_card_alone_makes_no_new_version():
    first = benchmark("pairs")
    newer = put(first.repository, {"README.md": "# Words"})

    assert register_benchmark(repository=first.repository, commit=newer, definition=declaration("pairs")) == first
    first.refresh_from_db()
    assert first.commit != newer.oid


def test_other_data_make_a_new_version_and_end_what_had_not_begun_of_the_old():
    first = benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)

    second = benchmark("pairs", OTHER_ROWS, repository=first.repository)

    first.refresh_from_db()
    assert (first.is_active, second.is_active, second.version) == (False, True, 2)
    assert second.definition["version"] == 2
    run = Run.objects.get(benchmark=first)
    assert run.state == State.NOT_APPLICABLE
    assert "newer version" in run.reason
    evaluation.refresh_from_db()
    assert evaluation.status == "done"


def test_the_data_must_be_in_the_commit_with_the_declared_hash():
    repository = RepositoryFactory(dataset=True)
    commit = put(repository, {"data/test.jsonl": OTHER_ROWS})

    with pytest.raises(BenchmarkInvalid, match=r"data/test\.jsonl"):
        register_benchmark(repository=repository, commit=commit, definition=declaration("pairs"))


def test_a_name_belongs_to_the_data_set_that_had_it_first():
    benchmark("pairs")

    with pytest.raises(BenchmarkInvalid, match="belongs"):
        benchmark("pairs", OTHER_ROWS, repository=RepositoryFactory(dataset=True))


def test_only_data_sets_can_be_benchmarks():
    repository = RepositoryFactory()
    commit = put(repository, {"data/test.jsonl": b'{"id": "1", "good": "a b", "bad": "b a"}\n'})

    with pytest.raises(BenchmarkInvalid, match="data set"):
        register_benchmark(repository=repository, commit=commit, definition=declaration("pairs"))


def test_heads_that_were_here_before_are_measured_as_well():
    repository = RepositoryFactory()
    old = evaluation_of(repository, config_json="{}")
    head = evaluation_of(repository, config_json='{"a": 1}')
    passed_up_to(head, Step.COST)
    waiting = evaluation_of()
    assert head.status == "queued"

    made = benchmark("pairs")
    added = measure_heads_with(made)

    assert added == 2
    assert run_of(head, Step.BENCHMARK, "pairs").state == "queued"
    assert run_of(waiting, Step.BENCHMARK, "pairs").state == "waiting"
    assert not old.runs.filter(step=Step.BENCHMARK).exists()
    head.refresh_from_db()
    assert head.status == "running"
    made.refresh_from_db()
    assert made.spread_after is None
    assert measure_heads_with(made) == 0


def test_a_round_that_is_cut_short_goes_on_where_it_stopped():
    evaluations = [evaluation_of() for _ in range(5)]
    made = benchmark("pairs")
    total = Evaluation.objects.count()

    rounds = 0
    while made.spread_after is not None:
        measure_heads_with(made, limit=2)
        made.refresh_from_db()
        rounds += 1

    assert rounds >= total // 2
    for evaluation in evaluations:
        assert evaluation.runs.filter(benchmark=made).count() == 1


def test_a_model_asked_for_since_has_its_run_once():
    made = benchmark("pairs")
    evaluation = evaluation_of()

    measure_heads_with(made)

    assert evaluation.runs.filter(benchmark=made).count() == 1


def test_a_finished_evaluation_is_done_again_after_the_new_benchmark():
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    evaluation.refresh_from_db()
    assert evaluation.status == "done"

    measure_heads_with(benchmark("pairs"))
    passed(run_of(evaluation, Step.BENCHMARK))

    evaluation.refresh_from_db()
    assert evaluation.status == "done"


def test_data_that_scores_stand_on_cannot_be_deleted():
    made = benchmark("pairs")

    with pytest.raises(RepositoryInUse):
        delete_repository(repository=made.repository, user=made.repository.creator)

    assert Benchmark.objects.filter(pk=made.pk).exists()
