"""The page of single items: what was asked, said, true, and how it was before."""

import re

import pytest
from django.utils import timezone

from evaluation.models import Comparison, ItemOutputs, Receipt
from evaluation.services import browsing
from models_registry.models import Visibility
from tests.factories.outputs import answered, set_of_texts
from tests.factories.pages import measured, model
from tests.factories.registry import put

pytestmark = pytest.mark.django_db


@pytest.fixture
def benchmark():
    return set_of_texts()


@pytest.fixture
def repository():
    return model(name="mood")


def address(repository, receipt, query: str = "") -> str:
    return f"/{repository.full_name}/evaluations/{repository.head}/receipts/{receipt.sha256}/items{query}"


def html(client, repository, receipt, query: str = "") -> str:
    answer = client.get(address(repository, receipt, query))
    assert answer.status_code == 200
    return answer.content.decode()


def shown(page: str) -> list[str]:
    return re.findall(r'<header><span class="hash">([^<]+)</span>', page)


def test_an_item_shows_what_was_asked_what_was_said_and_what_is_true(client, repository, benchmark):
    receipt = answered(repository, benchmark)

    page = html(client, repository, receipt)

    assert len(shown(page)) == browsing.PER_PAGE
    assert "the boat sank 0" in page
    assert "1–25 of 32" in page
    assert shown(html(client, repository, receipt, "?start=25")) == [f"{c}-{n}" for c in (6, 7) for n in range(4)][1:]


def test_items_are_narrowed_by_right_by_part_and_by_label(client, repository, benchmark):
    receipt = answered(repository, benchmark, said={"1-1": "b"})

    assert shown(html(client, repository, receipt, "?show=wrong&part=law")) == [
        name for name in (f"{copy}-{number}" for copy in (1, 3, 5, 7) for number in (1, 3)) if name != "1-1"
    ]
    assert shown(html(client, repository, receipt, "?gold=b&said=b")) == ["1-1"]
    assert shown(html(client, repository, receipt, "?gold=a&said=b")) == []
    assert "No such item" in html(client, repository, receipt, "?part=elsewhere")


def test_confusion_and_calibration_are_counted_from_the_items(client, repository, benchmark):
    receipt = answered(repository, benchmark, said={"1-1": "b"})

    page = browsing.browse(receipt, benchmark)

    assert [[n for n, _ in cells] for _, cells in page.confusion.rows] == [[16, 0], [15, 1]]
    assert sum(each.n for each in page.calibration.bins) == 32
    expected = sum(each.n * abs(each.sure - each.right) for each in page.calibration.bins) / 32
    assert page.calibration.error == pytest.approx(expected)
    assert "truly b, said a: 15" in html(client, repository, receipt)


def test_flipped_items_stand_beside_the_version_before(client, repository, benchmark):
    before = answered(repository, benchmark, said={"0-1": "b", "0-3": "b"})
    old = before.of_run.evaluation
    put(repository, {"config.json": '{"a": 1}'})
    repository.refresh_from_db()
    after = answered(repository, benchmark, said={"0-3": "b", "2-1": "b"})
    Comparison.objects.create(evaluation=after.of_run.evaluation, base=old, asked_at=timezone.now())

    assert shown(html(client, repository, after, "?show=better")) == ["2-1"]
    assert shown(html(client, repository, after, "?show=worse")) == ["0-1"]
    assert "Beside the version before" in html(client, repository, after, "?show=flipped")
    assert browsing.browse(after, benchmark, against=before).counts["flipped"] == 2


def test_who_may_not_have_the_data_sees_no_item(client, repository, benchmark):
    receipt = answered(repository, benchmark)
    benchmark.repository.visibility = Visibility.PRIVATE
    benchmark.repository.save()

    page = html(client, repository, receipt)

    assert "Its data are not yours to see" in page
    assert "the boat sank" not in page


def test_a_result_without_items_or_with_an_old_declaration_says_so(client, repository, benchmark):
    receipt = answered(repository, benchmark)
    ItemOutputs.objects.all().delete()
    assert "The answers were not kept" in html(client, repository, receipt)

    from tests.factories.pages import benchmark as plain

    other = plain("plain")
    measured(repository, {other: 0.6})
    assert "The answers were not kept" in html(client, repository, Receipt.objects.get(run__benchmark=other))


@pytest.mark.parametrize("query", ["?start=-1", "?start=999999999", "?show=no", "?part=%00", "?gold=%00", "?against=x"])
def test_odd_questions_break_nothing(client, repository, benchmark, query):
    receipt = answered(repository, benchmark)
    assert client.get(address(repository, receipt, query)).status_code in {200, 400}


def test_the_queries_do_not_depend_on_the_items(client, repository, benchmark, django_assert_max_num_queries):
    receipt = answered(repository, benchmark)
    with django_assert_max_num_queries(30):
        html(client, repository, receipt)
