import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.cards import CardFault, read_card

CARD = """---
license: apache-2.0
language: [en, zh]
tags:
- tiny
pipeline_tag: text-generation
datasets: smallhub/core-text-en
date: 2024-01-31
---
# Tide

![shot](x.png)

A *very* small [model](https://example.org) of the sea.

More.
"""


def test_front_matter_and_prose_are_told_apart() -> None:
    card = read_card(CARD)

    assert card.licence == "apache-2.0"
    assert card.languages == ["en", "zh"]
    assert card.task == "text-generation"
    assert card.data["date"] == "2024-01-31"
    assert card.summary == "A very small model of the sea."
    assert card.body.startswith("# Tide")


@pytest.mark.parametrize(
    "body",
    [
        "# Name\nIt maps words.\n",
        "```python\nimport x\n\nx.y()\n```\nIt maps words.",
        "Name\n====\n\nIt maps words.",
        "> note\n\n- list\n\nIt maps words.",
    ],
)
def test_the_summary_is_the_first_prose(body: str) -> None:
    assert read_card(body).summary == "It maps words."


def test_tags_are_spelled_as_the_wire_does() -> None:
    tags = read_card(CARD).tags()

    assert {
        "tiny",
        "text-generation",
        "en",
        "license:apache-2.0",
        "dataset:smallhub/core-text-en",
        "language:zh",
    } <= set(tags)


def test_a_readme_without_front_matter_is_all_prose() -> None:
    assert read_card("# Hello\n---\nnot: yaml\n---\n").data == {}


@pytest.mark.parametrize(
    "front",
    [
        "a: &x 1\nb: *x",
        "a: !!python/object/apply:os.system [ls]",
        "a: !!binary aGk=",
        "- only\n- a list",
        "a: [1, 2",
        "a: " + "[" * 20 + "]" * 20,
        "a:\n" + "- x\n" * 3000,
        "x: " + "y" * 70_000,
        "<<: {a: 1}\n<<: &b {c: 2}",
        "a: 0000-99-99",
    ],
)
def test_what_the_restricted_yaml_does_not_read_is_a_fault_with_a_reason(front: str) -> None:
    started = time.process_time()
    with pytest.raises(CardFault) as caught:
        read_card(f"---\n{front}\n---\n")

    assert str(caught.value)
    assert time.process_time() - started < 2


@given(st.text(max_size=300))
def test_any_text_gives_a_card_or_a_fault(text: str) -> None:
    for source in (text, f"---\n{text}\n---\nbody"):
        try:
            card = read_card(source)
        except CardFault:
            continue
        assert all(isinstance(tag, str) for tag in card.tags())
        assert "\x00" not in str(card.data)
