"""The rows of a data set as people and programs read them."""

import pytest
from django.core.cache import cache

from models_registry.models import Visibility
from tests.factories.accounts import UserFactory, bearer
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_pages_of_others():
    cache.clear()


@pytest.fixture
def data():
    repository = RepositoryFactory(dataset=True)
    lines = "".join(f'{{"text": "Row {number} <b>", "label": {number % 2}}}\n' for number in range(120))
    put(repository, {"train.jsonl": lines, "test.csv": "a,b\n1,2\n", "README.md": CARD})
    repository.refresh_from_db()
    return repository


CARD = """---
configs:
- config_name: main
  data_files: [{split: train, path: train.jsonl}]
  default: true
- config_name: other
  data_files: [{split: test, path: test.csv}]
---
"""


def html(client, repository, rest="", **headers):
    answer = client.get(f"/datasets/{repository.full_name}/rows{rest}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_rows_types_and_the_way_on(client, data):
    page = html(client, data)

    assert "Row 49 &lt;b&gt;" in page
    assert "Row 50 " not in page
    assert '<th scope="col" class="num"><span class="mono">label</span> <span class="faint tiny">int' in page
    assert page.count("cursor=") >= 1
    assert "<b>" not in page.split("<table>")[1].split("</table>")[0]


def test_the_next_page_is_a_fragment_for_scripts_and_a_page_for_others(client, data):
    first = html(client, data)
    following = first.split('href="?cursor=')[1].split('"')[0]

    whole = html(client, data, f"?cursor={following}")
    piece = html(client, data, f"?cursor={following}", **{"HX-Request": "true"})

    assert "Row 50 " in whole
    assert "<title>" in whole
    assert piece.startswith('<div id="table"')


def test_a_search_marks_what_it_found(client, data):
    page = html(client, data, "?q=ROW+11")

    assert "<mark>Row 11</mark> &lt;b&gt;" in page
    assert page.count("<mark>") == 11
    assert "No row holds" in html(client, data, "?q=nowhere")


def test_another_configuration_is_chosen_by_the_address(client, data):
    page = html(client, data, "?config=other&split=test")

    assert '<span class="mono">a</span>' in page
    assert client.get(f"/datasets/{data.full_name}/rows?config=never").status_code == 404


def test_without_tables_the_page_says_what_to_do(client):
    repository = RepositoryFactory(dataset=True)

    assert "No rows to show yet" in html(client, repository)


def test_a_faulty_card_is_told_on_the_page(client):
    repository = RepositoryFactory(dataset=True)
    put(repository, {"a.csv": "a\n1\n", "README.md": "---\nconfigs: all\n---\n"})

    assert "must be a list" in html(client, repository)


def test_a_page_costs_a_constant_number_of_queries(client, data, django_assert_max_num_queries):
    html(client, data)
    with django_assert_max_num_queries(25):
        html(client, data)


def test_the_api_gives_splits_and_typed_rows(client, data):
    splits = client.get(f"/api/v1/datasets/{data.full_name}/splits/main").json()
    rows = client.get(f"/api/v1/datasets/{data.full_name}/rows/main", {"limit": 2}).json()
    more = client.get(
        f"/api/v1/datasets/{data.full_name}/rows/main", {"limit": 2, "cursor": rows["next_cursor"]}
    ).json()

    assert [(config["name"], config["is_default"]) for config in splits["configs"]] == [
        ("main", True),
        ("other", False),
    ]
    assert [column["kind"] for column in rows["columns"]] == ["text", "integer"]
    assert rows["rows"][1] == {"number": 1, "values": {"text": "Row 1 <b>", "label": 1}}
    assert [row["number"] for row in more["rows"]] == [2, 3]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": "x"}, {"cursor": "forged"}, {"q": "x" * 300}])
def test_odd_questions_get_a_clear_no(client, data, query):
    assert client.get(f"/api/v1/datasets/{data.full_name}/rows/main", query).status_code == 400


def test_private_rows_are_invisible(client, data):
    data.visibility = Visibility.PRIVATE
    data.save()

    assert client.get(f"/datasets/{data.full_name}/rows").status_code in (302, 401, 404)
    assert client.get(f"/api/v1/datasets/{data.full_name}/rows/main").status_code == 401
    stranger = bearer(UserFactory())
    assert client.get(f"/api/v1/datasets/{data.full_name}/rows/main", headers=stranger).status_code == 404
