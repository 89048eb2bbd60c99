"""The shape of tokens. Pure."""

from hypothesis import given
from hypothesis import strategies as st

from accounts import tokens


def test_fresh_values_are_well_formed_and_differ():
    values = {tokens.new_value() for _ in range(200)}

    assert len(values) == 200
    assert all(tokens.is_well_formed(value) for value in values)
    assert {len(value) for value in values} == {37}


@given(st.text())
def test_any_text_has_a_digest_and_only_well_formed_ones_pass(value: str):
    if tokens.is_well_formed(value):
        assert value.isascii()
        assert value.startswith("hf_")
        assert len(tokens.digest(value)) == 64
