import pytest

from models_registry import gates
from models_registry.cards import read_card
from models_registry.gates import (
    BadAnswers,
    BadField,
    Field,
    Form,
    field_lines,
    read_answers,
    read_field_lines,
    read_form,
)

CARD = """---
extra_gated_heading: "Read the terms"
extra_gated_prompt: "You agree **not** to sail into storms."
extra_gated_description: "Answered within two days."
extra_gated_button_content: "Agree"
extra_gated_fields:
  Company: text
  Country: country
  Start: date_picker
  I want it for:
    type: select
    options:
      - Research
      - label: Something else
        value: other
  I agree: checkbox
---
"""
GIVEN = {"Company": "Harbour", "Country": "NO", "Start": "2026-01-31", "I want it for": "other", "I agree": "on"}


def test_a_card_is_read_as_the_public_hub_reads_it() -> None:
    form = read_form(read_card(CARD).data)

    assert form == Form(
        heading="Read the terms",
        description="Answered within two days.",
        prompt="You agree **not** to sail into storms.",
        button="Agree",
        fields=(
            Field("Company"),
            Field("Country", "country"),
            Field("Start", "date_picker"),
            Field("I want it for", "select", (("Research", "Research"), ("other", "Something else"))),
            Field("I agree", "checkbox"),
        ),
    )


def test_the_settings_stand_behind_the_card() -> None:
    own = [{"name": "Company", "kind": "checkbox"}, {"name": "Team", "kind": "text"}]

    form = read_form({"extra_gated_fields": {"Company": "text"}}, prompt="Be kind.", fields=own)

    assert form.prompt == "Be kind."
    assert form.fields == (Field("Company"), Field("Team"))
    assert read_form({"extra_gated_prompt": "From the card"}, prompt="Be kind.").prompt == "From the card"


@pytest.mark.parametrize(
    "value", [None, 7, "text", ["a"], {"": "text"}, {"csrfmiddlewaretoken": "text"}, {"form": "text"}]
)
def test_what_is_no_field_is_left_out(value: object) -> None:
    assert read_form({"extra_gated_fields": value}).fields == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("text", "text"),
        (True, "text"),
        ("iframe", "text"),
        ({"type": ["x"]}, "text"),
        ({"type": "CHECKBOX"}, "checkbox"),
    ],
)
def test_unknown_kinds_become_texts(value: object, kind: str) -> None:
    assert read_form({"extra_gated_fields": {"a": value}}).fields == (Field("a", kind),)


@pytest.mark.parametrize("options", [None, [], "Research", [[]], [{}], {"a": 1}])
def test_a_choice_without_options_is_left_out(options: object) -> None:
    assert read_form({"extra_gated_fields": {"a": {"type": "select", "options": options}}}).fields == ()


def test_a_form_is_bounded_and_holds_nothing_that_hides() -> None:
    card = {
        "extra_gated_heading": "a\u202eb\x07" + "x" * 999,
        "extra_gated_prompt": "p" * 99_999,
        "extra_gated_fields": {f"field {number}": "text" for number in range(99)},
    }
    form = read_form(card)

    assert form.heading.startswith("abx")
    assert len(form.heading) == gates.MAX_TITLE
    assert len(form.prompt) == gates.MAX_PROMPT
    assert len(form.fields) == gates.MAX_FIELDS


def test_answers_come_in_the_forms_order() -> None:
    answers = read_answers(read_form(read_card(CARD).data), {"more": "x"} | GIVEN)

    assert list(answers.items()) == [
        ("Company", "Harbour"),
        ("Country", "NO"),
        ("Start", "2026-01-31"),
        ("I want it for", "other"),
        ("I agree", True),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Company", ""),
        ("Company", None),
        ("Company", " \x00 "),
        ("Company", "x" * 1001),
        ("Start", "tomorrow"),
        ("I want it for", "Something else"),
        ("I agree", "off"),
        ("I agree", None),
    ],
)
def test_wrong_answers_are_named(name: str, value: object) -> None:
    with pytest.raises(BadAnswers) as caught:
        read_answers(read_form(read_card(CARD).data), GIVEN | {name: value})

    assert list(caught.value.problems) == [name]


def test_the_hash_is_of_all_that_is_shown() -> None:
    form = Form(heading="a", prompt="b", fields=(Field("c"),))
    others = [Form(heading="a", prompt="b"), Form(heading="b", prompt="b", fields=(Field("c"),)), Form("a", "b")]

    assert form.sha256() == Form(heading="a", prompt="b", fields=(Field("c"),)).sha256()
    assert len({each.sha256() for each in [form, *others]}) == 4


def test_lines_of_the_settings_become_fields_and_lines_again() -> None:
    text = "Company: text\nUse: for work: select: work, play\nI agree: to all: checkbox"

    fields = read_field_lines(f"\n {text}\n\n")

    assert fields == [
        Field("Company"),
        Field("Use: for work", "select", (("work", "work"), ("play", "play"))),
        Field("I agree: to all", "checkbox"),
    ]
    assert field_lines([{"name": f.name, "kind": f.kind, "options": f.options} for f in fields]) == text


@pytest.mark.parametrize(
    "text",
    ["Company", "Company: file", ": text", "Use: select:", "form: text", "A: text\nA: checkbox", "a: text\n" * 2],
)
def test_lines_that_are_no_fields_are_refused(text: str) -> None:
    with pytest.raises(BadField):
        read_field_lines(text)


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(BadField, match="at most"):
        read_field_lines("\n".join(f"field {number}: text" for number in range(gates.MAX_FIELDS + 1)))
