"""The front page and the lists."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories.accounts import UserFactory
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


def names(html: str) -> list[str]:
    """The rows of a list, in order."""
    return re.findall(r'<a class="title" href="/(?:datasets/)?([^"]+)"', html)


def page(client: Client, address: str = "/models", **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_hub_says_what_to_do(client):
    assert "Nothing has been published here yet" in page(client)
    assert "Nothing is here yet" in page(client, "/")


def test_the_list_shows_what_this_person_may_read(client):
    owner = UserFactory()
    shown, hidden = model(user=owner), model(user=owner, private=True)

    assert names(page(client)) == [shown.full_name]
    client.force_login(owner)
    assert set(names(page(client))) == {shown.full_name, hidden.full_name}


def test_words_find_names_and_summaries(client):
    first, _ = model(name="pico-lm"), model(name="wiki-5gram")

    assert names(page(client, "/models?q=PICO")) == [first.full_name]
    assert len(names(page(client, "/models?q=harbours"))) == 2
    assert "Nothing here fits all of this" in page(client, "/models?q=submarine")


def test_facets_narrow_and_each_chip_takes_itself_away(client):
    english = model(name="english")
    other = RepositoryFactory(name="german")
    put(other, {"README.md": "---\nlicense: mit\nlanguage: de\npipeline_tag: translation\n---\n"})

    html = page(client, "/models?task=text-generation&language=en&licence=apache-2.0&size=to-1mb")

    assert names(html) == [english.full_name]
    chips = re.findall(r'class="chip">(.*?)</span>', html)
    assert len(chips) == 4
    without_task = re.search(r'href="(\?[^"]*)" aria-label="Remove task Text completion"', html)[1]
    assert "task" not in without_task
    assert "language=en" in without_task


def test_open_licences_leave_out_what_may_not_be_sold(client):
    free = model(name="free")
    put(RepositoryFactory(name="bound"), {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})

    assert names(page(client, "/models?open=1")) == [free.full_name]


def test_showing_more_walks_the_whole_list_without_a_gap_or_repeat(client):
    everything = {model(name=f"tiny-{number:02}").full_name for number in range(45)}

    seen, address = [], "/models?sort=created"
    while address:
        html = page(client, address)
        seen += names(html)
        following = re.search(r'href="(\?[^"]*cursor=[^"]*)" hx-get', html)
        address = "/models" + following[1].replace("&amp;", "&") if following else ""

    assert len(seen) == 45
    assert set(seen) == everything


def test_a_cursor_that_is_not_ours_is_a_bad_request(client):
    model()

    assert client.get("/models?cursor=nonsense").status_code == 400


def test_htmx_gets_the_results_alone(client):
    model()

    fragment, whole = page(client, **{"HX-Request": "true"}), page(client)

    assert fragment.startswith('<div id="results">')
    assert "<html" not in fragment
    assert "<html" in whole
    assert "HX-Request" in client.get("/models").headers["Vary"]


def test_a_row_shows_the_score_on_its_scale_and_the_cost(client):
    repository = model()
    measured(repository, {benchmark(): 0.749})

    html = page(client)

    assert (
        'aria-label="Grammar pairs, English accuracy: 74.9 %; 95 % interval 72.9 to 76.9; majority 50; chance 50;'
        in html
    )
    assert "74.9" in html
    assert '38<span class="unit">ms</span>' in html


def test_a_row_without_a_score_says_why(client):
    measured(model(name="a"), {}, status="running")
    measured(model(name="b"), {}, verdict="quarantined")
    measured(model(name="c"), {}, states={"smoke": "timed_out"})

    html = page(client)

    assert "badge--running" in html
    assert "badge--quarantined" in html
    assert "timed out" in html


def test_within_a_task_every_row_shows_one_benchmark_on_one_axis(client):
    pairs, text = benchmark(), benchmark("core-text-en", "Running text")
    for number in range(3):
        measured(model(name=f"m{number}"), {pairs: 0.6 + number / 10, text: 0.9})

    html = page(client, "/models?task=text-generation")

    assert "ruler--axis" in html
    assert html.count("Grammar pairs, English accuracy:") == 3


def test_best_measured_ranks_by_the_common_benchmark(client):
    pairs = benchmark()
    for name, value in (("low", 0.6), ("high", 0.9), ("middle", 0.7)):
        measured(model(name=name), {pairs: value})
    model(name="unmeasured")

    order = names(page(client, "/models?task=text-generation&sort=best"))

    assert [name.split("/")[1] for name in order] == ["high", "middle", "low"]


@pytest.mark.parametrize("address", ["/models", "/models?task=text-generation", "/"])
def test_the_number_of_queries_does_not_grow_with_the_rows(client, address):
    pairs = benchmark()
    measured(model(), {pairs: 0.7})
    page(client, address)
    few = queries(client, address)
    for _ in range(9):
        measured(model(), {pairs: 0.7})
    cache.clear()
    page(client, address)

    assert queries(client, address) == few <= 14


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    return len(captured)


def test_data_sets_have_a_list_of_their_own(client):
    data = RepositoryFactory(dataset=True)
    model()

    assert names(page(client, "/datasets")) == [data.full_name]


def test_the_front_page_shows_a_measured_model_with_its_rulers(client):
    repository = model()
    measured(repository, {benchmark(): 0.749})

    html = page(client, "/")

    assert f"smallhub pull {repository.full_name}" in html
    assert html.count("reading--long") == 3


def test_hostile_words_in_filters_are_escaped(client):
    html = page(client, '/models?q="><script>alert(1)</script>&task=<i>&language="onload=x')

    assert "<script>alert" not in html
    assert "<i>" not in html
    assert '"onload' not in html


def test_models_are_sorted_by_measured_time_and_can_be_ticked(client):
    from tests.factories import pages

    pairs = pages.benchmark()
    quick, slow, untimed = pages.model(name="quick"), pages.model(name="slow"), pages.model(name="untimed")
    pages.measured(slow, {pairs: 0.9}, first_token_s=0.2)
    pages.measured(quick, {pairs: 0.6}, first_token_s=0.01)
    pages.measured(untimed, {pairs: 0.7}, first_token_s=None)
    page = client.get("/models?sort=fastest").content.decode()
    assert page.index(f'href="/{quick.full_name}"') < page.index(f'href="/{slow.full_name}"')
    assert f'href="/{untimed.full_name}"' not in page
    assert f'form="compare-form" name="models" value="{quick.full_name}"' in page
    front = client.get("/").content.decode()
    assert "All leaderboards" in front
    assert 'href="/leaderboards/core-pairs-en"' in front
