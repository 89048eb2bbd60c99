"""Models by need: who is chosen, why, and what is said when nothing fits."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from evaluation.models import Benchmark
from evaluation.needs import ALIASES, Need, canonical_task, find
from evaluation.querysets_standings import Limits
from models_registry.labels import TASKS
from models_registry.models import Gated, Visibility
from models_registry.services.settings import Changes, update_settings
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()
ADDRESS = "/api/v1/models/find"


def task_benchmark(key: str, title: str, task: str, **definition) -> Benchmark:
    made = benchmark(key, title, **definition)
    Benchmark.objects.filter(pk=made.pk).update(task=task)
    made.refresh_from_db()
    return made


def stand(which: Benchmark, *values: float, **cost):
    made = [model() for _ in values]
    for row, value in zip(made, values, strict=True):
        measured(row, {which: value}, **cost)
    return made


@pytest.fixture
def german() -> Benchmark:
    return task_benchmark("ner-de", "Entities, German", "token-classification", language=["de"])


def named(found) -> list[str]:
    return [row.standing.repository.full_name for row in found.candidates]


def test_the_best_that_fits_comes_first_with_its_reason(german: Benchmark) -> None:
    slow, best, near, far = (
        stand(german, value, bytes=20_000_000, first_token_s=ms / 1e3)[0]
        for value, ms in ((0.95, 90), (0.90, 12), (0.89, 10), (0.6, 5))
    )
    found = find(NOBODY, Need("ner", language="de", limits=Limits(max_bytes=30e6, max_ms=15, licence="permissive")))
    assert named(found) == [best.full_name, near.full_name, far.full_name]
    assert (found.task, found.benchmark, found.fitting, found.measured) == ("token-classification", german, 3, 4)
    first, second, third = (row.reason for row in found.candidates)
    assert first == "Best of those that fit: accuracy 90.0 % (88.0–92.0) on Entities, German."
    assert second.endswith("1 point behind the first; their intervals overlap.")
    assert third.endswith("30 points behind the first.")
    assert [str(row.rank) for row in found.candidates] == ["1–2", "1–2", "3"]
    assert slow.full_name not in named(found)


def test_when_nothing_fits_the_limit_that_excludes_most_and_the_nearest_are_named(german: Benchmark) -> None:
    stand(german, 0.9, 0.8, bytes=31_200_000, first_token_s=0.01)
    stand(german, 0.7, bytes=90_000_000, first_token_s=0.02)
    found = find(NOBODY, Need("ner", limits=Limits(max_bytes=30e6, max_ms=15)))
    assert not found.candidates
    assert found.excluded == {"max_mb": 3, "max_ms": 1}
    assert found.message.startswith("No model fits all of this. max_mb excludes most: 3 of 3 models. The nearest is ")
    assert found.message.endswith(", 1.2 MB over.")
    assert found.nearest is not None
    assert found.nearest.size_bytes == 31_200_000


def test_what_was_not_timed_fits_no_limit_on_time(german: Benchmark) -> None:
    stand(german, 0.9, first_token_s=None)
    found = find(NOBODY, Need("ner", limits=Limits(max_ms=1e6)))
    assert found.excluded == {"max_ms": 1}


def test_a_name_that_says_more_than_the_task_chooses_its_benchmarks() -> None:
    topics = task_benchmark("topics", "Topics", "text-classification")
    moods = task_benchmark("core-sentiment", "Sentiment", "text-classification")
    stand(topics, 0.9, 0.8, 0.7)
    (mood,) = stand(moods, 0.6)
    assert named(find(NOBODY, Need("sentiment"))) == [mood.full_name]
    assert find(NOBODY, Need("classification")).benchmark == topics, "the one that most models stand on"
    assert find(NOBODY, Need("text-classification", benchmark="core-sentiment")).benchmark == moods


def test_the_least_score_counts_in_the_metrics_own_direction() -> None:
    bits = benchmark("bits", "Bits", unit="bits/byte", higher_is_better=False, language=["en"])
    good, _bad = stand(bits, 1.5, 2.5)
    assert named(find(NOBODY, Need("lm", language="en-GB", min_score=2.0))) == [good.full_name]


def test_languages_and_tasks_that_nothing_measures_are_said(german: Benchmark) -> None:
    assert (
        find(NOBODY, Need("ner", language="fr")).message
        == "Nothing measures token-classification in fr here; there is de."
    )
    assert find(NOBODY, Need("juggling")).message == "Nothing measures juggling here; there is token-classification."
    assert "No benchmark nope measures this here." in find(NOBODY, Need("ner", benchmark="nope")).message
    assert find(NOBODY, Need("ner")).message == "No model has been measured for this yet."


def test_only_what_the_asker_may_pull_is_offered(german: Benchmark) -> None:
    shown, private, gated = stand(german, 0.7, 0.9, 0.8)
    update_settings(repository=private, user=private.creator, changes=Changes(visibility=Visibility.PRIVATE))
    update_settings(repository=gated, user=gated.creator, changes=Changes(gated=Gated.MANUAL))
    need = Need("ner")
    assert named(find(NOBODY, need)) == [shown.full_name]
    assert named(find(private.creator, need)) == [private.full_name, shown.full_name]
    assert named(find(gated.creator, need)) == [gated.full_name, shown.full_name]
    missed = find(NOBODY, replace(need, limits=Limits(max_bytes=1)))
    assert missed.measured == 1


def test_every_alias_leads_to_a_task_that_has_a_name() -> None:
    for alias, (task, _) in ALIASES.items():
        assert task in TASKS, alias
        assert canonical_task(alias.upper()) == task
    assert canonical_task("Token Classification") == "token-classification"


def test_the_answer_pins_the_very_commit_and_bad_questions_are_refused(
    client: Client, german: Benchmark, django_assert_max_num_queries
) -> None:
    (row,) = stand(german, 0.9)
    with django_assert_max_num_queries(8):
        answer = client.get(ADDRESS, {"task": "ner", "language": "de", "max_mb": 100, "licence": "apache-2.0"}).json()
    (item,) = answer["items"]
    assert (item["pin"], item["rank"]) == (f"{row.full_name}@{row.head}", {"best": 1, "worst": 1})
    assert (answer["benchmark"], answer["message"], answer["nearest"]) == ("ner-de", "", None)
    none = client.get(ADDRESS, {"task": "ner", "max_mb": 1}).json()
    assert none["nearest"]["model"] == row.full_name
    assert none["items"] == []
    for question in ({}, {"task": "ner", "max_mb": "x"}, {"task": "ner", "limit": 0}, {"task": "ner", "max_ms": "inf"}):
        assert client.get(ADDRESS, question).status_code == 400, question
    assert client.get(ADDRESS, {"task": "ner", "format": "csv"}).content.startswith(b"model,")
