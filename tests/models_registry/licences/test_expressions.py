import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.licences import declared, label, parse


@pytest.mark.parametrize(
    ("text", "canonical", "alternatives", "unknown"),
    [
        ("mit", "MIT", [{"MIT"}], ()),
        (" Apache-2.0 ", "Apache-2.0", [{"Apache-2.0"}], ()),
        ("gpl-3.0+", "GPL-3.0-or-later", [{"GPL-3.0-or-later"}], ()),
        ("mit, apache-2.0", "MIT AND Apache-2.0", [{"Apache-2.0", "MIT"}], ()),
        ("mit or apache-2.0", "MIT OR Apache-2.0", [{"Apache-2.0"}, {"MIT"}], ()),
        (
            "MIT AND (apache-2.0 OR gpl-3.0)",
            "MIT AND (Apache-2.0 OR GPL-3.0-only)",
            [{"MIT", "Apache-2.0"}, {"MIT", "GPL-3.0-only"}],
            (),
        ),
        ("MIT OR MIT AND apache-2.0", "MIT OR (MIT AND Apache-2.0)", [{"MIT"}], ()),
        (
            "gpl-3.0-only with classpath-exception-2.0",
            "GPL-3.0-only WITH Classpath-exception-2.0",
            [{"GPL-3.0-only WITH Classpath-exception-2.0"}],
            (),
        ),
        ("LicenseRef-Mine", "LicenseRef-Mine", [{"LicenseRef-Mine"}], ("LicenseRef-Mine",)),
        ("dotseqn", "Dotseqn", [{"Dotseqn"}], ("Dotseqn",)),
        ("other", "other", [{"other"}], ("other",)),
        ("", "", [], ()),
        ("  \x00 ", "", [], ()),
    ],
)
def test_what_cards_and_files_declare(
    text: str, canonical: str, alternatives: list[set[str]], unknown: tuple[str, ...]
) -> None:
    found = parse(text)
    assert (str(found), found.unknown, found.fault) == (canonical, unknown, "")
    assert sorted(map(sorted, found.alternatives)) == sorted(map(sorted, alternatives))
    assert set().union(*alternatives) <= set(found.ids)


@pytest.mark.parametrize("text", ["(", "MIT OR", "OR", "my own terms", "MIT/Apache-2.0", "a with b with c", "(" * 3000])
def test_what_cannot_be_read_is_one_unknown_id_with_a_fault(text: str) -> None:
    found = parse(text)
    assert found.fault
    assert len(found.unknown) == 1
    assert found.licence_class == "unknown"


def test_too_many_choices_are_refused() -> None:
    found = parse(" AND ".join(f"(a{n} OR b{n})" for n in range(12)))
    assert "choices" in found.fault


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from("( ) AND OR WITH mit x + , a-b".split())).map(" ".join))
)
def test_a_strangers_text_never_raises_and_reads_the_same_again(text: str) -> None:
    found = parse(text)
    again = parse(str(found))
    assert found.fault or set(again.alternatives) == set(found.alternatives)


def test_a_card_names_its_own_licence_beside_other() -> None:
    assert declared({"license": "other", "license_name": "gemma"}) == "gemma"
    assert declared({"license": ["mit", "apache-2.0"]}) == "mit, apache-2.0"
    assert declared({"license": 3}) == ""
    assert declared({}) == ""


def test_people_read_the_usual_spelling() -> None:
    assert label("apache-2.0") == "Apache-2.0"
    assert label("openrail") == "OpenRAIL"
    assert label("mit or gpl-3.0") == "MIT OR GPL-3.0-only"
    assert label("") == ""
