"""N-gram models: exact against a slow reference, normalised, saved and loaded, refused when broken."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from smallhub.runtimes import UnsupportedModel, load, recognise
from smallhub.runtimes._arrays import read_arrays, write_arrays
from smallhub.runtimes._units import BEGIN, END, UNKNOWN
from smallhub.runtimes.ngram import train

TEXTS = [
    "the cat sat on the mat\nthe dog sat on the log",
    "a cat and a dog met on a mat",
    "the mat was flat and the cat was fat",
    "dogs and cats and mats and logs",
]


class Slow:
    """Modified Kneser-Ney by the book, with dictionaries of tuples: the reference for the arrays."""

    def __init__(self, documents: list[list[int]], order: int, predictable: list[int]) -> None:
        self.order, self.predictable = order, predictable
        raw: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
        left: list[dict[tuple[int, ...], set[int]]] = [defaultdict(set) for _ in range(order + 1)]
        for document in documents:
            ids = [BEGIN, *document]
            for length in range(1, order + 1):
                for start in range(len(ids) - length + 1):
                    gram = tuple(ids[start : start + length])
                    raw[length][gram] += 1
                    if start:
                        left[length][gram].add(ids[start - 1])
        self.counts = [{}] + [
            {
                gram: count if length == order or gram[0] == BEGIN else len(left[length][gram])
                for gram, count in raw[length].items()
                if gram != (BEGIN,)
            }
            for length in range(1, order + 1)
        ]
        self.steps = [()] + [self._steps(self.counts[length]) for length in range(1, order + 1)]

    @staticmethod
    def _steps(counts: dict[tuple[int, ...], int]) -> tuple[float, float, float]:
        n = Counter(counts.values())
        steps = [0.5, 1.0, 1.5]
        if n[1] and n[2]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3] if n[3] else 1.5]
            steps = [step if 0 < step < k + 1 else steps[k] for k, step in enumerate(found)]
        return (steps[0], steps[1], steps[2])

    def probability(self, history: list[int], unit: int) -> float:
        return self._probability(tuple(history[-(self.order - 1) :]) if self.order > 1 else (), unit)

    def _probability(self, history: tuple[int, ...], unit: int) -> float:
        lower = self._probability(history[1:], unit) if history else (unit in self.predictable) / len(self.predictable)
        length = len(history) + 1
        after = {gram: count for gram, count in self.counts[length].items() if gram[:-1] == history and count}
        total = sum(after.values())
        if not total:
            return lower
        step = [0.0, *self.steps[length]]
        own = after.get((*history, unit), 0)
        gamma = sum(step[min(count, 3)] for count in after.values()) / total
        return (own - step[min(own, 3)]) / total + gamma * lower


documents = st.lists(st.text(alphabet="abc", max_size=12), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(texts=documents, order=st.integers(1, 4), ends=st.booleans(), probe=st.text(alphabet="abcd", max_size=8))
@example(texts=[""], order=3, ends=False, probe="")
def test_log_likelihood_equals_the_slow_reference(texts, order, ends, probe):
    model = train(texts, unit="char", order=order, ends_texts=ends)
    encoded = [model.encode(text) + [END] * ends for text in texts]
    predictable = [UNKNOWN, *([END] if ends else []), *range(3, model.vocabulary.size)]
    slow = Slow(encoded, order, predictable)

    found = model.log_likelihood([probe])[0]

    ids = model.encode(probe) + [END] * ends
    expected = sum(math.log(slow.probability([BEGIN, *ids[:place]], unit)) for place, unit in enumerate(ids))
    assert found.log_prob == pytest.approx(expected, abs=1e-4)
    assert found.tokens == len(ids)
    assert found.unknown == ids.count(UNKNOWN)


@settings(max_examples=40, deadline=None)
@given(texts=documents, order=st.integers(1, 5), ends=st.booleans(), history=st.text(alphabet="abcd", max_size=8))
def test_probabilities_after_any_history_sum_to_one(texts, order, ends, history):
    model = train(texts, unit="char", order=order, ends_texts=ends)

    probabilities = np.exp(model.next_log_probs([history])[0].astype(float))

    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities[BEGIN] == 0
    assert (probabilities[END] > 0) == ends


@pytest.mark.parametrize("unit", ["byte", "char", "word"])
def test_the_sum_of_next_log_probs_is_the_log_likelihood(unit):
    model = train(TEXTS, unit=unit, order=4, ends_texts=False)
    text = "the cat met a zebra"
    ids = model.encode(text)

    join = {"word": " "}.get(unit, "")
    parts = text.split() if unit == "word" else list(text)
    prefixes = [join.join(parts[:count]) for count in range(len(parts))]
    steps = model.next_log_probs(prefixes)

    total = sum(float(row[unit_id]) for row, unit_id in zip(steps, ids, strict=True))
    assert model.log_likelihood([text])[0].log_prob == pytest.approx(total, abs=1e-4)


def test_scoring_many_texts_together_equals_scoring_each_alone():
    model = train(TEXTS, unit="char", order=5)
    texts = ["", "the", "cat\nsat", "zzz", *TEXTS]

    together = model.log_likelihood(texts)

    assert together == [model.log_likelihood([text])[0] for text in texts]
    assert together[0].log_prob == 0


@pytest.mark.parametrize("min_counts", [[1, 1, 2], [1, 2, 2, 3]])
def test_pruned_models_are_smaller_and_still_sum_to_one(min_counts):
    whole = train(TEXTS, unit="char", order=len(min_counts))
    pruned = train(TEXTS, unit="char", order=len(min_counts), min_counts=min_counts)

    sums = np.exp(pruned.next_log_probs(["", "the ca", "qq", "dog sat on"]).astype(float)).sum(axis=1)

    assert sums == pytest.approx(np.ones(4), abs=1e-5)
    assert pruned.description()["parameters"] < whole.description()["parameters"]


def test_longer_histories_help_on_text_like_the_training():
    text = "the cat sat on the mat and the dog sat on the log"
    bits = [train(TEXTS, unit="char", order=order).log_likelihood([text])[0].bits_per_byte(text) for order in (1, 2, 4)]

    assert bits[0] > bits[1] > bits[2]


@pytest.mark.parametrize("unit", ["byte", "char", "word"])
def test_a_saved_model_is_recognised_and_loads_the_same(tmp_path, unit):
    model = train(TEXTS, unit=unit, order=3)
    model.save(tmp_path)

    loaded = load(tmp_path)

    assert recognise(tmp_path).runtime == "ngram"
    assert loaded.log_likelihood(TEXTS) == model.log_likelihood(TEXTS)
    assert loaded.description() == model.description()
    json.dumps(loaded.description())


def test_training_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        train(TEXTS, unit="char", order=3).save(tmp_path / name)

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@given(text=st.text(max_size=50))
def test_bytes_and_known_characters_survive_the_way_there_and_back(text):
    text = text.encode("utf-8", "replace").decode()
    for unit in ("byte", "char"):
        vocabulary = train([text], unit=unit, order=1).vocabulary
        assert vocabulary.decode(vocabulary.encode(text).tolist()) == text


def test_unknown_words_are_scored_and_counted_not_skipped():
    model = train(TEXTS, unit="word", order=2)

    found = model.log_likelihood(["the zebra sat"])[0]

    assert (found.tokens, found.unknown) == (4, 1)  # Three words and the end.
    assert found.log_prob < model.log_likelihood(["the cat sat"])[0].log_prob


def test_lines_end_in_a_word_of_their_own():
    model = train(["a b\nc d\n"] * 3, unit="word", order=2, ends_texts=False)

    assert model.log_likelihood(["a b\nc d\n"])[0].tokens == 6
    assert model.decode(model.encode("a b\nc d\n")) == "a b\nc d\n"


def test_generation_is_repeatable_and_seeds_matter():
    model = train(TEXTS, unit="char", order=4)

    draws = {model.generate("the ", temperature=1.0, seed=seed).text for seed in (1, 2, 3)}

    assert model.generate("the ") == model.generate("the ", use_cache=False)
    assert model.generate("the ", temperature=1.0, seed=1) == model.generate("the ", temperature=1.0, seed=1)
    assert len(draws) > 1
    assert model.generate("the ", max_new_tokens=7).finish == "length"
    assert len(model.generate("the ", max_new_tokens=7).token_ids) == 7


def test_generation_stops_at_the_end_of_a_text():
    model = train(["abc"] * 5, unit="char", order=4, ends_texts=True)

    generation = model.generate("a")

    assert (generation.text, generation.finish) == ("bc", "stop")


def damage_keys(arrays):
    arrays["keys_2"] = arrays["keys_2"][::-1].copy()


def damage_range(arrays):
    arrays["keys_2"] = arrays["keys_2"] + 10**9


def damage_nan(arrays):
    arrays["log_prob_1"] = np.full_like(arrays["log_prob_1"], np.nan)


def damage_length(arrays):
    arrays["log_prob_2"] = arrays["log_prob_2"][:-1]


def damage_missing(arrays):
    del arrays["log_backoff_1"]


@pytest.mark.parametrize("damage", [damage_keys, damage_range, damage_nan, damage_length, damage_missing])
def test_broken_tables_are_refused_with_a_reason(tmp_path, damage):
    train(TEXTS, unit="char", order=3).save(tmp_path)
    arrays = dict(read_arrays(tmp_path / "model.safetensors"))
    damage(arrays)
    write_arrays(tmp_path / "model.safetensors", arrays)

    with pytest.raises(UnsupportedModel) as caught:
        load(tmp_path)

    assert caught.value.code == "broken_model"


@pytest.mark.parametrize(
    "change", [{"order": 4}, {"order": 0}, {"order": "3"}, {"unit": "word"}, {"format_version": 2}, {"ends_texts": 1}]
)
def test_a_config_that_contradicts_the_files_is_refused(tmp_path, change):
    train(TEXTS, unit="char", order=3).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(UnsupportedModel):
        load(tmp_path)


def test_our_arrays_are_read_by_the_safetensors_package(tmp_path):
    from safetensors.numpy import load_file

    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array([2**40], dtype=np.int64)}
    write_arrays(tmp_path / "x.safetensors", arrays)

    for found in (load_file(tmp_path / "x.safetensors"), read_arrays(tmp_path / "x.safetensors")):
        assert sorted(found) == ["a", "b"]
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_loading_an_ngram_needs_no_torch(tmp_path):
    train(TEXTS, unit="char", order=3).save(tmp_path)
    script = f"""
import sys
for name in ("torch", "transformers", "safetensors", "tokenizers", "django", "httpx"):
    sys.modules[name] = None
import smallhub
print(smallhub.load({str(tmp_path)!r}).log_likelihood(["the cat"])[0].tokens)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout == "7\n", done.stderr
