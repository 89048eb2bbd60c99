"""Plain answers lead to licences whose own clauses say just that."""

from itertools import product

import pytest

from models_registry.licence_choice import DATA, MODEL, NO, QUESTIONS, YES, conflicts_of, read_answers, suggest
from models_registry.licences import Lineage, Link, Part


def ids(found):
    return [each.record.id for each in found]


@pytest.mark.parametrize(
    ("answers", "subject", "first"),
    [
        ({}, MODEL, "Apache-2.0"),
        ({}, DATA, "CC-BY-4.0"),
        ({"sell": YES, "share": NO}, MODEL, "Apache-2.0"),
        ({"sell": NO}, MODEL, "CC-BY-NC-4.0"),
        ({"sell": NO, "share": YES}, DATA, "CC-BY-NC-SA-4.0"),
        ({"share": YES, "sell": YES}, DATA, "CC-BY-SA-4.0"),
        ({"credit": NO}, MODEL, "Unlicense"),
        ({"credit": NO}, DATA, "CC0-1.0"),
        ({"uses": YES}, MODEL, "openrail"),
        ({"change": NO, "sell": YES}, DATA, "CC-BY-ND-4.0"),
    ],
)
def test_answers_lead_to_a_licence(answers, subject, first):
    assert ids(suggest(answers, subject=subject).fitting)[0] == first


@pytest.mark.parametrize("subject", [MODEL, DATA])
def test_every_set_of_answers_has_one_to_three_suggestions_that_say_so(subject):
    keys = [question.key for question in QUESTIONS if subject in question.subjects]
    for values in product((YES, NO, ""), repeat=len(keys)):
        answers = read_answers(dict(zip(keys, values, strict=True)), subject=subject)
        found = suggest(answers, subject=subject)
        assert 1 <= len(found.fitting) <= 3, answers
        kept = answers.keys() - {question.key for question in found.given_up}
        for each in found.fitting:
            assert len(each.because) == len(kept)
            if "sell" in kept:
                assert each.record.has("no-commercial-use") == (answers["sell"] == NO)
            if "uses" in kept:
                assert bool(each.record.use_restrictions) == (answers["uses"] == YES)
        assert "sell" in kept or "sell" not in answers


def test_what_was_not_asked_or_is_no_answer_is_left_out():
    assert read_answers({"sell": "perhaps", "uses": "yes", "x": "yes", "share": "no"}, subject=DATA) == {"share": NO}


def lineage(licence: str, relation: str = "finetune") -> Lineage:
    parts = {"root": Part("root", "model", "", "me/tide"), "base": Part("base", "model", licence, "you/base")}
    return Lineage("root", parts, (Link("root", "base", relation),))


def test_a_base_that_forbids_sale_blocks_what_allows_it_and_says_by_which_clauses():
    found = suggest({"sell": YES}, subject=MODEL, lineage=lineage("cc-by-nc-4.0"))

    assert "MIT" in ids(found.blocked)
    assert found.is_bounded
    assert all("commercial-use" not in {c.term for c in each.record.permissions} for each in found.fitting)
    sides = {side.key for each in found.blocked for conflict in each.conflicts for side in conflict.sides}
    assert sides == {"root", "base"}


def test_a_base_that_asks_for_the_same_licence_leaves_that_one():
    found = suggest({}, subject=MODEL, lineage=lineage("cc-by-sa-4.0"))

    assert "CC-BY-SA-4.0" in ids(found.fitting)
    assert "Apache-2.0" in ids(found.blocked)


def test_without_a_lineage_nothing_is_in_the_way():
    assert conflicts_of("mit", None) == ()
    assert conflicts_of("mit", lineage("apache-2.0")) == ()
