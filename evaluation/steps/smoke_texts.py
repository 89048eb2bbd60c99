"""Smoke checks of tokenizers, classifiers and sentence encoders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evaluation.scorers.base import Model
from evaluation.steps import smoke_language, smoke_shapes
from evaluation.steps.checks import Check, Run, failed, not_applicable, passed, warned
from evaluation.steps.inspect import Inspection


def ids_fit(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S04: the tokenizer makes no id that the embedding lacks."""
    if "tokenize" not in inspection.capabilities:
        return not_applicable("S04", "shapes", "It shows no tokens.")
    size = session.description["description"].get("vocabulary_size")
    highest = max(max(session.call("encode", text=text), default=0) for text in texts["tokenizer"].values())
    return smoke_shapes.rows_fit(inspection, highest, size if isinstance(size, int) else None)


def probe(session: Model, inspection: Inspection, texts: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Numbers that a model answers with to fixed texts, for comparing two runs; empty where it answers in words."""
    if "log_likelihood" in inspection.capabilities:
        return np.asarray(session.call("next_log_probs", texts=texts["contexts"]), dtype=float)
    if "classify" in inspection.capabilities:
        answers = session.call("classify", texts=texts["classifier"][:8])
        return np.array([answer.probabilities for answer in answers], dtype=float)
    if "embed" in inspection.capabilities:
        return np.asarray(session.call("embed", texts=texts["classifier"][:8]), dtype=float)
    return np.zeros(0)


def distance(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    """The largest difference of two probes; infinite where only one of them is finite."""
    if first.shape != second.shape or bool((np.isfinite(first) != np.isfinite(second)).any()):
        return math.inf
    finite = np.isfinite(first)
    return float(np.abs(first[finite] - second[finite]).max(initial=0.0))


def tokenizer(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S06: decode(encode(x)) gives x, or a normal form that stays as it is. Byte level may lose nothing at all."""
    if "tokenize" not in inspection.capabilities:
        return not_applicable("S06", "tokenizer", "It shows no tokens.")
    changed, unstable = [], []
    unknown_id = inspection.tokenizer.unknown_id if inspection.tokenizer else None
    made = unknown = 0
    for name, text in texts["tokenizer"].items():
        ids = session.call("encode", text=text)
        made, unknown = made + len(ids), unknown + (ids.count(unknown_id) if unknown_id is not None else 0)
        back = session.call("decode", ids=ids)
        if back != text:
            changed.append(name)
            if session.call("encode", text=back) != ids:
                unstable.append(name)
    total = len(texts["tokenizer"])
    rate = unknown / made if made else 0.0
    told = f" {rate:.1%} of the tokens are unknown." if unknown_id is not None else ""
    if not changed:
        return passed("S06", "tokenizer", f"All {total} fixed texts come back unchanged.{told}", value=rate)
    facts = inspection.tokenizer
    if facts is not None and (facts.kind == "byte" or facts.keeps_all):
        return failed("S06", "tokenizer", f"A tokenizer of bytes must lose nothing; it changes {changed[0]}.")
    if unstable:
        said = f"{len(unstable)} of {total} fixed texts change each time they are encoded: {', '.join(unstable)}."
        return warned("S06", "tokenizer", said + told, value=len(unstable))
    return passed("S06", "tokenizer", f"{len(changed)} of {total} texts come back in a normal form.{told}", value=rate)


def classifier_sums(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07 for classifiers: probabilities sum to 1, one per label, finite."""
    answers = session.call("classify", texts=texts["classifier"])
    labels = session.description["description"].get("labels") or []
    for answer in answers:
        if list(answer.labels) != list(labels):
            return failed("S07", "forward", f"It answers with {len(answer.labels)} labels, id2label has {len(labels)}.")
        if not all(math.isfinite(p) and 0 <= p <= 1 for p in answer.probabilities):
            return failed("S07", "forward", "A probability is not a number from 0 to 1.")
        if abs(sum(answer.probabilities) - 1) > 1e-5:
            return failed("S07", "forward", f"The probabilities of a text sum to {sum(answer.probabilities):.6f}.")
    outputs["labels"] = [answer.best for answer in answers]
    return passed("S07", "forward", f"{len(labels)} labels, probabilities sum to 1.", value=len(labels))


def classifier_batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08 for classifiers."""
    together = session.call("classify", texts=texts["classifier"][:6])
    alone = [session.call("classify", texts=[text])[0] for text in texts["classifier"][:6]]
    worst = max(
        abs(a - b)
        for first, second in zip(together, alone, strict=True)
        for a, b in zip(first.probabilities, second.probabilities, strict=True)
    )
    said = f"A padded batch moves probabilities by {worst:.2g}; the limit is 0.001."
    return (failed if worst > 1e-3 else passed)("S08", "batch", said, value=worst)


def classifier_varies(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S16: not one label for twenty varied texts."""
    answers = session.call("classify", texts=texts["classifier"])
    labels = {answer.best for answer in answers}
    if len(labels) == 1:
        said = f"All {len(answers)} varied texts get the label {next(iter(labels))[:40]}."
        return warned("S16", "variety", said, value=1)
    return passed("S16", "variety", f"{len(labels)} labels over {len(answers)} varied texts.", value=len(labels))


def classifier_repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10 for classifiers."""
    first, second = (session.call("classify", texts=texts["classifier"]) for _ in range(2))
    if first != second:
        return failed("S10", "repeat", "Two equal runs give different probabilities.")
    return passed("S10", "repeat", "Two runs are equal to the last bit.", value=0)


def encoder_vectors(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07 for encoders: fixed dimension, finite, of length 1 where the files say so."""
    vectors = session.call("embed", texts=texts["classifier"]).astype(float)
    if not np.isfinite(vectors).all():
        return failed("S07", "forward", "A vector holds values that are not finite.")
    lengths = np.linalg.norm(vectors, axis=1)
    if session.description["description"].get("normalised") and float(np.abs(lengths - 1).max()) > 1e-4:
        return failed("S07", "forward", f"Vectors are declared normalised; one has the length {lengths.max():.4f}.")
    if bool((lengths == 0).any()):
        return failed("S07", "forward", "A vector is zero.")
    outputs["vectors"] = [[round(float(value), 4) for value in row[:8]] for row in vectors]
    return passed("S07", "forward", f"Finite vectors of {vectors.shape[1]:,} dimensions.", value=vectors.shape[1])


def encoder_batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08 for encoders."""
    together = session.call("embed", texts=texts["classifier"][:6])
    alone = np.vstack([session.call("embed", texts=[text]) for text in texts["classifier"][:6]])
    worst = float(np.abs(together - alone).max())
    said = f"A padded batch moves vectors by {worst:.2g}; the limit is 0.001."
    return (failed if worst > 1e-3 else passed)("S08", "batch", said, value=worst)


def encoder_repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10 for encoders."""
    first, second = (session.call("embed", texts=texts["classifier"]) for _ in range(2))
    if first.tobytes() != second.tobytes():
        return failed("S10", "repeat", "Two equal runs give different vectors.")
    return passed("S10", "repeat", "Two runs are equal to the last bit.", value=0)


def encoder_nearness(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S17: a text is nearest to itself, and a paraphrase nearer than something unrelated."""
    triple = texts["paraphrase"]
    vectors = session.call("embed", texts=[triple["text"], triple["text"], triple["same"], triple["other"]]).astype(
        float
    )
    itself, same, other = (_cosine(vectors[0], vectors[index]) for index in (1, 2, 3))
    if abs(itself - 1) > 1e-5:
        return failed("S17", "nearness", f"A text's cosine with itself is {itself:.6f}.", value=itself)
    said = f"Cosine with a paraphrase {same:.3f}, with an unrelated text {other:.3f}."
    return (passed if same > other else warned)("S17", "nearness", said, value=round(same - other, 4))


def _cosine(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


CLASSIFIER_CHECKS: list[Run] = [classifier_sums, classifier_batch, classifier_repeat, classifier_varies]
ENCODER_CHECKS: list[Run] = [encoder_vectors, encoder_batch, encoder_repeat, encoder_nearness]
# How a check is called when the model answers it by an error.
NAMES: dict[Run, tuple[str, str]] = {
    ids_fit: ("S04", "shapes"),
    tokenizer: ("S06", "tokenizer"),
    smoke_language.forward: ("S07", "forward"),
    smoke_language.batch: ("S08", "batch"),
    smoke_language.cache: ("S09", "cache"),
    smoke_language.repeat: ("S10", "repeat"),
    smoke_language.stop: ("S11", "stop"),
    smoke_language.context: ("S13", "context"),
    smoke_language.fixed_text: ("S15", "fixed text"),
    classifier_sums: ("S07", "forward"),
    classifier_batch: ("S08", "batch"),
    classifier_repeat: ("S10", "repeat"),
    classifier_varies: ("S16", "variety"),
    encoder_vectors: ("S07", "forward"),
    encoder_batch: ("S08", "batch"),
    encoder_repeat: ("S10", "repeat"),
    encoder_nearness: ("S17", "nearness"),
}
