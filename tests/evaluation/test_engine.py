"""Scoring: exact on hand-made models, honest on real ones in the sandbox."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import benchmarks, engine, receipts, sandbox
from evaluation.benchmarks import Dataset, Item, Tier
from evaluation.sandbox import Classification, Continued, Generation, Likelihood, Usage
from evaluation.scorers import NotScorable
from tests.evaluation.benchmarks.test_benchmarks import declared
from tests.factories import tiny_models


class ToyModel:
    """A model in plain Python: what it says follows from small functions that a test can check by hand."""

    def __init__(
        self,
        *,
        log_prob: Callable[[str], float] | None = None,
        classify: Callable[[str], tuple[float, ...]] | None = None,
        embed: Callable[[str], Sequence[float]] | None = None,
        goes_on: Callable[[str], str] | None = None,
        labels: Sequence[str] = ("a", "b"),
    ) -> None:
        self.description: dict[str, Any] = {"description": {"context_length": 64, "prefix_token": {"id": 0}}}
        self.asked: list[str] = []
        self._log_prob, self._classify, self._embed, self._goes_on = log_prob, classify, embed, goes_on
        self._labels = tuple(labels)

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any:
        self.asked += [operation, *arguments.get("texts", ())]
        return getattr(self, f"do_{operation}")(**arguments)

    def do_log_likelihood(self, texts: list[str]) -> list[Likelihood]:
        assert self._log_prob is not None
        return [Likelihood(self._log_prob(text), len(text), text.count("?")) for text in texts]

    def do_classify(self, texts: list[str]) -> list[Classification]:
        assert self._classify is not None
        return [Classification(self._labels, self._classify(text)) for text in texts]

    def do_embed(self, texts: list[str]) -> np.ndarray:
        assert self._embed is not None
        return np.array([self._embed(text) for text in texts], dtype=np.float32)

    def do_encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def do_continuation_log_likelihood(self, contexts: list[str], continuations: list[str]) -> list[Continued]:
        assert self._log_prob is not None
        wholes = [context + continuation for context, continuation in zip(contexts, continuations, strict=True)]
        self.asked += wholes
        return [
            Continued(self._log_prob(whole) - self._log_prob(context), len(whole) - len(context), False, 0)
            for context, whole in zip(contexts, wholes, strict=True)
        ]

    def do_continue_greedily(self, texts: list[str], max_new_tokens: int) -> list[Generation]:
        return [self.do_generate(text, max_new_tokens, 0.0) for text in texts]

    def do_generate(self, prompt: str, max_new_tokens: int, temperature: float) -> Generation:
        assert self._goes_on is not None
        text = self._goes_on(prompt)[:max_new_tokens]
        return Generation(text, tuple(map(ord, text)), "length", len(prompt))


def items(*rows: dict[str, Any]) -> Dataset:
    return Dataset(items=tuple(Item(str(number), row) for number, row in enumerate(rows)))


def benchmark(**changes: Any) -> benchmarks.Benchmark:
    return benchmarks.parse(declared(**changes))


PAIRS = {"scorer": "minimal_pairs", "labels": [], "requires": ["log_likelihood"], "scorer_args": {"group": "g"}}
TEXT = {"scorer": "language_modelling", "labels": [], "requires": ["log_likelihood"], "main_metric": "bits_per_byte"}


def test_bits_per_byte_is_exact() -> None:
    model = ToyModel(log_prob=lambda text: -len(text.encode()) * math.log(16))

    result = engine.measure(benchmark(**TEXT), items({"text": "abcd ef\n"}, {"text": "中文?"}), model)

    assert result.value == pytest.approx(4)
    assert result.metrics["byte_perplexity"] == pytest.approx(16)
    assert result.metrics["words"] == 5
    assert result.metrics["word_perplexity"] == pytest.approx(math.exp(15 * math.log(16) / 5))
    assert result.counts == {"unknown": 1, "documents": 2}
    assert result.interval is not None
    assert (result.interval.low, result.interval.high) == (pytest.approx(4), pytest.approx(4))
    assert result.method["window"] == 64


def test_chinese_text_has_no_perplexity_per_word() -> None:
    model = ToyModel(log_prob=lambda text: -1.0)

    result = engine.measure(benchmark(**TEXT, language=["zh"]), items({"text": "中文"}, {"text": "字"}), model)

    assert "word_perplexity" not in result.metrics


def test_a_pair_needs_a_strictly_likelier_good_sentence() -> None:
    model = ToyModel(log_prob=lambda text: {"good": -1.0, "bad": -2.0}.get(text, -3.0))
    rows = items(
        {"good": "good", "bad": "bad", "g": "x"},
        {"good": "bad", "bad": "good", "g": "x"},
        {"good": "tie", "bad": "eit", "g": "y"},
        {"good": "good", "bad": "tie", "g": "y"},
    )

    result = engine.measure(benchmark(**PAIRS), rows, model)

    assert result.value == 0.5
    assert [row["right"] for row in result.rows] == [True, False, False, True]
    assert result.counts["ties"] == 1
    assert result.metrics["by_group"] == {"x": 0.5, "y": 0.5}
    assert result.interval is not None
    assert result.interval.method == "wilson"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_never_a_score(bad: float) -> None:
    model = ToyModel(log_prob=lambda text: bad)

    with pytest.raises(NotScorable) as caught:
        engine.measure(benchmark(**TEXT), items({"text": "a"}, {"text": "b"}), model)

    assert caught.value.code == "not_finite"


def test_nan_in_a_pair_fails_the_run() -> None:
    model = ToyModel(log_prob=lambda text: math.nan)

    with pytest.raises(NotScorable):
        engine.measure(benchmark(**PAIRS), items({"good": "a", "bad": "b", "g": ""}), model)


def test_classification_maps_labels_by_name_and_not_by_order() -> None:
    model = ToyModel(classify=lambda text: (0.9, 0.1) if "yes" in text else (0.2, 0.8), labels=["B", "A"])
    rows = items({"text": "yes", "label": "b"}, {"text": "no", "label": "a"}, {"text": "yes sir", "label": "a"})

    result = engine.measure(benchmark(), rows, model)

    assert result.value == pytest.approx(2 / 3)
    assert result.metrics["confusion"] == {"labels": ["a", "b"], "rows_are_gold": [[1, 1], [0, 1]]}
    assert result.metrics["majority"] == pytest.approx(2 / 3)


def test_the_answers_never_reach_the_model() -> None:
    model = ToyModel(classify=lambda text: (1.0, 0.0))
    rows = items({"text": "one", "label": "a"}, {"text": "two", "label": "b"})

    engine.measure(benchmark(), rows, model)

    assert set(model.asked) == {"classify", "one", "two"}


def test_f1_of_the_positive_class_has_a_bootstrap_interval() -> None:
    model = ToyModel(classify=lambda text: (0.0, 1.0) if text.endswith("!") else (1.0, 0.0), labels=["ham", "spam"])
    rows = items(
        *({"text": f"{number}!", "label": "spam"} for number in range(20)),
        *({"text": f"{number}", "label": "ham"} for number in range(70)),
        *({"text": f"{number}?!", "label": "ham"} for number in range(10)),
    )
    spam = benchmark(labels=["ham", "spam"], main_metric="f1", scorer_args={"positive": "spam"})

    result = engine.measure(spam, rows, model)

    assert result.value == pytest.approx(2 * (20 / 30) / (1 + 20 / 30))
    assert result.interval is not None
    assert result.interval.low < result.value < result.interval.high
    assert result.interval == engine.measure(spam, rows, model).interval


def test_a_set_with_parts_gives_a_number_for_each_that_is_large_enough() -> None:
    names = [("health", 6), ("law", 5), ("rare", 4)]
    rows = [
        Item(f"{name}-{number}", {"text": name if number else "b", "label": "a", "slice": name})
        for name, count in names
        for number in range(count)
    ]
    benchmark = benchmarks.parse(declared(fields={"id": "id", "text": "text", "label": "label", "slice": "domain"}))
    model = ToyModel(classify=lambda text: (0.1, 0.9) if text == "b" else (0.9, 0.1))

    result = engine.measure(benchmark, Dataset(items=tuple(sorted(rows, key=lambda row: row.id))), model)

    assert result.metrics["by_slice"] == {
        "health": {"n": 6, "value": pytest.approx(5 / 6)},
        "law": {"n": 5, "value": 0.8},
    }
    assert {row["slice"] for row in result.rows} == {"health", "law", "rare"}
    assert engine.rescore(benchmark, result.rows) == dict(result.metrics)


def test_labels_that_do_not_match_are_not_a_zero() -> None:
    model = ToyModel(classify=lambda text: (1.0, 0.0), labels=["LABEL_0", "LABEL_1"])

    with pytest.raises(NotScorable, match="do not match"):
        engine.measure(benchmark(), items({"text": "x", "label": "a"}), model)


def test_a_probe_learns_outside_and_scores_what_the_vectors_tell() -> None:
    files = [{"path": f"data/{split}.jsonl", "sha256": "0" * 64, "bytes": 1} for split in ("train", "test")]
    probe = benchmarks.parse(benchmarks.probe_variant(declared(files=files)))
    rows = [Item(f"{n:03}", {"text": f"{'yes' if n % 2 else 'no'} {n}", "label": "ab"[n % 2]}) for n in range(60)]
    telling = ToyModel(embed=lambda text: [float("yes" in text), len(text)])
    silent = ToyModel(embed=lambda text: [1.0, 0.0])

    found = engine.measure(probe, Dataset(tuple(rows[40:]), tuple(rows[:40])), telling)
    nothing = engine.measure(probe, Dataset(tuple(rows[40:]), tuple(rows[:40])), silent)

    assert found.value == 1.0
    assert found.metrics["train_rows"] == 40
    assert nothing.value == 0.5


CHOICE = {"labels": [], "requires": ["log_likelihood", "tokenize"]}


def test_multiple_choice_by_plain_and_by_normalised_likelihood() -> None:
    # Each character costs 1, but "e" costs nothing: the short option wins plainly, the cheap long one normalised.
    model = ToyModel(log_prob=lambda text: -float(len(text) - text.count("e")))
    row = {"context": "Q", "choices": ["ab", "eeeeeeabc"], "gold": 1}
    args = {"scorer_args": {"context_template": "{context}\nAnswer:"}}

    plain = engine.measure(benchmark(scorer="multiple_choice", **CHOICE, **args), items(row), model)

    assert plain.rows[0]["log_probs"] == [-3, -4]
    assert plain.rows[0]["characters"] == [2, 9]
    assert (plain.metrics["accuracy"], plain.metrics["accuracy_normalised"]) == (0, 1)
    assert "Q\nAnswer: ab" in model.asked
    assert plain.counts["merged_tokens"] == 0


def test_partial_evaluation_scores_one_continuation_under_two_contexts() -> None:
    model = ToyModel(log_prob=lambda text: -1.0 if text in ("he", "she") else -2.0 if text == "she ran" else -5.0)
    row = {"contexts": ["he", "she"], "continuation": "ran", "gold": 1}

    result = engine.measure(benchmark(scorer="partial_evaluation", **CHOICE), items(row), model)

    assert result.value == 1
    assert result.rows[0]["log_probs"] == [-4, -1]


def test_the_last_word_must_be_said_before_it_is_shown() -> None:
    model = ToyModel(log_prob=lambda text: -float(len(text)), goes_on=lambda text: " stones and more")
    word = benchmark(scorer="last_word", labels=[], requires=["log_likelihood", "generate", "tokenize"])
    rows = items({"context": "A heap of", "continuation": "stones"}, {"context": "A pile of", "continuation": "wood"})

    result = engine.measure(word, rows, model)

    assert [row["right"] for row in result.rows] == [True, False]
    assert result.metrics["target_perplexity"] == pytest.approx(math.exp((7 + 5) / 2))
    assert max(
        position for position, word in enumerate(model.asked) if word == "continue_greedily"
    ) < model.asked.index("continuation_log_likelihood")


@pytest.mark.parametrize(
    ("begins", "word", "rounds"),
    [
        ("\ufffd", "stones", 1),
        (" \ufffd", "stones", 2),
        (" \ufffd", "über", 3),
        (" st", "stones", 3),
        (" pet", "pets", 3),
    ],
)
def test_a_text_that_can_become_the_target_no_more_is_not_gone_on_with(begins: str, word: str, rounds: int) -> None:
    model = ToyModel(log_prob=lambda text: -1.0, goes_on=lambda text: begins)
    declared = benchmark(scorer="last_word", labels=[], requires=["log_likelihood", "generate", "tokenize"])

    engine.measure(declared, items({"context": "A heap of", "continuation": word}), model)

    assert model.asked.count("continue_greedily") == rounds


def test_a_model_that_goes_on_differently_each_time_is_not_scored() -> None:
    said = iter([" s", "tones"])
    model = ToyModel(log_prob=lambda text: -1.0, goes_on=lambda text: next(said))
    word = benchmark(scorer="last_word", labels=[], requires=["log_likelihood", "generate", "tokenize"])

    with pytest.raises(NotScorable) as caught:
        engine.measure(word, items({"context": "A", "continuation": "stones"}), model)

    assert caught.value.code == "not_deterministic"


def test_stored_rows_give_the_same_metrics_again() -> None:
    model = ToyModel(log_prob=lambda text: -float(len(text)))
    result = engine.measure(benchmark(**TEXT), items({"text": "ab"}, {"text": "cde fg"}), model)
    stored = [json.loads(line) for line in engine.rows_as_jsonl(result.rows).splitlines()]

    assert engine.rescore(benchmark(**TEXT), stored) == result.metrics


def test_a_benchmark_keeps_its_own_time() -> None:
    model = ToyModel(log_prob=lambda text: -1.0)
    limits = {"seconds": 0, "mib": 1, "tokens": 1}

    with pytest.raises(sandbox.TimedOut, match="longer than its 0 s"):
        engine.measure(benchmark(**TEXT, limits=limits), items({"text": "a"}, {"text": "b"}), model)


def test_a_smaller_tier_is_named() -> None:
    model = ToyModel(log_prob=lambda text: -float(len(text)))
    rows = items(*({"text": f"text {number}"} for number in range(40)))

    result = engine.measure(benchmark(**TEXT), rows, model, tier=Tier.QUICK)

    assert (result.tier, result.n) == ("quick", 12)


def test_a_receipt_is_named_by_its_own_hash_and_changes_with_every_fact() -> None:
    model = ToyModel(log_prob=lambda text: -float(len(text)))
    result = engine.measure(benchmark(**TEXT), items({"text": "ab"}, {"text": "cde"}), model)
    facts: dict[str, Any] = {
        "model": receipts.ModelIdentity(
            "me/tiny", "c" * 40, [receipts.MeasuredFile("vocab.json", "1" * 64, 3)], "safetensors"
        ),
        "benchmark": benchmark(**TEXT),
        "dataset_commit": "d" * 40,
        "result": result,
        "items": receipts.ItemsFile("3" * 64, 700),
        "loaded": {
            "runtime": "toy",
            "description": {"architecture": "toy", "dtype": "float32", "stored_dtypes": ["Q4_1"]},
            "wall_s": 0.1,
        },
        "usage": Usage(1, 1, 0.1, 0.2),
        "threads": 2,
        "walls": {"landlock": 7, "seccomp": True, "namespaces": [], "user": 123, "cores": [0, 1]},
        "code": receipts.Code("2" * 64, "f" * 40, False),
        "created_at": "2026-01-01T00:00:00Z",
    }

    receipt = receipts.build(**facts)

    body = json.loads(receipt.body)
    assert receipt == receipts.seal(body)
    assert body["items"]["sha256"] == "3" * 64
    assert body["items"]["rows_sha256"] == receipts.rows_sha256(body) == result.rows_sha256
    assert body["env"]["affinity"] == [0, 1]
    assert body["env"]["blas"]
    assert body["env"]["determinism"] == {"torch_deterministic_algorithms": True, "python_hash_seed": 0}
    assert (body["model"]["dtype"], body["model"]["quantisation"]) == ("float32", ["Q4_1"])
    assert (body["code"]["git_commit"], body["code"]["dirty"]) == ("f" * 40, False)
    assert body["model"]["tokenizer_sha256"]
    assert "user" not in body["env"]["sandbox"]
    assert receipts.build(**{**facts, "dataset_commit": "e" * 40}).sha256 != receipt.sha256


def test_a_receipt_never_hides_a_number_that_is_none() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        receipts.seal({"value": math.nan})


# From here on: real models, through the real sandbox.


def suite(name: str) -> tuple[benchmarks.Benchmark, Dataset]:
    folder = tiny_models.SUITES / name
    found = benchmarks.parse(json.loads((folder / "benchmark.json").read_text(encoding="utf-8")))
    return found, benchmarks.load(found, folder)


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.make_random_gpt2(tmp_path_factory.mktemp("random"))


def test_random_weights_are_at_chance_on_minimal_pairs_and_equal_twice(random_model: Path) -> None:
    pairs, dataset = suite("core-pairs-en")
    results = []
    for _ in range(2):
        with sandbox.open(random_model) as session:
            session.load()
            results.append(engine.measure(pairs, dataset, session, tier=Tier.QUICK))

    first, second = results
    assert first.interval is not None
    assert first.interval.low <= 0.5 <= first.interval.high
    assert first.rows_sha256 == second.rows_sha256
    assert first.value == second.value


def test_a_trained_ngram_beats_the_byte_unigram_and_knows_some_grammar(tmp_path: Path) -> None:
    text, documents = suite("core-text-en")
    pairs, dataset = suite("core-pairs-en")
    with sandbox.open(tiny_models.make_ngram(tmp_path / "ngram")) as session:
        session.load()
        bits = engine.measure(text, documents, session)
        grammar = engine.measure(pairs, dataset, session)

    assert text.baseline is not None
    assert bits.interval is not None
    assert bits.interval.high < text.baseline.value
    assert 1.5 < bits.value < 3
    assert grammar.value > 0.52


def test_random_vectors_probe_and_random_heads_are_near_their_baselines(tmp_path: Path) -> None:
    sentiment, dataset = suite("core-sentiment-en")
    probe = benchmarks.parse(benchmarks.probe_variant(sentiment.declared))
    head = tiny_models.make_random_bert(tmp_path / "head", labels=["negative", "positive"])
    with sandbox.open(head) as session:
        session.load()
        by_head = engine.measure(sentiment, dataset, session, tier=Tier.QUICK)
    with sandbox.open(tiny_models.make_random_bert(tmp_path / "encoder")) as session:
        session.load()
        by_probe = engine.measure(probe, benchmarks.load(probe, tiny_models.SUITES / sentiment.id), session)

    assert 0.35 < by_head.value < 0.65
    assert 0.4 < by_probe.value < 0.75
