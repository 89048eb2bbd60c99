"""Values of a card are changed; every other byte stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.cards import CardFault, read_card
from models_registry.front_matter import new_card, with_values

CARD = """---
# Written by hand.
language: [en, de]   # both
license: mit
tags:
- harbour
- "of: sea"
model-index: []
---
# Tide

license: this line is prose.
"""


def test_a_value_is_replaced_where_it_stands_and_nothing_else_moves():
    assert with_values(CARD, {"license": "apache-2.0"}) == CARD.replace("license: mit\n", "license: apache-2.0\n", 1)


def test_a_new_value_comes_last_and_none_takes_one_away():
    changed = with_values(CARD, {"license": "other", "license_name": "my: own", "tags": None})

    assert "# Written by hand.\nlanguage: [en, de]   # both\nlicense: other\nmodel-index: []\n" in changed
    assert read_card(changed).data["license_name"] == "my: own"
    assert "harbour" not in changed
    assert changed.endswith("# Tide\n\nlicense: this line is prose.\n")


@pytest.mark.parametrize("before", ["license:\n- mit\n- cc0-1.0\n", "license: >\n  mit\n", "'license': mit\n"])
def test_a_value_of_several_lines_is_replaced_whole(before):
    assert with_values(f"---\n{before}a: 1\n---\nx", {"license": "mit"}) == "---\nlicense: mit\na: 1\n---\nx"


def test_a_card_without_front_matter_gets_one_and_keeps_its_prose():
    assert with_values("# Tide\n", {"license": "mit"}) == "---\nlicense: mit\n---\n# Tide\n"
    assert with_values("", {"license": "mit"}) == "---\nlicense: mit\n---\n"
    assert with_values("# Tide\n", {"license": None}) == "# Tide\n"


def test_line_ends_of_windows_stay():
    changed = with_values("---\r\nlicense: mit\r\na: 1\r\n---\r\nx\r\n", {"license": "isc", "b": "2"})
    assert changed == "---\r\nlicense: isc\r\na: 1\r\nb: '2'\r\n---\r\nx\r\n"


def test_a_front_matter_of_one_line_is_written_anew():
    changed = with_values("---\n{license: mit, a: 1}\n---\nx", {"license": "isc"})
    assert read_card(changed).data == {"a": 1, "license": "isc"}
    assert changed.endswith("---\nx")


def test_what_cannot_be_read_is_refused():
    with pytest.raises(CardFault):
        with_values("---\nlicense: [mit\n---\n", {"license": "isc"})


_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff"), max_size=30)
_values = st.one_of(_texts, st.integers(-9, 9), st.lists(_texts, max_size=3), st.booleans(), st.none())


@given(st.dictionaries(st.sampled_from(["license", "tags", "a", "ä b", "x-y"]), _values), _texts, _texts)
def test_any_card_reads_as_before_but_for_the_change(data, prose, licence):
    card = new_card(data, body=f"\n# {prose}\n") if data else f"# {prose}\n"
    before = read_card(card)

    after = read_card(with_values(card, {"license": licence, "a": None}))

    left = {key: value for key, value in before.data.items() if key not in {"license", "a"}}
    assert after.data == left | {"license": licence}
    assert after.body == before.body
