"""N-gram language models over bytes, characters or words; numpy alone.

Files: `config.json` (`model_type: "smallhub-ngram"`), `vocab.json`, `model.safetensors` with the arrays `keys_k`,
`log_prob_k` and `log_backoff_k` for each length k (see `_kneser_ney.Level`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from smallhub._exceptions import Invalid, UnsupportedModel
from smallhub.runtimes._arrays import read_arrays, write_arrays
from smallhub.runtimes._files import read_object
from smallhub.runtimes._kneser_ney import Flags, Floats, Level, Table, estimate
from smallhub.runtimes._types import (
    LANGUAGE_MODEL,
    Continued,
    Explanation,
    Generation,
    Likelihood,
    Method,
    Model,
    PrefixRule,
    Runtime,
    border,
    check_generation,
)
from smallhub.runtimes._units import BEGIN, END, UNKNOWN, Unit, Vocabulary

MODEL_TYPE = "smallhub-ngram"
MAX_ORDER = 20


class NgramModel(Model):
    """An interpolated modified Kneser-Ney model. Each text is a document: it starts after `<s>`.

    With `ends_texts`, `</s>` is predicted and scored after each text as one more token. That is the custom for
    sentences of words; running text of bytes or characters goes without.
    """

    runtime: ClassVar[Runtime] = "ngram"

    def __init__(self, table: Table, vocabulary: Vocabulary, *, ends_texts: bool, notes: dict[str, Any]) -> None:
        self.task = "text-generation"
        self.capabilities = LANGUAGE_MODEL
        self.vocabulary = vocabulary
        self.ends_texts = ends_texts
        self._table = table
        self._notes = notes

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        grams = [len(level.keys) for level in self._table.levels]
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": MODEL_TYPE,
            "parameters": sum(grams) + sum(grams[:-1]),
            "context_length": None,
            "vocabulary_size": self.vocabulary.size,
            "labels": None,
            "prefix_token": {"text": "<s>", "id": BEGIN, "rule": "document_separator"},
            "dtype": "float32",
            "order": self._table.order,
            "unit": self.vocabulary.unit,
            "grams": grams,
            "ends_texts": self.ends_texts,
            "smoothing": "interpolated modified Kneser-Ney",
            **self._notes,
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        return [int(number) for number in self.vocabulary.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self.vocabulary.decode(ids)

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score texts; both rules of the prefix mean `<s>` here."""
        del prefix
        encoded = [self.vocabulary.encode(text) for text in texts]
        if self.ends_texts:
            encoded = [np.append(ids, END) for ids in encoded]
        scores = self._table.score(encoded)
        return [
            Likelihood(float(score.sum()), len(ids), int(np.count_nonzero(ids == UNKNOWN)))
            for ids, score in zip(encoded, scores, strict=True)
        ]

    def continuation_log_likelihood(
        self, contexts: Sequence[str], *, continuations: Sequence[str], prefix: PrefixRule = "document_separator"
    ) -> list[Continued]:
        """Score continuations given their contexts, all behind `<s>`; that a text ends is no part of it."""
        del prefix
        pairs = [border(*pair) for pair in zip(contexts, continuations, strict=True)]
        heads = [self.vocabulary.encode(context) for context, _ in pairs]
        wholes = [self.vocabulary.encode(context + continuation) for context, continuation in pairs]
        found = []
        for head, whole, score in zip(heads, wholes, self._table.score(wholes), strict=True):
            is_merged = not np.array_equal(whole[: len(head)], head)
            tokens = max(0, len(whole) - len(head))
            found.append(Continued(float(score[len(head) :].sum()), tokens, is_merged=is_merged))
        return found

    def next_log_probs(self, texts: Sequence[str]) -> Floats:
        """Log-probabilities of the next unit; shape (texts, vocabulary)."""
        rows = [self._next(self.vocabulary.encode(text).tolist()) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.vocabulary.size)

    def generate(
        self,
        prompt: str,
        *,
        max_new_tokens: int = 40,
        temperature: float = 0.0,
        seed: int = 0,
        use_cache: bool = True,
    ) -> Generation:
        """Go on with a text. `<unk>` is never chosen. There is no state to cache: `use_cache` changes nothing."""
        del use_cache
        check_generation(max_new_tokens=max_new_tokens, temperature=temperature)
        rng = np.random.default_rng(seed)
        ids = self.encode(prompt)
        prompt_tokens = len(ids)
        for _ in range(max_new_tokens):
            log_probs = self._next(ids)
            log_probs[UNKNOWN] = -np.inf
            chosen = choose(log_probs, temperature=temperature, rng=rng)
            if chosen == END:
                return self._generation(ids, prompt_tokens, is_ended=True)
            ids.append(chosen)
        return self._generation(ids, prompt_tokens, is_ended=False)

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """The log-probability of each unit, exactly: which n-gram it comes from, and what backing off to it cost.

        With a target, of each unit of the target behind the text; else of the text's own.
        """
        if method not in ("auto", "exact"):
            return None
        if target is not None and not isinstance(target, str):
            raise Invalid("For a language model the target is a text that follows.", code="invalid_target")
        context, goal = border(value, target) if target is not None else ("", value)
        text = context + goal
        units, spans, scores, notes = [], [], [], []
        for start, line in self._lines(text):
            ids = self.vocabulary.encode(line)
            places = [(start + first, start + last) for first, last in self.vocabulary.spans(line)]
            if self.ends_texts and target is None:
                ids, places = np.append(ids, END), [*places, (start + len(line), start + len(line))]
            for number, span, (found, length, cost) in zip(ids.tolist(), places, self._table.account(ids), strict=True):
                if span[0] < len(context):
                    continue
                units.append(text[span[0] : span[1]] or self.vocabulary.name(number))
                spans.append(span)
                scores.append(found + cost)
                notes.append(f"{length}-gram {found:.3f}" + (f", backed off {cost:.3f}" if cost else ""))
        return Explanation(
            tuple(units), tuple(spans), tuple(scores), goal, "exact", sum(scores), 0.0, "log_probability", tuple(notes)
        )

    def _lines(self, text: str) -> list[tuple[int, str]]:
        """What is scored by itself, with where it begins: here the whole text."""
        return [(0, text)]

    def save(self, folder: Path) -> None:
        """Write the three files into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {}
        for length, level in enumerate(self._table.levels, start=1):
            arrays |= {f"log_prob_{length}": level.log_prob}
            arrays |= {f"keys_{length}": level.keys} if length > 1 else {}
            arrays |= {f"log_backoff_{length}": level.log_backoff} if length < self._table.order else {}
        write_arrays(folder / "model.safetensors", arrays)
        self.vocabulary.save(folder)
        config = {
            "model_type": MODEL_TYPE,
            "architectures": ["SmallhubNgram"],
            "format_version": 1,
            "order": self._table.order,
            "unit": self.vocabulary.unit,
            "vocabulary_size": self.vocabulary.size,
            "ends_texts": self.ends_texts,
            "notes": self._notes,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model, checking that its tables are such as look-ups need.

        Raises:
            UnsupportedModel: with what is wrong.
        """
        del threads  # Look-ups use one.
        config = read_object(folder / "config.json")
        order, ends_texts, notes = config.get("order"), config.get("ends_texts"), config.get("notes") or {}
        if config.get("format_version") != 1 or not isinstance(order, int) or not 1 <= order <= MAX_ORDER:
            raise UnsupportedModel("broken_model", "config.json is not of this format, or its order is out of range.")
        if not isinstance(ends_texts, bool) or not isinstance(notes, dict):
            raise UnsupportedModel("broken_model", "config.json: 'ends_texts' or 'notes' is of the wrong type.")
        vocabulary = Vocabulary.load(folder, unit=config.get("unit"))
        arrays = read_arrays(folder / "model.safetensors")
        try:
            levels = [_read_level(arrays, length, order, vocabulary.size) for length in range(1, order + 1)]
            _check_levels(levels, vocabulary.size)
        except (KeyError, ValueError) as error:
            raise UnsupportedModel("broken_model", f"model.safetensors: {error}.") from error
        return cls(Table(levels, size=vocabulary.size), vocabulary, ends_texts=ends_texts, notes=notes)

    def _next(self, ids: list[int]) -> Any:
        keep = max(self._table.order - 1, 1)
        return self._table.next_log_probs(np.array([BEGIN, *ids][-keep:], dtype=np.int64))

    def _generation(self, ids: list[int], prompt_tokens: int, *, is_ended: bool) -> Generation:
        new = tuple(ids[prompt_tokens:])
        text = self.decode(ids)[len(self.decode(ids[:prompt_tokens])) :]
        return Generation(text, new, "stop" if is_ended else "length", prompt_tokens)


def train(
    texts: Iterable[str],
    *,
    unit: Unit,
    order: int,
    ends_texts: bool | None = None,
    min_counts: Sequence[int] | None = None,
    min_unit_count: int = 1,
    max_vocabulary: int | None = None,
) -> NgramModel:
    """Train a model on documents.

    Args:
        ends_texts: predict where documents end; by default for words only.
        min_counts: how often an n-gram of each length must occur to be kept, `[1, 1, 2]` for instance.
        min_unit_count, max_vocabulary: characters or words rarer than this become `<unk>`, and are counted as such.
    """
    documents = list(texts)
    ends = unit == "word" if ends_texts is None else ends_texts
    vocabulary = Vocabulary.learn(unit, documents, min_count=min_unit_count, max_size=max_vocabulary)
    encoded = [vocabulary.encode(document) for document in documents]
    if ends:
        encoded = [np.append(ids, END) for ids in encoded]
    predictable: Flags = np.ones(vocabulary.size, dtype=np.bool_)
    predictable[BEGIN] = False
    predictable[END] = ends
    table, discounts = estimate(encoded, order=order, predictable=predictable, min_counts=min_counts)
    notes = {"discounts": discounts, "trained_on_units": sum(map(len, encoded))}
    return NgramModel(table, vocabulary, ends_texts=ends, notes=notes)


def choose(log_probs: Any, *, temperature: float, rng: np.random.Generator) -> int:
    """Pick the next id: the likeliest (the first of equals) at temperature 0, else a draw."""
    if temperature == 0:
        return int(np.argmax(log_probs))
    scaled = np.asarray(log_probs, dtype=np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def _read_level(arrays: dict[str, Any], length: int, order: int, size: int) -> Level:
    keys = arrays[f"keys_{length}"] if length > 1 else np.arange(size)
    log_prob = arrays[f"log_prob_{length}"]
    log_backoff = arrays[f"log_backoff_{length}"] if length < order else np.zeros(len(keys), dtype=np.float32)
    if keys.dtype != np.int64 or log_prob.dtype != np.float32 or log_backoff.dtype != np.float32:
        raise ValueError(f"the arrays of length {length} have wrong types")
    if not keys.shape == log_prob.shape == log_backoff.shape == (len(keys),):
        raise ValueError(f"the arrays of length {length} differ in length")
    return Level(keys, log_prob, log_backoff)


def _check_levels(levels: Sequence[Level], size: int) -> None:
    """Every key sorted and with a parent, every number a log-probability: so no look-up can leave its array."""
    for length, level in enumerate(levels, start=1):
        if np.isnan(level.log_prob).any() or (level.log_prob > 1e-5).any() or not np.isfinite(level.log_backoff).all():
            raise ValueError(f"a number of length {length} is no log-probability")
        if length == 1:
            continue
        parents = len(levels[length - 2].keys)
        if len(level.keys) and (
            level.keys[0] < 0 or level.keys[-1] >= parents * size or (np.diff(level.keys) <= 0).any()
        ):
            raise ValueError(f"the keys of length {length} are not sorted, or have no parents")
