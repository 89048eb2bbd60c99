"""Tables by API: as JSON and CSV, page by page, with an ETag; and models compared."""

import csv
import io

import pytest
from django.test import Client

from evaluation.models import Benchmark, Score
from evaluation.services.standings import rebuild, refresh
from models_registry.models import Visibility
from models_registry.services.settings import Changes, update_settings
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db
BOARD = "/api/v1/leaderboards/benchmarks/core-pairs-en"


@pytest.fixture
def pairs() -> Benchmark:
    return benchmark(baseline={"name": "majority", "value": 0.62}, chance=0.5, language=["en"])


def stand(pairs: Benchmark, *values: float, **cost):
    made = [model() for _ in values]
    for row, value in zip(made, values, strict=True):
        measured(row, {pairs: value}, **cost)
    return made


def test_a_row_says_all_that_a_board_shows(client: Client, pairs: Benchmark) -> None:
    (row,) = stand(pairs, 0.75)
    answer = client.get(BOARD).json()
    assert (answer["total"], answer["metric"], answer["chance"], answer["next_cursor"]) == (1, "accuracy", 0.5, None)
    item = answer["items"][0]
    assert item["model"] == row.full_name
    assert item["rank"] == {"best": 1, "worst": 1}
    assert item["interval"] == pytest.approx([0.73, 0.77])
    assert (item["bytes"], item["first_ms"], item["peak_memory_bytes"]) == (66_900_000, 38.0, 398_000_000)
    assert (item["licence"], item["licence_class"], item["languages"]) == ("apache-2.0", "permissive", ["en"])
    assert (item["commit"], item["on_front"], item["size_class"]) == (row.head, True, "10mb-100mb")
    assert client.get(item["receipt"]).status_code == 200


def test_a_tier_is_asked_for_by_name_and_never_mixed(client: Client, pairs: Benchmark) -> None:
    whole, part = stand(pairs, 0.6, 0.9)
    Score.objects.filter(repository=part).update(tier="quick", n=10)
    refresh(repository=part)
    rebuilt = rebuild()

    answer = client.get(BOARD).json()
    assert ([row["model"] for row in answer["items"]], answer["tier"]) == ([whole.full_name], "standard")
    assert answer["tiers"] == {"standard": 1, "quick": 1, "smoke": 0}
    answer = client.get(BOARD, {"tier": "quick"}).json()
    (row,) = answer["items"]
    assert (row["model"], row["tier"], row["n"], row["rank"]) == (part.full_name, "quick", 10, {"best": 1, "worst": 1})
    (line,) = csv.DictReader(io.StringIO(client.get(BOARD, {"tier": "quick", "format": "csv"}).content.decode()))
    assert (line["model"], line["tier"]) == (part.full_name, "quick")
    assert client.get(BOARD, {"tier": "best"}).status_code == 400
    found = client.get("/api/v1/models", {"task": pairs.task, "language": "en"}).json()
    assert part.full_name not in str(found)
    assert rebuilt.changed == 0


def test_pages_of_a_board_join_without_gap_in_every_order(client: Client, pairs: Benchmark) -> None:
    models = stand(pairs, 0.5, 0.9, 0.7, 0.6, 0.8)
    for order in ("score", "size", "ms", "memory", "licence"):
        seen, cursor = [], ""
        while cursor is not None:
            answer = client.get(BOARD, {"sort": order, "limit": 2} | ({"cursor": cursor} if cursor else {})).json()
            seen += [item["model"] for item in answer["items"]]
            cursor = answer["next_cursor"]
        assert sorted(seen) == sorted(row.full_name for row in models), order


def test_a_board_of_those_that_are_at_least_so_good(client: Client, pairs: Benchmark) -> None:
    good, _poor = stand(pairs, 0.8, 0.6)
    assert [item["model"] for item in client.get(BOARD, {"min_score": 0.7}).json()["items"]] == [good.full_name]


def test_the_same_table_as_csv_and_by_etag(client: Client, pairs: Benchmark) -> None:
    (row,) = stand(pairs, 0.75)
    answer = client.get(BOARD, {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    (line,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (line["model"], line["rank.best"], line["value"]) == (row.full_name, "1", "0.75")
    assert line["interval"] == "0.73 0.77"
    again = client.get(BOARD, {"format": "csv"}, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(BOARD)["ETag"] != answer["ETag"]
    measured(row, {pairs: 0.8})
    assert client.get(BOARD, {"format": "csv"}, headers={"If-None-Match": answer["ETag"]}).status_code == 200


def test_a_cell_that_a_spreadsheet_would_run_stays_a_text(client: Client, pairs: Benchmark) -> None:
    from evaluation.models import Standing

    stand(pairs, 0.75)
    Standing.objects.update(licence='=cmd|"/c calc"')
    body = client.get(BOARD, {"format": "csv"}).content.decode()
    (line,) = csv.DictReader(io.StringIO(body))
    assert line["licence"] == '\'=cmd|"/c calc"'


@pytest.mark.parametrize(
    "question",
    [
        {"max_mb": "much"},
        {"max_ms": "nan"},
        {"max_mb": "-1"},
        {"sort": "beauty"},
        {"size": "huge"},
        {"limit": "0"},
        {"limit": "1000"},
        {"version": "0"},
        {"cursor": "forged"},
        {"axis": "colour"},
        {"min_score": "good"},
    ],
)
def test_a_bad_question_is_refused_by_name(client: Client, pairs: Benchmark, question: dict[str, str]) -> None:
    answer = client.get(BOARD, question)
    assert answer.status_code == 400
    assert answer.json()["code"]


def test_groups_and_the_list_leave_out_what_is_hidden(client: Client, pairs: Benchmark) -> None:
    shown, hidden = stand(pairs, 0.7, 0.9)
    update_settings(repository=hidden, user=hidden.creator, changes=Changes(visibility=Visibility.PRIVATE))
    (entry,) = client.get("/api/v1/leaderboards").json()["items"]
    assert (entry["models"], entry["front_runner"], entry["languages"]) == (1, shown.full_name, ["en"])
    for path in ("tasks/text-generation", "languages/en", "sizes/10mb-100mb"):
        items = client.get(f"/api/v1/leaderboards/{path}").json()["items"]
        assert [item["model"] for item in items] == [shown.full_name], path
    assert client.get("/api/v1/leaderboards/domains/law").json()["items"] == []
    assert client.get("/api/v1/leaderboards/sizes/huge").status_code == 404
    assert client.get("/api/v1/leaderboards/tasks/text-generation?format=csv").content.startswith(b"model,")


def test_models_are_compared_against_the_first(client: Client, pairs: Benchmark) -> None:
    one, two = stand(pairs, 0.6, 0.8)
    answer = client.get("/api/v1/models/compare", {"models": [one.full_name, two.full_name]}).json()
    assert answer["models"] == [one.full_name, two.full_name]
    first, second = answer["items"]
    assert first["against_first"] is None
    assert second["against_first"]["verdict"] == "better"
    assert second["against_first"]["difference"] == pytest.approx(0.2)
    missing = client.get("/api/v1/models/compare", {"models": [one.full_name, "nobody/nothing"]})
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")
    for names in ([one.full_name], [one.full_name] * 2, [f"a/{n}" for n in range(5)], ["a", "b"]):
        assert client.get("/api/v1/models/compare", {"models": names}).status_code == 400


def test_means_of_one_protocol_are_in_the_answer_of_a_group(client: Client) -> None:
    sets = {benchmark("one", "One"): 0.8, benchmark("two", "Two"): 0.6}
    whole, part = model(), model()
    measured(whole, sets)
    measured(part, {next(iter(sets)): 0.9})
    (means,) = client.get("/api/v1/leaderboards/tasks/text-generation").json()["means"]
    assert (means["benchmarks"], means["metric"]) == (["one", "two"], "accuracy")
    (row,) = means["rows"]
    assert (row["model"], row["commit"], row["rank"]) == (whole.full_name, whole.head, {"best": 1, "worst": 1})
    assert row["value"] == pytest.approx(0.7)
    assert row["interval"][0] < 0.7 < row["interval"][1]
