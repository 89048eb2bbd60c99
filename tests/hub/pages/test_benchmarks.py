"""Pages of benchmarks, of the official suites, and of the domain packs."""

from pathlib import Path

import pytest
from django.test import Client

from evaluation.models import Score
from evaluation.official_suites import SUITES, missing_fields
from evaluation.services import standings
from hub.pages import benchmarks
from models_registry.models import Visibility
from tests.factories.accounts import UserFactory
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db
CORE = Path(__file__).resolve().parents[3] / "evaluation" / "suites" / "core"


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


@pytest.fixture
def pairs():
    return benchmark(chance=0.5, baseline={"name": "unigram words", "value": 0.45}, language=["en"])


def test_suites_name_only_sets_that_come_with_the_hub_or_can_be_imported():
    core = {folder.name for folder in CORE.iterdir() if (folder / "benchmark.json").is_file()}
    named = {key for suite in SUITES.values() for key in suite.benchmarks if key.startswith("core-")}

    assert {key for key in named if not any(key == name or key.startswith(f"{name}-") for name in core)} == set()
    for suite in SUITES.values():
        if suite.is_domain:
            assert {"core-translation-en-zh", "core-translation-zh-en"} <= set(suite.benchmarks)


def test_the_list_shows_what_is_registered_and_narrows_by_task(client, pairs):
    shown = html(client, "/benchmarks")
    assert "Grammar pairs, English" in shown
    assert "45.0 %" in shown
    assert "Grammar pairs" not in html(client, "/benchmarks?task=translation")
    assert "Grammar pairs" in html(client, "/benchmarks?task=text-generation")


def test_a_hub_without_benchmarks_says_what_to_do(client):
    assert "No benchmark here" in html(client, "/benchmarks")
    assert "None of its benchmarks is on this hub" in html(client, "/suites/names")


def test_a_benchmark_shows_its_rules_and_who_is_in_front(client, pairs):
    best, worse = model(name="best"), model(name="worse")
    measured(best, {pairs: 0.8})
    measured(worse, {pairs: 0.6})

    shown = html(client, f"/benchmarks/{pairs.key}")

    assert shown.index(best.full_name) < shown.index(worse.full_name)
    assert "unigram words" in shown
    assert "&quot;higher_is_better&quot;: true" in shown


def test_private_data_hide_their_benchmark(client, pairs):
    pairs.repository.visibility = Visibility.PRIVATE
    pairs.repository.save()

    assert client.get(f"/benchmarks/{pairs.key}").status_code == 404
    assert "Grammar pairs" not in html(client, "/benchmarks")
    client.force_login(pairs.repository.creator)
    assert "Grammar pairs" in html(client, "/benchmarks")


@pytest.mark.parametrize("address", ["/benchmarks/none", "/benchmarks/a%00b", "/suites/none", "/suites/a%00b"])
def test_what_is_not_there_is_not_found(client, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("query", ["?version=99", "?version=x", "?version=" + "9" * 30, "?task=a%00b", "?cursor=wrong"])
def test_odd_questions_break_nothing(client, pairs, query):
    assert client.get(f"/benchmarks/{pairs.key}{query}").status_code in {200, 400, 404}
    assert client.get(f"/benchmarks{query}").status_code in {200, 400}


def test_a_domain_counts_its_own_items_alone(client):
    talks = benchmark("core-turns-en", "Next turn of a talk, English", chance=0.25)
    strong, careful = model(name="strong"), model(name="careful")
    measured(strong, {talks: 0.9})
    measured(careful, {talks: 0.6})
    for repository, value in ((strong, 0.5), (careful, 0.75)):
        Score.objects.filter(repository=repository).update(metrics={"by_slice": {"law": {"n": 8, "value": value}}})
        standings.refresh(repository=repository)

    shown = html(client, "/suites/law")

    assert shown.index("careful") < shown.index("strong")
    assert "75.0" in shown
    assert "8 items" in shown
    assert "quote a clause that does not exist" in shown
    assert html(client, "/suites/talks").index("strong") < html(client, "/suites/talks").index("careful")


def test_a_set_with_large_numbers_does_not_crowd_out_another(client, monkeypatch):
    """What is better on one set says nothing of another: the first are found on each by itself."""
    monkeypatch.setattr(benchmarks, "LOOKED_AT", 1)
    large, small = benchmark("mutual", "Large numbers"), benchmark("core-turns-en", "Small numbers")
    for name, value in (("one", 0.9), ("two", 0.8)):
        measured(model(name=name), {large: value})
    measured(model(name="three"), {small: 0.3})

    shown = html(client, "/suites/talks")

    assert "<b>one</b>" in shown
    assert "<b>three</b>" in shown
    assert "<b>two</b>" not in shown


def test_the_queries_of_a_suite_do_not_grow(client, django_assert_max_num_queries):
    for number, key in enumerate(SUITES["law"].benchmarks):
        which = benchmark(key, f"Set {number}")
        for _ in range(3):
            measured(model(), {which: 0.5 + number / 100})
    for address, most in (("/suites/law", 8), ("/suites", 6), ("/benchmarks", 8)):
        with django_assert_max_num_queries(most):
            html(client, address)


def test_private_models_are_in_front_for_their_owner_alone(client, pairs):
    owner = UserFactory()
    hidden = model(user=owner, visibility=Visibility.PRIVATE)
    measured(hidden, {pairs: 0.99})
    assert hidden.full_name not in html(client, f"/benchmarks/{pairs.key}")
    assert hidden.full_name not in html(client, "/suites/language")
    client.force_login(owner)
    assert hidden.full_name in html(client, f"/benchmarks/{pairs.key}")


def test_a_card_tells_a_field_by_front_matter_or_by_heading():
    pack = SUITES["healthcare"]
    found = missing_fields(
        pack,
        metadata={"intended_use": "triage of letters", "population": ""},
        text="# Model\n\n## Out of scope\n\nDoses.\n\n### Human-oversight ###\n",
    )
    assert {field.field for field in found} == {"population", "data_origin", "known_failures"}


def test_every_suite_names_each_benchmark_once_and_every_domain_says_its_risk():
    for suite in SUITES.values():
        assert len(set(suite.benchmarks)) == len(suite.benchmarks) > 0
        assert suite.is_domain == bool(suite.risk) == bool(suite.card_fields) == (not suite.task)
