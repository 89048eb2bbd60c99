"""Explaining an answer by what it was made from: the model's own exact way where it has one, else occlusion.

Occlusion works for any model: a part is taken away, and the answer is asked for again. Texts of many words are taken
in stretches of several, so that the number of questions stays bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from smallhub._exceptions import Invalid, UnsupportedModel

from ._types import Explanation, Method, Model

MAX_PARTS = 128
GONE = "…"  # Stands for a word of a sentence that is taken away where its place must stay.
# Chinese and Japanese write no spaces: each such character counts as a word.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")

Span = tuple[int, int]


def explain(model: Model, value: Any, *, target: str | int | None, method: Method) -> Explanation:
    """See `Model.explain`."""
    if method not in get_args(Method):
        raise Invalid(
            f"There is no method {method!r}; there are {', '.join(get_args(Method))}.", code="invalid_setting"
        )
    checked = _checked(model, value)
    if method != "occlusion" and (found := model._explain(checked, target, method)):
        return found
    if method not in ("auto", "occlusion"):
        raise UnsupportedModel("not_explainable", f"This model has no {method.replace('_', ' ')} to explain with.")
    for capability, way in _WAYS.items():
        if capability in model.capabilities:
            return way(model, checked, target)
    raise _unexplainable(model)


def words_of(text: str) -> list[Span]:
    """Where the words of a text stand."""
    return [match.span() for match in _WORDS.finditer(text)]


def parts_of(text: str) -> list[Span]:
    """The words, or where there are too many of them, stretches of several."""
    words = words_of(text) or ([(0, len(text))] if text else [])
    size = -(-len(words) // MAX_PARTS) or 1
    return [(group[0][0], group[-1][1]) for at in range(0, len(words), size) if (group := words[at : at + size])]


def without(text: str, span: Span) -> str:
    """A text without one stretch, and without a space that would then stand doubled."""
    before, after = text[: span[0]], text[span[1] :]
    return before + (after[1:] if before[-1:].isspace() and after[:1].isspace() else after)


def reading(value: Mapping[str, str]) -> str:
    """Question and context as one text, in which spans count."""
    return f"{value['question']}\n{value['context']}"


def label_of(labels: Sequence[str], target: str | int | None, best: str) -> str:
    """The label that is meant.

    Raises:
        Invalid: the model has no such label.
    """
    if target is None:
        return best
    if target not in labels:
        raise Invalid(f"The model has no label {target!r}.", code="unknown_label", label=str(target))
    return str(target)


def place_of(words: Sequence[str], labels: Sequence[str], target: str | int | None) -> int:
    """The place of the word that is meant: by default the first with a label other than `O`.

    Raises:
        Invalid: there is no such place.
    """
    if not words:
        raise Invalid("A sentence without words has no label to explain.", code="empty_input")
    if target is None:
        return next((place for place, label in enumerate(labels) if label != "O"), 0)
    if not isinstance(target, int) or isinstance(target, bool) or not 0 <= target < len(words):
        raise Invalid("For a tagger the target is the place of a word.", code="invalid_target")
    return target


def found_in(text: str, feature: str) -> Span | None:
    """Where a feature that is written as a piece of the text first stands; None for what is not found as it is."""
    piece = feature.strip()
    start = text.lower().find(piece) if piece else -1
    # Few letters change their number when they become small; then places would not fit.
    return (start, start + len(piece)) if start >= 0 and len(text.lower()) == len(text) else None


def word_spans(words: Sequence[str]) -> list[Span]:
    """Where words stand when spaces join them."""
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return spans


def _checked(model: Model, value: Any) -> Any:
    """The value in the form that the model's task has."""
    if "tag" in model.capabilities:
        if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(w, str) for w in value):
            raise Invalid("For a tagger the input is a list of words.", code="invalid_input")
        return list(value)
    if "answer" in model.capabilities:
        if not isinstance(value, Mapping) or not all(isinstance(value.get(k), str) for k in ("question", "context")):
            raise Invalid("For a reader the input has a question and a context.", code="invalid_input")
        return {"question": value["question"], "context": value["context"]}
    if "embed" in model.capabilities and not {"classify", "log_likelihood"} & model.capabilities:
        if not isinstance(value, Mapping) or not all(isinstance(value.get(k), str) for k in ("first", "second")):
            raise Invalid("For a sentence encoder the input is a first and a second text.", code="invalid_input")
        return {"first": value["first"], "second": value["second"]}
    if not {"classify", "log_likelihood"} & model.capabilities:
        raise _unexplainable(model)
    if not isinstance(value, str):
        raise Invalid("The input is a text.", code="invalid_input")
    return value


def _unexplainable(model: Model) -> UnsupportedModel:
    return UnsupportedModel("not_explainable", f"Answers of models for {model.task} cannot be explained yet.")


def _classifier(model: Model, text: str, target: str | int | None) -> Explanation:
    (answer,) = model.classify([text])
    label = label_of(answer.labels, target, answer.label)
    number = answer.labels.index(label)
    return _occluded(
        text,
        lambda texts: [one.probabilities[number] for one in model.classify(texts)],
        target=label,
        measure="probability",
    )


def _language_model(model: Model, text: str, target: str | int | None) -> Explanation:
    goal = continuation_of(model, text, target)

    def ask(texts: list[str]) -> list[float]:
        goals = [goal] * len(texts)
        try:
            found = model.continuation_log_likelihood(texts, continuations=goals)
        except UnsupportedModel as error:
            if error.code != "no_prefix_token":
                raise
            # Nothing of this model's vocabulary can stand for an empty text.
            found = model.continuation_log_likelihood([one or GONE for one in texts], continuations=goals)
        return [one.log_prob for one in found]

    return _occluded(text, ask, target=goal, measure="log_probability")


def continuation_of(model: Model, text: str, target: str | int | None) -> str:
    """The continuation that is meant: by default the model's own next token."""
    if target is not None:
        if not isinstance(target, str) or not target:
            raise Invalid("For a language model the target is a text that follows.", code="invalid_target")
        return target
    following = model.generate(text, max_new_tokens=1).text
    if not following:
        raise Invalid("The model ends here: name a continuation to explain.", code="invalid_target")
    return following


def _reader(model: Model, value: Mapping[str, str], target: str | int | None) -> Explanation:
    """Whether the same answer is given without a part: readers tell no more of themselves than their best span."""
    if target is not None:
        raise Invalid(
            "For a reader the answer itself is explained; there is no target to choose.", code="invalid_target"
        )
    text = reading(value)
    (first,) = model.answer([value["question"]], contexts=[value["context"]])
    border = len(value["question"])

    def ask(texts: list[str]) -> list[float]:
        # Blanks keep every other word where it was.
        pairs = [(one[:border], one[border + 1 :]) for one in texts]
        found = model.answer([question for question, _ in pairs], contexts=[context for _, context in pairs])
        return [float(one.text == first.text and bool(one.text)) for one in found]

    spans = list(parts_of(value["question"]))
    spans += [(start + border + 1, end + border + 1) for start, end in parts_of(value["context"])]
    blanked = [text[: s[0]] + " " * (s[1] - s[0]) + text[s[1] :] for s in spans]
    empty = "".join("\n" if place == border else " " for place in range(len(text)))
    values = ask([text, empty, *blanked])
    return _explanation(text, spans, values, target=first.text, measure="same_answer")


def _encoder(model: Model, value: Mapping[str, str], target: str | int | None) -> Explanation:
    """How near two texts are, by the cosine of their vectors, and what each word of either adds to that."""
    if target is not None:
        raise Invalid("What is explained is how near two texts are; there is no target.", code="invalid_target")
    first, second = value["first"], value["second"]
    border = len(first) + 1
    here, there = parts_of(first), parts_of(second)
    pairs = [(first, second), ("", ""), *((without(first, s), second) for s in here)]
    pairs += [(first, without(second, span)) for span in there]
    vectors = model.embed([text or GONE for pair in pairs for text in pair])
    values = [_cosine(vectors[2 * place], vectors[2 * place + 1]) for place in range(len(pairs))]
    # Two empty texts are one text, and as near as can be: what there is to tell begins at nothing.
    values[1] = 0.0
    spans = [*here, *((start + border, end + border) for start, end in there)]
    return _explanation(f"{first}\n{second}", spans, values, target="", measure="cosine")


def _cosine(one: Any, other: Any) -> float:
    length = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / length if length else 0.0


def _tagger(model: Model, words: list[str], target: str | int | None) -> Explanation:
    """Whether the word keeps its label without another word, or with a mark in its own place."""
    (labels,) = model.tag([words])
    place = place_of(words, labels, target)
    sentences = [words, [GONE] * len(words)]
    sentences += [[*words[:at], GONE, *words[at + 1 :]] for at in range(len(words))]
    values = [float(found[place] == labels[place]) for found in model.tag(sentences)]
    return _explanation(" ".join(words), word_spans(words), values, target=labels[place], measure="same_label")


def _occluded(text: str, ask: Callable[[list[str]], list[float]], *, target: str, measure: str) -> Explanation:
    spans = parts_of(text)
    values = ask([text, "", *(without(text, span) for span in spans)])
    return _explanation(text, spans, values, target=target, measure=measure)


def _explanation(text: str, spans: list[Span], values: list[float], *, target: str, measure: str) -> Explanation:
    """From answers for the whole, for nothing, and for the whole without each part."""
    total, baseline, *left = values
    return Explanation(
        units=tuple(text[start:end] for start, end in spans),
        spans=tuple(spans),
        scores=tuple(total - value for value in left),
        target=target,
        method="occlusion",
        total=total,
        baseline=baseline,
        measure=measure,
    )


_WAYS: dict[str, Callable[[Model, Any, Any], Explanation]] = {
    "classify": _classifier,
    "tag": _tagger,
    "answer": _reader,
    "log_likelihood": _language_model,
    "embed": _encoder,
}
