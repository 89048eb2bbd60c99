"""What may be registered: every rule refuses by the name of its field."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from evaluation import benchmarks
from evaluation.benchmarks import BadDefinition, rules
from evaluation.benchmarks.definition import variants
from tests.evaluation.benchmarks.test_benchmarks import declared


def prompt(template: str) -> dict[str, str]:
    return {"template": template, "sha256": hashlib.sha256(template.encode()).hexdigest()}


GENERATED = {
    "scorer": "generated_answers",
    "labels": [],
    "main_metric": "f1",
    "fields": {"question": "q", "answers": "a"},
    "prompt": prompt("{question}\n"),
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fields": {"text": "text"}}, "fields: the scorer classification needs the role 'label'"),
        ({"fields": {"text": "text", "label": None}}, "fields: label is neither"),
        ({"fields": {"text": {"list": "x"}, "label": "label"}}, "fields: text is neither"),
        ({"fields": {"text": [[[["x"]]]], "label": "label"}}, "fields: text is nested"),
        ({"main_metric": "bleu"}, "main_metric: 'bleu' is none of accuracy, f1, macro_f1"),
        ({"higher_is_better": False}, "higher_is_better"),
        ({"main_metric": "f1"}, "scorer_args: an F1"),
        ({"scorer_args": {"positive": "c"}}, "scorer_args: positive"),
        ({"scorer_args": {"group": "g"}}, "fields: the scorer classification needs the role 'g'"),
        ({"reader_args": {"where": {"column": "a"}}}, "reader_args: where"),
        ({"reader_args": {"rows": "x"}}, "reader_args: rows"),
        ({"reader_args": {"tag": "x"}}, "reader_args: tag"),
        ({"reader": "parallel_text"}, "reader_args: columns"),
        ({"prompt": {"template": "{text}"}}, "prompt: sha256"),
        ({"prompt": {"sha256": "x"}}, "prompt: needs a template"),
        ({"prompt": prompt("{nothing}")}, "prompt: {nothing} is none of the fields"),
        (GENERATED | {"prompt": None}, "prompt: this scorer needs a template"),
        (GENERATED | {"prompt": prompt("{question} {answers}")}, "prompt: {answers} would show"),
        ({"scorer": "programs", "main_metric": "pass_at_1", "scorer_args": {"style": "x"}}, "scorer_args: style"),
        ({"scorer": "tagging", "main_metric": "f1", "labels": [], "fields": {"tokens": 0, "tags": 1}}, "labels"),
    ],
)
def test_a_declaration_that_could_not_be_measured_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadDefinition) as caught:
        rules.check(benchmarks.parse(declared(**changes)))

    assert str(caught.value).startswith(field)


def test_sound_declarations_pass() -> None:
    rules.check(benchmarks.parse(declared()))
    rules.check(benchmarks.parse(declared(**GENERATED)))


def test_a_template_is_filled_in_one_pass() -> None:
    benchmark = benchmarks.parse(declared(prompt=prompt("{a}|{b}|{unknown}")))

    assert benchmark.fill({"a": "{b}", "b": ["x", "y"]}) == "{b}|x\ny|{unknown}"
    assert benchmark.prompt_sha256 == hashlib.sha256(b"{a}|{b}|{unknown}").hexdigest()
    assert benchmarks.parse(declared()).prompt_sha256 is None


def test_sentence_pairs_are_measured_on_masked_models_under_a_name_of_their_own() -> None:
    pairs = declared(scorer="minimal_pairs", labels=[], fields={"good": "g", "bad": "b"})

    plain, pseudo = map(benchmarks.parse, variants(pairs))

    assert (plain.id, pseudo.id, pseudo.requires) == ("toy", "toy-pll", {"pseudo_log_likelihood"})
    rules.check(pseudo)
