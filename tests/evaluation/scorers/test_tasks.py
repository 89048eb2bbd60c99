"""The scorers of every task on models made by hand: exact numbers, honest refusals, and no answer shown to a model."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import engine, sandbox
from evaluation.benchmarks import Benchmark, Dataset, Item, parse, rules
from evaluation.benchmarks.structures import Clip
from evaluation.sandbox import Answer, Classification, Continued, Generation, Likelihood
from evaluation.scorers import SCORERS, NotScorable
from tests.evaluation.benchmarks.test_benchmarks import declared
from tests.factories.small_formats import TEXTS, make_crf, make_seq2seq
from tests.requirements import require

Says = dict[str, Callable[..., Any]]


class Recorder:
    """A model that answers what it was given, and remembers all that it was ever shown."""

    def __init__(self, says: Says, **described: Any) -> None:
        self.description: dict[str, Any] = {"description": described}
        self.shown: list[tuple[str, str]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._says = {"encode": lambda text: text.split()} | says

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any:
        self.calls.append((operation, arguments))
        self.shown += [(operation, text) for text in texts_in(arguments)]
        return self._says[operation](**arguments)


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    return [text for item in value for text in texts_in(item)] if isinstance(value, (list, tuple)) else []


def prompt(template: str) -> dict[str, str]:
    return {"template": template, "sha256": hashlib.sha256(template.encode()).hexdigest()}


def made(scorer: str, metric: str, roles: tuple[str, ...], **changes: Any) -> Benchmark:
    fields: dict[str, Any] = {role: role for role in roles}
    base = {"scorer": scorer, "main_metric": metric, "labels": [], "fields": fields, "requires": ["tokenize"]}
    benchmark = parse(declared(**(base | changes)))
    rules.check(benchmark)
    return benchmark


def items(*rows: dict[str, Any]) -> Dataset:
    return Dataset(items=tuple(Item(str(number), row) for number, row in enumerate(rows)))


TAGS = made("tagging", "f1", ("tokens", "tags"), labels=["person", "location"])
SPANS = made("span_answers", "f1", ("question", "context", "answers"))
ASKED = made(
    "generated_answers",
    "exact_match",
    ("question", "context", "answers"),
    prompt=prompt("{context}\nQ: {question}\nA:"),
    scorer_args={"max_new_tokens": 9, "stops": ["\n"]},
)
TRANSLATED = made("translation", "bleu", ("source", "target"), scorer_args={"target_language": "zh"}, unit="BLEU")
SUMMED = made("summaries", "rouge_l", ("source", "references"))
ALIKE = made("similarity", "spearman", ("first", "second", "score"))
SPOKEN = made("speech", "wer", ("clip", "text"), higher_is_better=False)
TURNS = made("next_turn", "recall_at_1", ("context", "choices", "gold"))
TARGETS = made("conditional_language_modelling", "cond_ppl", ("source", "target"), higher_is_better=False)
FUNCTIONS = made("programs", "pass_at_1", ("prompt", "test", "entry_point"))
TASKS = made(
    "programs",
    "pass_at_1",
    ("text", "tests", "setup"),
    scorer_args={"style": "tests", "stops": ["\n#"]},
    prompt=prompt("{text}\n{tests}\n"),
)
SENTENCES = items(
    {"tokens": ["Ann", "saw", "Rome"], "tags": ["B-person", "O", "B-location"]},
    {"tokens": ["So", "what"], "tags": ["O", "O"]},
    {"tokens": ["Bob"], "tags": ["B-person"]},
)


LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def tag(sentences: list[list[str]]) -> list[tuple[str, ...]]:
    return [tuple("B-PER" if word in ("Ann", "what") else "O" for word in words) for words in sentences]


def test_entities_are_counted_over_the_corpus_whatever_the_types_are_called() -> None:
    model = Recorder({"tag": tag}, labels=LABELS)

    result = engine.measure(TAGS, SENTENCES, model)

    assert result.value == pytest.approx(2 * 1 / (2 + 3))
    assert (result.metrics["precision"], result.metrics["recall"]) == (0.5, pytest.approx(1 / 3))
    assert result.metrics["by_label"]["location"]["recall"] == 0
    assert [row["right"] for row in result.rows] == [False, False, False]
    assert result.rows[0]["predicted"] == ["B-person", "O", "O"]
    assert result.interval is not None
    assert result.interval.low <= result.value <= result.interval.high
    assert result.interval.method == "bootstrap over sentences"


def test_words_behind_the_context_are_counted() -> None:
    model = Recorder({"tag": tag, "encode": lambda text: [0, 0]}, labels=["O", "B-PER", "B-LOC"], context_length=6)

    assert engine.measure(TAGS, SENTENCES, model).counts == {"truncated_tokens": 1}


@pytest.mark.parametrize(
    ("described", "code"), [(["O", "B-PER", "B-X"], "labels_differ"), (["LABEL_0", "LABEL_1"], "labels_differ")]
)
def test_a_tagger_of_other_types_is_not_scored(described: list[str], code: str) -> None:
    with pytest.raises(NotScorable) as caught:
        engine.measure(TAGS, SENTENCES, Recorder({"tag": tag}, labels=described))

    assert caught.value.code == code


CONTEXT = "The Broncos of Denver won."
QUESTIONS = items(
    {"question": "Who won?", "context": CONTEXT, "answers": ["Denver Broncos", "the Broncos"]},
    {"question": "Who lost?", "context": CONTEXT, "answers": ["Carolina"]},
)


def answer(questions: list[str], contexts: list[str]) -> list[Answer]:
    return [Answer(context[4:21], 4, 21, 1.0) for context in contexts]


def test_spans_are_compared_with_the_best_reference() -> None:
    result = engine.measure(SPANS, QUESTIONS, Recorder({"answer": answer}))

    assert result.value == pytest.approx(0.8 / 2)
    assert result.metrics["exact_match"] == 0
    assert (result.metrics["method"], result.metrics["normalisation"]) == ("span", "squad")


def test_chinese_answers_are_compared_by_characters() -> None:
    benchmark = made("span_answers", "f1", ("question", "context", "answers"), language=["zh"])
    dataset = items({"question": "谁？", "context": "荣光公司", "answers": ["光荣"]})

    result = engine.measure(benchmark, dataset, Recorder({"answer": lambda **_: [Answer("荣光", 0, 2, 1.0)]}))

    assert (result.value, result.metrics["f1_cmrc"]) == (1, 0.5)


def goes_on(text: str) -> Says:
    """A model that says the same after every prompt."""
    return {"continue_greedily": lambda texts, **_: [Generation(text, (), "length", 0) for _ in texts]}


def test_a_generated_answer_ends_at_its_stop_and_is_marked() -> None:
    model = Recorder(goes_on(" The Broncos!\nQ: And then?"))

    result = engine.measure(ASKED, QUESTIONS, model)

    assert result.value == 0.5
    assert result.metrics["method"] == "generative"
    assert model.shown[0] == ("continue_greedily", f"{CONTEXT}\nQ: Who won?\nA:")
    assert result.method["prompt_sha256"] == ASKED.prompt_sha256


@pytest.mark.parametrize(
    ("benchmark", "row", "says"),
    [
        (
            made("classification", "accuracy", ("text", "label"), labels=["a", "b"]),
            {"text": "one two three four five", "label": "a"},
            {"classify": lambda texts: [Classification(("a", "b"), (0.9, 0.1)) for _ in texts]},
        ),
        (
            made("summaries", "rouge_l", ("source", "references")),
            {"source": "one two three four five", "references": ["one"]},
            {"summarize": lambda texts, **_: ["one" for _ in texts]},
        ),
        (
            made("translation", "bleu", ("source", "target"), scorer_args={"target_language": "zh"}),
            {"source": "one two three four five", "target": "好"},
            {"translate": lambda texts, **_: ["好" for _ in texts]},
        ),
        (
            made("similarity", "spearman", ("first", "second", "score")),
            {"first": "one", "second": "one two three four five", "score": 1},
            {"embed": lambda texts: np.array([[len(text), 1.0] for text in texts])},
        ),
    ],
)
def test_texts_behind_the_contexts_end_are_counted(benchmark: Benchmark, row: dict[str, Any], says: Says) -> None:
    short = {key: "one two" if isinstance(value, str) and len(value) > 3 else value for key, value in row.items()}
    dataset = items(row, short, short | {"score": 3} if "score" in row else short)

    result = engine.measure(benchmark, dataset, Recorder(says, context_length=6))

    assert result.states["truncated"] == 1
    assert engine.measure(benchmark, dataset, Recorder(says, context_length=7)).states["truncated"] == 0
    assert engine.measure(benchmark, dataset, Recorder(says)).states["truncated"] == 0


def test_a_prompt_that_lost_its_beginning_is_counted() -> None:
    model = Recorder({"continue_greedily": lambda texts, **_: [Generation("x", (), "length", 9, 4) for _ in texts]})

    result = engine.measure(ASKED, QUESTIONS, model)

    assert result.states["truncated"] == len(result.rows)


def test_a_corpus_of_translations_has_one_bleu_and_its_signature() -> None:
    dataset = items({"source": "one two", "target": "我爱吃苹果。"}, {"source": "one", "target": "好的好的"})
    said = {"one two": "我喜欢吃苹果。", "one": ""}
    model = Recorder({"translate": lambda texts, **_: [said[text] for text in texts]})

    result = engine.measure(TRANSLATED, dataset, model)

    assert 0 < result.value < 43.472087
    assert "tok:zh" in result.metrics["signature"]
    assert result.counts == {"empty": 1}
    # No limit is given, so each text has the protocol's own.
    assert [call for _, call in model.calls] == [{"texts": ["one", "one two"], "source": "", "target": "zh"}]
    assert engine.rescore(TRANSLATED, result.rows) == dict(result.metrics)


@pytest.mark.parametrize(("rule", "expected"), [("first", 0.5), ("maximum", 1.0)])
def test_summaries_say_which_references_counted(rule: str, expected: float) -> None:
    benchmark = made("summaries", "rouge_l", ("source", "references"), scorer_args={"references_rule": rule})
    dataset = items({"source": "long", "references": ["a dog", "the dogs"]})

    result = engine.measure(benchmark, dataset, Recorder({"summarize": lambda texts, max_new_tokens: ["The dog"]}))

    assert (result.value, result.metrics["references"]) == (expected, rule)


def test_chinese_titles_are_compared_by_characters() -> None:
    benchmark = made("summaries", "rouge_l", ("source", "references"), language=["zh"])
    dataset = items({"source": "长", "references": "我爱北京"})

    result = engine.measure(benchmark, dataset, Recorder({"summarize": lambda texts, max_new_tokens: ["我爱上海"]}))

    assert result.value == 0.5
    assert "tok:char" in result.metrics["signature"]


def test_similarity_is_a_correlation_of_ranks() -> None:
    angles = {"a": 0.0, "b": 0.1, "c": 0.5, "d": 1.5}
    dataset = items(
        *({"first": "a", "second": word, "score": score} for word, score in [("b", "5"), ("c", 3), ("d", 4)])
    )
    model = Recorder({"embed": lambda texts: np.array([[math.cos(angles[t]), math.sin(angles[t])] for t in texts])})

    result = engine.measure(ALIKE, dataset, model)

    assert result.value == pytest.approx(0.5)
    assert result.interval is not None


def test_vectors_that_are_not_finite_make_no_score() -> None:
    dataset = items({"first": "a", "second": "b", "score": 1})

    with pytest.raises(NotScorable):
        engine.measure(ALIKE, dataset, Recorder({"embed": lambda texts: np.full((len(texts), 2), np.nan)}))


CLIPS = items(
    {"clip": Clip(b"\x00\x40" * 100, 8000), "text": "the cat sat"},
    {"clip": Clip(b"\x00\x40" * 50, 8000), "text": "hello world"},
    {"clip": Clip(b"\x00\x40" * 80, 16000), "text": "seven"},
)


def transcribe(clips: list[np.ndarray], sampling_rate: int) -> list[str]:
    assert all(clip.dtype == np.float32 and clip[0] == 0.5 for clip in clips)
    said = {(100, 8000): "The cat sit, down!", (50, 8000): "hello", (80, 16000): "7"}
    return [said[len(clip), sampling_rate] for clip in clips]


def test_error_rates_are_summed_over_clips() -> None:
    result = engine.measure(SPOKEN, CLIPS, Recorder({"transcribe": transcribe}))

    assert result.value == pytest.approx((3 + 1) / 6)
    assert result.metrics["cer"] == pytest.approx((12 + 5) / 27)
    assert result.metrics["accuracy"] == 0


def test_digits_are_words_where_the_set_says_so() -> None:
    benchmark = made("speech", "accuracy", ("clip", "text"), scorer_args={"digits_to_words": True})

    result = engine.measure(benchmark, CLIPS, Recorder({"transcribe": transcribe}))

    assert result.value == pytest.approx(1 / 3)
    assert result.interval is not None
    assert result.interval.method == "wilson"


def test_the_next_turn_is_ranked() -> None:
    logs = {" a": -3.0, " b": -1.0, " c": -2.0}
    said = {
        "continuation_log_likelihood": lambda contexts, continuations: [
            Continued(logs[text], 1, False, 0) for text in continuations
        ]
    }
    dataset = items(*({"context": "hi", "choices": ["a", "b", "c"], "gold": gold} for gold in (0, 1, 2)))

    result = engine.measure(TURNS, dataset, Recorder(said))

    assert result.value == pytest.approx(1 / 3)
    assert result.metrics["recall_at_2"] == pytest.approx(2 / 3)
    assert result.metrics["mrr"] == pytest.approx((1 / 3 + 1 + 1 / 2) / 3)


def test_targets_have_a_perplexity_given_their_sources() -> None:
    said = {
        "conditional_log_likelihood": lambda texts, targets, source, target: [
            Likelihood(-math.log(8) * 3, 3, 0) for _ in texts
        ]
    }
    dataset = items({"source": "a", "target": "x y"}, {"source": "b", "target": ["z"]})

    assert engine.measure(TARGETS, dataset, Recorder(said)).value == pytest.approx(8)


@pytest.mark.parametrize("scorer", ["pseudo_minimal_pairs", "pseudo_language_modelling"])
def test_masked_models_are_measured_by_pseudo_likelihood_and_marked(scorer: str) -> None:
    said = {"pseudo_log_likelihood": lambda texts: [Likelihood(-math.log(4) * len(t), len(t), 0) for t in texts]}
    if scorer == "pseudo_minimal_pairs":
        benchmark = made(scorer, "accuracy", ("good", "bad"))
        dataset = items({"good": "ab", "bad": "abc"}, {"good": "abc", "bad": "ab"})
    else:
        benchmark = made(scorer, "pppl", ("text",), higher_is_better=False)
        dataset = items({"text": "ab"}, {"text": "abc"})

    result = engine.measure(benchmark, dataset, Recorder(said))

    assert result.value == pytest.approx(0.5 if scorer == "pseudo_minimal_pairs" else 4)
    assert result.metrics["method"] == "pll"
    assert "word_perplexity" not in result.metrics


SECRET = "zxq"  # In every answer below, and in nothing that a model needs.
HIDDEN: list[tuple[Benchmark, dict[str, Any], Says]] = [
    (TAGS, {"tokens": ["Ann"], "tags": ["B-person"]}, {"tag": lambda sentences: [("O",) for _ in sentences]}),
    (SPANS, {"question": "q", "context": "c", "answers": [SECRET]}, {"answer": lambda **_: [Answer("", 0, 0, 0.0)]}),
    (ASKED, {"question": "q", "context": "c", "answers": [SECRET]}, goes_on("")),
    (TRANSLATED, {"source": "a", "target": SECRET}, {"translate": lambda texts, **_: ["" for _ in texts]}),
    (SUMMED, {"source": "a", "references": [SECRET]}, {"summarize": lambda texts, **_: ["" for _ in texts]}),
    (SPOKEN, {"clip": Clip(b"\x00\x40", 8000), "text": SECRET}, {"transcribe": lambda clips, **_: [""]}),
    (FUNCTIONS, {"prompt": "def f():\n", "test": f"# {SECRET}", "entry_point": SECRET}, goes_on("")),
    (
        made("classification", "accuracy", ("text", "label"), labels=[SECRET, "b"]),
        {"text": "t", "label": SECRET},
        {"classify": lambda texts: [Classification((SECRET, "b"), (0.0, 1.0)) for _ in texts]},
    ),
    (ALIKE, {"first": "a", "second": "b", "score": "4.25"}, {"embed": lambda texts: np.ones((len(texts), 2))}),
]
# Scoring a likelihood means showing every candidate. Which one is right, and what follows, is not among them.
SHOWS_CANDIDATES = frozenset(
    """language_modelling pseudo_language_modelling conditional_language_modelling minimal_pairs pseudo_minimal_pairs
    multiple_choice partial_evaluation next_turn last_word probe_classification""".split()
)


@pytest.mark.parametrize(("benchmark", "row", "says"), HIDDEN, ids=lambda value: getattr(value, "scorer", ""))
def test_no_answer_is_ever_shown_to_a_model(benchmark: Benchmark, row: dict[str, Any], says: Says) -> None:
    model = Recorder(says, labels=LABELS)

    result = engine.measure(benchmark, items(row), model)

    assert model.shown or benchmark.scorer == "speech"
    everything = repr(model.calls)
    assert SECRET not in everything
    assert "4.25" not in everything
    assert not {"gold", "label", "answers", "references", "tags", "test"} & {
        key for _, call in model.calls for key in call
    }
    assert SCORERS[benchmark.scorer].item_value(benchmark, result.rows[0]) in (0.0, None)


def test_every_scorer_either_hides_its_answers_or_shows_all_candidates_alike() -> None:
    assert {benchmark.scorer for benchmark, _, _ in HIDDEN} | SHOWS_CANDIDATES == SCORERS.keys()


@pytest.mark.parametrize("gold", [0, 1])
def test_which_candidate_is_right_changes_nothing_that_a_model_sees(gold: int) -> None:
    said: Says = {
        "continuation_log_likelihood": lambda contexts, continuations: [
            Continued(-float(len(text)), 1, False, 0) for text in continuations
        ]
    }
    seen = []
    for right in (gold, 1 - gold):
        model = Recorder(said)
        engine.measure(TURNS, items({"context": "hi", "choices": ["a", "bb"], "gold": right}), model)
        seen.append(model.calls)

    assert seen[0] == seen[1]


def test_every_scorer_says_something_of_its_rows_and_draws_its_metric() -> None:
    for benchmark, row, says in HIDDEN:
        scorer = SCORERS[benchmark.scorer]
        rows = engine.measure(benchmark, items(row, row, row), Recorder(says_for_three(says), labels=LABELS)).rows
        assert isinstance(scorer.prediction(rows[0]), str)
        whole = scorer.statistic(benchmark, rows)(np.arange(3)[None, :])
        assert whole.shape == (1,)
        assert float(whole[0]) == pytest.approx(scorer.aggregate(benchmark, rows).metrics[benchmark.main_metric])


def says_for_three(says: Says) -> Says:
    """Batches of three where a model above answers for one."""

    def repeated(one: Callable[..., Any]) -> Callable[..., Any]:
        def answer_all(**arguments: Any) -> Any:
            lists = [value for name, value in arguments.items() if name != "stops" and isinstance(value, list)]
            wanted = max(map(len, lists), default=0)
            found = one(**arguments)
            return found * wanted if isinstance(found, list) and len(found) == 1 < wanted else found

        return answer_all

    return {name: repeated(one) for name, one in says.items()}


def test_real_models_answer_through_the_sandbox(tmp_path: Path) -> None:
    """A tagger and an encoder-decoder, trained here: the scorers ask what the runtimes answer."""
    require("bubblewrap", "torch")
    tagged = items(
        *(
            {"tokens": text.split(), "tags": ["B-animal" if w in ("cat", "dog") else "O" for w in text.split()]}
            for text in TEXTS
        )
    )
    turned = items(*({"source": text, "target": " ".join(reversed(text.split()))} for text in TEXTS))
    (tmp_path / "crf").mkdir()
    (tmp_path / "seq2seq").mkdir()
    with sandbox.open(make_crf(tmp_path / "crf")) as session:
        session.load()
        found = engine.measure(made("tagging", "f1", ("tokens", "tags"), labels=["animal"]), tagged, session)
    assert found.value == 1
    with sandbox.open(make_seq2seq(tmp_path / "seq2seq")) as session:
        session.load()
        turns = engine.measure(made("translation", "chrf", ("source", "target")), turned, session)
        likely = engine.measure(TARGETS, turned, session)
    assert 0 <= turns.value <= 100
    assert likely.value > 1
