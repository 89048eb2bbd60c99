"""Standings say what the scores, releases and cards say, by increments just as by a rebuild."""

import random

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from evaluation.models import Benchmark, Evaluation, Score, Standing, State, Step
from evaluation.querysets_standings import Limits
from evaluation.services import standings
from evaluation.services.outcomes import ScanNews
from evaluation.services.runs import rerun
from models_registry.models import Repository, ScanVerdict, Visibility
from models_registry.services.releases import create_release, unyank, yank
from models_registry.services.settings import Changes, update_settings
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of, score
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
TEXT = {
    "rows": b'{"id": "1", "text": "a b"}\n',
    "fields": {"id": "id", "text": "text"},
    "scorer": "language_modelling",
    "scorer_args": {},
    "main_metric": "bits_per_byte",
    "unit": "bits/byte",
    "higher_is_better": False,
    "chance": None,
}
CARD = "---\nlicense: {licence}\nlanguage: [de, en]\npipeline_tag: text-generation\n---\nA card.\n"


def scored(repository: Repository, key: str = "pairs", **changes) -> Evaluation:
    """The head's evaluation, run to its end through the services."""
    evaluation = Evaluation.objects.get(commit__repository=repository, commit__oid=repository.head)
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK, key), score=score(**changes))
    return evaluation


def with_card(repository: Repository, licence: str = "mit") -> Repository:
    put(repository, {"README.md": CARD.format(licence=licence), "config.json": "{}"})
    repository.refresh_from_db()
    return repository


def facts() -> list[dict]:
    return [row.facts() for row in Standing.objects.order_by("repository_id", "benchmark_id")]


@pytest.fixture
def pairs() -> Benchmark:
    return benchmark()


def test_a_score_becomes_a_standing_in_the_transaction_that_ends_its_run(pairs: Benchmark) -> None:
    model = with_card(RepositoryFactory())
    evaluation = scored(model)
    row = Standing.objects.get()
    assert (row.repository, row.benchmark, row.commit, row.release) == (model, pairs, model.head, "")
    assert (row.value, row.low, row.high, row.n, row.merit, row.merit_low) == (0.75, 0.6, 0.86, 40, 0.75, 0.6)
    assert (row.licence, row.licence_class, row.language_codes) == ("mit", "permissive", ["de", "en"])
    assert row.receipt == run_of(evaluation, Step.BENCHMARK, "pairs").receipt.sha256
    assert (row.size_bytes, row.size_class) == (model.size_bytes, "to-1mb")
    assert row.first_ms is None
    assert row.order_ms > 1e20, "nothing was timed, so it sorts last"


def test_where_less_is_better_the_merit_is_turned_around() -> None:
    benchmark("text", **TEXT)
    scored(with_card(RepositoryFactory()), "text", value=1.8, low=1.7, high=1.95, higher_is_better=False)
    row = Standing.objects.get()
    assert (row.merit, row.merit_low, row.merit_high) == (-1.8, -1.95, -1.7)


def test_the_measured_latest_release_stands_before_the_head(pairs: Benchmark) -> None:
    model = with_card(RepositoryFactory())
    first = model.head
    scored(model, value=0.7, low=0.6, high=0.8)
    release = create_release(repository=model, user=model.creator, name="v1.0.0")
    assert Standing.objects.get().release == "v1.0.0"
    with_card(model, licence="cc-by-nc-4.0")
    scored(model, value=0.9, low=0.8, high=0.95)
    row = Standing.objects.get()
    assert (row.commit, row.value, row.licence_class) == (first, 0.7, "permissive"), "its own card, not the head's"
    yank(release=release, user=model.creator, reason="Wrong data")
    assert not Standing.objects.exists(), "nobody gets a version of it as `latest`"
    unyank(release=release, user=model.creator)
    assert Standing.objects.get().commit == first


def test_the_version_before_stands_until_all_of_a_new_head_has_begun(pairs: Benchmark) -> None:
    benchmark("text", **TEXT)
    model = with_card(RepositoryFactory())
    before = scored(model)
    passed(run_of(before, Step.BENCHMARK, "text"), score=score(value=1.8, low=1.7, high=1.95, higher_is_better=False))
    first = model.head

    with_card(model, licence="cc-by-nc-4.0")

    assert {row.commit for row in Standing.objects.all()} == {first}
    evaluation = scored(model)
    assert [(row.commit, row.licence) for row in Standing.objects.all()] == [(first, "mit")] * 2
    passed(run_of(evaluation, Step.BENCHMARK, "text"), state=State.FAILED, score=None, receipt=None)
    assert [(row.benchmark, row.commit) for row in Standing.objects.all()] == [(pairs, model.head)]
    rerun(run=run_of(evaluation, Step.BENCHMARK, "text"), user=model.creator)
    assert Standing.objects.get().commit == model.head
    assert standings.rebuild().changed == 0


def test_a_release_that_was_not_measured_yet_leaves_the_head_standing(pairs: Benchmark) -> None:
    model = with_card(RepositoryFactory())
    scored(model)
    Score.objects.all().delete()
    standings.refresh(repository=model)
    create_release(repository=model, user=model.creator, name="v1.0.0")
    assert not Standing.objects.exists()


def test_quarantined_versions_and_scores_that_are_asked_for_again_are_out(pairs: Benchmark) -> None:
    model = with_card(RepositoryFactory())
    evaluation = scored(model)
    run = run_of(evaluation, Step.BENCHMARK, "pairs")
    rerun(run=run, user=model.creator)
    assert not Standing.objects.exists()
    passed(run)
    assert Standing.objects.count() == 1
    scan = run_of(evaluation, Step.SCAN)
    rerun(run=scan, user=model.creator)
    passed(scan, scan=ScanNews(ScanVerdict.QUARANTINED))
    assert not Standing.objects.exists()


def test_private_models_are_shown_to_their_people_alone(pairs: Benchmark) -> None:
    model = with_card(RepositoryFactory())
    scored(model)
    stranger: User = RepositoryFactory().creator
    assert Standing.objects.visible_to(AnonymousUser()).count() == Standing.objects.public().count() == 1
    update_settings(repository=model, user=model.creator, changes=Changes(visibility=Visibility.PRIVATE))
    for viewer in (AnonymousUser(), stranger):
        assert not Standing.objects.visible_to(viewer).exists()
    assert not Standing.objects.public().exists()
    assert Standing.objects.visible_to(model.creator).count() == 1


def test_limits_leave_out_what_was_not_measured() -> None:
    benchmark()
    scored(with_card(RepositoryFactory()))
    for limits, fits in (
        (Limits(), True),
        (Limits(max_bytes=10_000), True),
        (Limits(max_bytes=1), False),
        (Limits(max_ms=1e9), False),
        (Limits(licence="permissive"), True),
        (Limits(licence="MIT"), True),
        (Limits(licence="apache-2.0"), False),
        (Limits(language="de"), True),
        (Limits(language="d"), False),
        (Limits(size="to-1mb"), True),
        (Limits(size="from-1gb"), False),
        (Limits(min_merit=0.8), False),
    ):
        assert Standing.objects.within(limits).exists() is fits, limits


def test_a_rebuild_finds_what_increments_left(pairs: Benchmark) -> None:
    """A random life of three models; after each step a rebuild has nothing to change."""
    benchmark("text", **TEXT)
    draw = random.Random(7)
    models = [with_card(RepositoryFactory()) for _ in range(3)]
    releases: list = []
    for step in range(14):
        model = draw.choice(models)
        deed = draw.choice(["commit", "score", "score", "release", "yank", "again"])
        evaluation = Evaluation.objects.get(commit__repository=model, commit__oid=model.head)
        if deed == "commit":
            with_card(model, draw.choice(["mit", "gpl-3.0"]) + " " * (step % 2))
        elif deed == "score" and evaluation.status != "done":
            passed_up_to(evaluation, Step.COST)
            for run in evaluation.runs.exclude(benchmark=None):
                passed(run, score=score(value=draw.random()))
        elif deed == "release":
            releases.append(create_release(repository=model, user=model.creator, name=f"v0.{step}.0"))
        elif deed == "yank" and releases:
            gone = releases.pop()
            yank(release=gone, user=gone.repository.creator, reason="Gone")
        elif deed == "again" and evaluation.status == "done":
            rerun(run=evaluation.runs.exclude(benchmark=None).first(), user=model.creator)
        before = facts()
        assert standings.rebuild().changed == 0, f"step {step}, {deed}"
        assert facts() == before
    assert before
    Standing.objects.all().delete()
    assert standings.rebuild() == standings.Report(models=3, changed=len(before))
    assert facts() == before


def test_numbers_that_are_none_have_no_place(pairs: Benchmark) -> None:
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK, "pairs"))
    assert Standing.objects.count() == 1
    Score.objects.update(value=float("inf"))
    standings.refresh(repository=evaluation.repository)
    assert not Standing.objects.exists()
