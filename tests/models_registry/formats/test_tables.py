"""Rows of text formats: the same rows whatever the pages' size, and faults told with their place."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import tables
from models_registry.formats.tables import Place, Source, read_page


def source(body: bytes, kind: str, *, path: str = "", piece: int = 7, **options) -> Source:
    def open_at(offset):
        return (body[at : at + piece] for at in range(offset, len(body), piece))

    return Source(path or f"data.{kind}", len(body), kind, open_at, options)


def everything(sources, *, limit, query="", **more):
    """All rows, page by page."""
    rows, place = [], Place()
    for _ in range(10_000):
        page = read_page(sources, place, limit=limit, query=query, **more)
        rows += page.rows
        assert page.fault == ""
        if page.next is None:
            return rows
        place = page.next
    raise AssertionError("the pages do not end")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12)
ROWS = st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, limit=st.integers(1, 5), piece=st.integers(1, 40))
def test_csv_pages_give_what_was_written(rows, limit, piece):
    text = io.StringIO()
    writer = csv.DictWriter(text, ["a", "b"], quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)

    found = everything([source(text.getvalue().encode(), "csv", piece=piece)], limit=limit)

    assert [row.values for row in found] == rows
    assert [row.number for row in found] == list(range(len(rows)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    files=st.lists(st.lists(st.dictionaries(CELLS, VALUES, max_size=3), max_size=5), min_size=1, max_size=3),
    limit=st.integers(1, 4),
)
def test_json_lines_of_several_files_are_one_split(files, limit):
    bodies = ["".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode() for rows in files]

    found = everything([source(body, "json", path=f"{n}.jsonl") for n, body in enumerate(bodies)], limit=limit)

    assert [dict(row.values) for row in found] == [row for rows in files for row in rows]


def test_a_json_array_and_a_field_of_a_document_are_rows():
    rows = [{"n": number} for number in range(5)]

    plain = everything([source(json.dumps(rows).encode(), "json")], limit=2)
    field = everything([source(json.dumps({"data": rows}, indent=1).encode(), "json", field="data")], limit=2)

    assert [row.values for row in plain] == [row.values for row in field] == rows


def test_text_gives_a_row_for_each_line():
    found = everything([source("\ufeffone\r\ntwo\n\nlast".encode(), "text")], limit=3)

    assert [row.values["text"] for row in found] == ["one", "two", "", "last"]


def test_search_finds_rows_in_any_case_and_goes_on_where_it_stopped():
    body = "".join(f'{{"t": "row {number}", "deep": {{"x": ["Straße"]}}}}\n' for number in range(200)).encode()

    some = read_page([source(body, "json")], Place(), limit=50, query="ROW 19", budget_bytes=600)
    found = everything([source(body, "json")], limit=50, query="ROW 19", budget_bytes=600)

    assert some.next is not None
    assert [row.number for row in found] == [19, *range(190, 200)]
    assert len(everything([source(body, "json")], limit=50, query="strasse")) == 200


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b'{"a": 1}\n{"a": \n', "json", "row 2"),
        (b'{"a": 1}\n[1]\n', "json", "object"),
        (b"a,b\n1,2\n1,2,3\n", "csv", "3 cells"),
        (b"a,b\n1,\xff\n", "csv", "UTF-8"),
        (b'a\n"never closed', "csv", None),
        (b"\xff\n", "text", "UTF-8"),
    ],
)
def test_a_fault_is_told_with_its_row_and_the_rows_before_it_are_given(body, kind, says):
    page = read_page([source(body, kind)], Place(), limit=10)

    assert page.next is None
    if says:
        assert says in page.fault


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(tables, "MAX_RECORD_BYTES", 1000)
    asked = 0

    def endless(offset):
        nonlocal asked
        while True:
            asked += 100
            yield b"x" * 100

    page = read_page([Source("a.txt", 10**12, "text", endless, {})], Place(), limit=1)

    assert "longer than" in page.fault
    assert asked < 2000


def test_columns_may_be_named_by_the_card_and_separated_otherwise():
    found = everything([source(b"1\tx\n2\ty\n", "csv", sep="\t", column_names=["n", "t"])], limit=1)

    assert [row.values for row in found] == [{"n": "1", "t": "x"}, {"n": "2", "t": "y"}]


def test_equal_and_empty_names_of_columns_stay_apart():
    assert everything([source(b"a,a,\n1,2,3\n", "csv")], limit=9)[0].values == {"a": "1", "a.1": "2", "column 3": "3"}
