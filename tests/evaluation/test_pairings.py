"""Models told apart by the same items where these are kept, by intervals where not."""

import json
import time

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache

from evaluation.models import ItemOutputs, Receipt, Standing, Step
from evaluation.pairings import against, by_intervals, matrix
from models_registry.models import Repository, Visibility
from models_registry.services.settings import Changes, update_settings
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, receipt, run_of, score

pytestmark = pytest.mark.django_db
N = 60


@pytest.fixture(autouse=True)
def forget() -> None:
    cache.clear()


def stands(right: list[bool], key: str = "pairs") -> Repository:
    """A model with real rows of minimal pairs, right or wrong as told."""
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    rows = [
        {"id": f"{index:03}", "good": 1.0 if is_right else 0.0, "bad": 0.5, "right": is_right, "group": ""}
        for index, is_right in enumerate(right)
    ]
    lines = "".join(json.dumps(row, sort_keys=True, separators=(",", ":")) + "\n" for row in rows).encode()
    share = sum(right) / len(right)
    value = score(value=share, low=max(0.0, share - 0.12), high=min(1.0, share + 0.12), n=len(right))
    run = run_of(evaluation, Step.BENCHMARK, key)
    passed(run, score=value, receipt=receipt(str(evaluation.pk), lines))
    return evaluation.repository


def standing(repository: Repository) -> Standing:
    return Standing.objects.with_names().get(repository=repository)


def test_the_same_items_tell_apart_what_intervals_do_not() -> None:
    """Seven items won and none lost is a difference, though the intervals overlap widely."""
    benchmark()
    first = stands([True] * 40 + [False] * 20)
    second = stands([True] * 47 + [False] * 13)
    one, two = standing(first), standing(second)
    assert by_intervals(one, two).word == "unclear"
    told = against(one, [two], until=time.monotonic() + 60)[two.pk]
    assert (told.word, told.is_paired, told.n) == ("better", True, N)
    assert told.difference == pytest.approx(7 / N)
    assert told.low is not None
    assert told.low > 0
    turned = against(two, [one], until=time.monotonic() + 60)[one.pk]
    assert (turned.word, turned.difference) == ("worse", pytest.approx(-7 / N))


def test_models_of_other_number_types_are_compared_for_that_is_what_people_ask() -> None:
    benchmark()
    one, two = standing(stands([True] * 40 + [False] * 20)), standing(stands([True] * 47 + [False] * 13))
    for row, dtype in ((one, "float32"), (two, "bfloat16")):
        kept = Receipt.objects.get(sha256=row.receipt)
        body = json.loads(kept.body)
        Receipt.objects.filter(pk=kept.pk).update(body=json.dumps(body | {"model": {"dtype": dtype}}))

    told = against(one, [two], until=time.monotonic() + 60)[two.pk]

    assert (told.word, told.is_paired) == ("better", True)


def test_what_was_worked_out_is_remembered_and_without_time_the_intervals_decide() -> None:
    benchmark()
    one, two = standing(stands([True] * 40 + [False] * 20)), standing(stands([True] * 47 + [False] * 13))
    late = against(one, [two], until=time.monotonic() - 1)[two.pk]
    assert (late.word, late.is_paired) == ("unclear", False)
    paired = against(one, [two], until=time.monotonic() + 60)
    ItemOutputs.objects.all().delete()
    assert against(one, [two], until=time.monotonic() - 1) == paired


def test_without_kept_items_the_intervals_decide() -> None:
    benchmark()
    one, two = standing(stands([True] * 10 + [False] * 50)), standing(stands([True] * 55 + [False] * 5))
    ItemOutputs.objects.all().delete()
    told = against(one, [two], until=time.monotonic() + 60)[two.pk]
    assert (told.word, told.method, told.is_paired) == ("better", "intervals", False)


def test_a_matrix_has_what_the_viewer_may_see(django_assert_max_num_queries) -> None:
    pairs = benchmark()
    models = [stands([True] * 40 + [False] * 20), stands([True] * 47 + [False] * 13)]
    with django_assert_max_num_queries(6):
        found = matrix(AnonymousUser(), models)
    assert set(found.standings[pairs.pk]) == {model.pk for model in models}
    assert found.told[standing(models[1]).pk].word == "better"
    assert found.of(models[0]) == standing(models[0])
    data = pairs.repository
    update_settings(repository=data, user=data.creator, changes=Changes(visibility=Visibility.PRIVATE))
    assert matrix(AnonymousUser(), models).standings == {}
