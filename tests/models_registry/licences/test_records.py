import pytest

from models_registry.licences import RecordFault, find, records
from models_registry.licences.records import read_family

ROW = """
[[licence]]
id = "X-1"
name = "X"
subject = "model"
source = "https://example.org/x"
reviewed = 2026-01-02
"""


def test_every_record_says_where_it_is_from_and_is_found_by_all_its_names() -> None:
    for record in records():
        for name in (record.id, record.id.upper(), *record.aliases):
            assert find(name) is record
        assert record.source.startswith("https://")
        assert record.permissions, record.id
        assert all(clause.section and str(clause.text) and str(clause.said) for clause in record.clauses), record.id


def test_other_licences_that_a_record_names_have_records() -> None:
    for record in records():
        for name in (*record.compatible, *record.incompatible):
            assert find(name) is not None, (record.id, name)
            assert find(name).id == name  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "more",
    [
        'may = { fly = "1" }',
        'may = { keep-notice = "1" }',
        'may = { modify = "" }',
        'must = { name-prefix = "1" }',
        'must = { keep-notice = ["1", "too much"] }',
        'colour = "red"',
        'extends = "Y-1"',
    ],
)
def test_a_record_that_breaks_a_rule_is_refused(more: str) -> None:
    assert len(list(read_family("x", ROW))) == 1
    with pytest.raises(RecordFault):
        list(read_family("x", ROW + more))


def test_a_record_may_stand_on_another() -> None:
    text = (
        ROW + 'may = { modify = "1", distribute = "2" }\n[[licence]]\nid = "X-2"\nextends = "X-1"\ndrop = ["modify"]\n'
    )
    _, second = read_family("x", text)
    assert [clause.term for clause in second.permissions] == ["distribute"]
    assert (second.name, second.id) == ("X", "X-2")


def test_a_record_has_its_own_review_or_says_that_it_has_none() -> None:
    first, second = read_family("x", ROW + 'may = { modify = "1" }\n[[licence]]\nid = "X-2"\nextends = "X-1"\n')
    assert (str(first.reviewed), first.remark) == ("2026-01-02", "")
    assert second.reviewed is None
    assert str(second.remark) == "written from memory, not yet compared with its text"
    assert second.may == first.may
