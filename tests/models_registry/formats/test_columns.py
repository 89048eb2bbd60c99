"""What columns hold, and the names that cards give to numbered classes."""

import pytest

from models_registry.formats.columns import Column, Kind, columns_of, labels_of

CARD = {
    "dataset_info": [
        {
            "config_name": "small",
            "features": [
                {"name": "text", "dtype": "string"},
                {"name": "label", "dtype": {"class_label": {"names": {"0": "negative", "1": "positive"}}}},
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], Kind.INTEGER),
        ([1, 2.5], Kind.NUMBER),
        ([True, False], Kind.BOOLEAN),
        (["2024-05-01", "2024-05-01T10:00:00Z"], Kind.DATE),
        (["a", "2024-05-01"], Kind.TEXT),
        ([[1], [2]], Kind.LIST),
        ([{"a": 1}], Kind.RECORD),
        ([{"bytes": 12}], Kind.BYTES),
        ([1, "a"], Kind.TEXT),
        (["a", [1]], Kind.MIXED),
        ([None], Kind.EMPTY),
    ],
)
def test_a_column_is_what_its_cells_are(values, kind):
    assert columns_of([{"x": value} for value in values], labels={}) == (Column("x", kind),)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", ""], Kind.INTEGER),
        (["1", "2.5e3"], Kind.NUMBER),
        (["True", "false"], Kind.BOOLEAN),
        (["1", "one"], Kind.TEXT),
        (["", ""], Kind.EMPTY),
        (["2024-05-01"], Kind.DATE),
    ],
)
def test_cells_of_a_csv_file_are_read_as_they_are_written(cells, kind):
    assert columns_of([{"x": cell} for cell in cells], labels={}, as_written=True)[0].kind == kind


def test_numbers_of_classes_get_the_names_of_the_card():
    labels = labels_of(CARD, "small")
    column = columns_of([{"label": 1}, {"label": 0}], labels=labels)[0]

    assert labels_of(CARD, "other") == {}
    assert column.kind == Kind.LABEL
    assert [column.label_of(value) for value in (0, "1", 7, -1, True, "x")] == ["negative", "positive", "", "", "", ""]


@pytest.mark.parametrize(
    "info", [3, [3], [{"features": "x"}], {"features": [{"name": "a", "dtype": {"class_label": 1}}]}]
)
def test_odd_declarations_name_nothing(info):
    assert labels_of({"dataset_info": info}, "default") == {}
