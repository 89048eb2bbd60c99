"""Checks what comes out of the sandbox before anybody calculates with it: types, lengths, shapes, ranges."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class BadReply(ValueError):
    """The answer does not have the form that its operation promises."""


@dataclass(frozen=True)
class Likelihood:
    """`log_prob`: natural logarithm of the probability of the whole text (may be -inf or NaN in a broken model)."""

    log_prob: float
    tokens: int
    unknown: int


@dataclass(frozen=True)
class Continued:
    """How likely a continuation is after its context; `cut_tokens` of the context did not fit and were left out."""

    log_prob: float
    tokens: int
    is_merged: bool
    cut_tokens: int


@dataclass(frozen=True)
class Generation:
    text: str
    token_ids: tuple[int, ...]
    finish: str
    prompt_tokens: int
    cut_tokens: int = 0


@dataclass(frozen=True)
class Classification:
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def best(self) -> str:
        """The most probable label; the first of several equal ones."""
        return self.labels[max(range(len(self.labels)), key=lambda index: self.probabilities[index])]


@dataclass(frozen=True)
class Answer:
    """A span of the context that was asked about: `context[start:end] == text`. Empty where there is no answer."""

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Explanation:
    """How much each part of an input moved an answer; see `smallhub.runtimes.Explanation`."""

    units: tuple[str, ...]
    spans: tuple[tuple[int, int] | None, ...]
    scores: tuple[float, ...]
    target: str
    method: str
    total: float
    baseline: float
    measure: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TableRows:
    """Rows of a table with their numbers, where the next ones start (None at the end), and how many were looked at."""

    rows: tuple[tuple[int, dict[str, Any]], ...]
    next: int | None
    scanned: int


def decode(value: Any) -> Any:
    """Undo the child's encoding of arrays and of numbers that JSON lacks."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"__float__"}:
        return _special(value["__float__"])
    if value.keys() == {"__array__", "data"}:
        return _array(value)
    return {key: decode(item) for key, item in value.items()}


def check(operation: str, arguments: dict[str, Any], value: Any) -> Any:
    """Turn the decoded answer of an operation into its proper type.

    Raises:
        BadReply: wrong type, wrong number of rows, or a value outside its range.
    """
    checker = _CHECKERS.get(operation)
    return checker(arguments, value) if checker else value


def _special(name: Any) -> float:
    if name not in ("nan", "inf", "-inf"):
        raise BadReply("an unknown special number")
    return float(name)


def _array(value: dict[str, Any]) -> FloatArray:
    shape = value["__array__"]
    if not isinstance(shape, list) or len(shape) > 4 or any(type(size) is not int or size < 0 for size in shape):
        raise BadReply("an array without a proper shape")
    try:
        raw = base64.b64decode(value["data"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise BadReply("an array whose data cannot be decoded") from error
    if len(raw) != 4 * math.prod(shape):
        raise BadReply("an array whose data does not fit its shape")
    return np.frombuffer(raw, dtype="<f4").astype(np.float32).reshape(shape)


def _rows(value: Any, texts: Sequence[Any]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) != len(texts) or not all(isinstance(row, dict) for row in value):
        raise BadReply(f"expected one record for each of {len(texts)} texts")
    return value


def _likelihoods(arguments: dict[str, Any], value: Any) -> list[Likelihood]:
    return [
        Likelihood(_number(row, "log_prob"), _count(row, "tokens"), _count(row, "unknown"))
        for row in _rows(value, arguments["texts"])
    ]


def _continued(arguments: dict[str, Any], value: Any) -> list[Continued]:
    return [
        Continued(
            _number(row, "log_prob"), _count(row, "tokens"), row.get("is_merged") is True, _count(row, "cut_tokens")
        )
        for row in _rows(value, arguments["contexts"])
    ]


def _generations(arguments: dict[str, Any], value: Any) -> list[Generation]:
    return [_generation(arguments, row) for row in _rows(value, arguments["texts"])]


def _classifications(arguments: dict[str, Any], value: Any) -> list[Classification]:
    rows = _rows(value, arguments["texts"])
    found = [Classification(_texts(row, "labels"), _numbers(row, "probabilities")) for row in rows]
    if any(not row.labels or len(row.labels) != len(row.probabilities) for row in found):
        raise BadReply("labels and probabilities differ in number")
    return found


def _tags(arguments: dict[str, Any], value: Any) -> list[tuple[str, ...]]:
    sentences = arguments["sentences"]
    if not isinstance(value, list) or len(value) != len(sentences):
        raise BadReply(f"expected labels for each of {len(sentences)} sentences")
    found = [_all_texts(row, "labels") for row in value]
    if any(len(row) != len(words) for row, words in zip(found, sentences, strict=True)):
        raise BadReply("expected one label for each word")
    return found


def _answers(arguments: dict[str, Any], value: Any) -> list[Answer]:
    """Spans must lie in their contexts and say what stands there."""
    contexts = arguments["contexts"]
    found = []
    for row, context in zip(_rows(value, contexts), contexts, strict=True):
        answer = Answer(_text({}, row.get("text")), _count(row, "start"), _count(row, "end"), _number(row, "score"))
        if not answer.start <= answer.end <= len(context) or context[answer.start : answer.end] != answer.text:
            raise BadReply("an answer that is no span of its context")
        found.append(answer)
    return found


def _explanation(arguments: dict[str, Any], value: Any) -> Explanation:
    """Parts that lie in the text that was sent, and one finite number for each."""
    if not isinstance(value, dict):
        raise BadReply("expected a record")
    found = Explanation(
        units=_texts(value, "units"),
        spans=_spans(value.get("spans"), _explained_length(arguments["value"], arguments.get("target"))),
        scores=_numbers(value, "scores"),
        target=_text({}, value.get("target")),
        method=_text({}, value.get("method")),
        total=_number(value, "total"),
        baseline=_number(value, "baseline"),
        measure=_text({}, value.get("measure")),
        notes=_texts(value, "notes"),
    )
    if found.method not in ("exact", "integrated_gradients", "occlusion"):
        raise BadReply("an unknown method")
    if not len(found.units) == len(found.spans) == len(found.scores) or len(found.notes) not in (0, len(found.units)):
        raise BadReply("parts, places and numbers differ in number")
    if not all(math.isfinite(number) for number in (*found.scores, found.total, found.baseline)):
        raise BadReply("an explanation with numbers that are not finite")
    return found


def _explained_length(value: Any, target: Any) -> int:
    """How long the text is in which spans count: words joined by spaces, of two texts the first a line before the
    second, of a text that goes on what follows as well."""
    if isinstance(value, dict):
        return len("\n".join(value.values()))
    if isinstance(value, str):
        return len(value) + (len(target) if isinstance(target, str) else 0)
    return len(" ".join(value))


def _spans(values: Any, length: int) -> tuple[tuple[int, int] | None, ...]:
    if not isinstance(values, list):
        raise BadReply("expected places")
    for value in values:
        if value is None:
            continue
        if not isinstance(value, list) or len(value) != 2 or any(type(place) is not int for place in value):
            raise BadReply("a place is not two numbers")
        if not 0 <= value[0] <= value[1] <= length:
            raise BadReply("a place outside of the text")
    return tuple(None if value is None else (value[0], value[1]) for value in values)


def _texts_for(name: str) -> Callable[[dict[str, Any], Any], list[str]]:
    """A check for one text for each item of the argument `name`."""

    def texts(arguments: dict[str, Any], value: Any) -> list[str]:
        if not isinstance(value, list) or len(value) != len(arguments[name]):
            raise BadReply(f"expected one text for each of {len(arguments[name])} {name}")
        return list(_all_texts(value, "answers"))

    return texts


def _generation(arguments: dict[str, Any], value: Any) -> Generation:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise BadReply("expected a record with a text")
    ids = value.get("token_ids")
    counts = _count(value, "prompt_tokens"), _count(value, "cut_tokens")
    return Generation(value["text"], _token_ids(ids), str(value.get("finish")), *counts)


def _matrix(arguments: dict[str, Any], value: Any) -> FloatArray:
    if not isinstance(value, np.ndarray) or value.ndim != 2 or len(value) != len(arguments["texts"]):
        raise BadReply(f"expected one row for each of {len(arguments['texts'])} texts")
    return value


def _ids(arguments: dict[str, Any], value: Any) -> list[int]:
    return list(_token_ids(value))


def _text(arguments: dict[str, Any], value: Any) -> str:
    if not isinstance(value, str):
        raise BadReply("expected a text")
    return value


def _table_rows(arguments: dict[str, Any], value: Any) -> TableRows:
    rows = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(rows, list) or len(rows) > arguments["limit"]:
        raise BadReply(f"expected at most {arguments['limit']} rows")
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 2 or type(row[0]) is not int or not isinstance(row[1], dict):
            raise BadReply("a row is not a number with its cells")
        found.append((row[0], row[1]))
    following = None if value.get("next") is None else _count(value, "next")
    return TableRows(tuple(found), following, _count(value, "scanned"))


def _record(arguments: dict[str, Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadReply("expected a record")
    return value


def _token_ids(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or any(type(item) is not int or not 0 <= item < 2**31 for item in value):
        raise BadReply("expected token ids")
    return tuple(value)


def _number(row: dict[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadReply(f"{name} is not a number")
    return float(value)


def _numbers(row: dict[str, Any], name: str) -> tuple[float, ...]:
    values = row.get(name)
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        raise BadReply(f"{name} are not numbers")
    return tuple(float(value) for value in values)


def _count(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    if type(value) is not int or value < 0:
        raise BadReply(f"{name} is not a count")
    return value


def _texts(row: dict[str, Any], name: str) -> tuple[str, ...]:
    return _all_texts(row.get(name), name)


def _all_texts(values: Any, name: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise BadReply(f"{name} are not texts")
    return tuple(values)


def _bytes(arguments: dict[str, Any], value: Any) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise BadReply("bytes that cannot be decoded") from error
    if len(raw) > arguments["limit"]:
        raise BadReply("more bytes than were asked for")
    return raw


_CHECKERS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "log_likelihood": _likelihoods,
    "pseudo_log_likelihood": _likelihoods,
    "conditional_log_likelihood": _likelihoods,
    "rolling_log_likelihood": _likelihoods,
    "continuation_log_likelihood": _continued,
    "continue_greedily": _generations,
    "translate": _texts_for("texts"),
    "summarize": _texts_for("texts"),
    "transcribe": _texts_for("clips"),
    "tag": _tags,
    "answer": _answers,
    "explain": _explanation,
    "classify": _classifications,
    "generate": _generation,
    "next_log_probs": _matrix,
    "embed": _matrix,
    "encode": _ids,
    "decode": _text,
    "description": _record,
    "load": _record,
    "rows": _table_rows,
    "run_program": _record,
    "scan_beside": _record,
    "scan_file": _record,
    "weights_part": _bytes,
}
