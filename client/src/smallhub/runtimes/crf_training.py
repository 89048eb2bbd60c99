"""Training of conditional random fields: the exact gradient of the log-likelihood, and AdaGrad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from smallhub.runtimes.crf import TEMPLATES, CrfModel, Floats, WordFeatures


def train(
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    *,
    templates: Sequence[str] = TEMPLATES,
    min_count: int = 2,
    epochs: int = 8,
    batch_size: int = 16,
    learning_rate: float = 0.3,
    decay: float = 1e-4,
    seed: int = 0,
    on_epoch: Callable[[int, float], None] | None = None,
) -> CrfModel:
    """Train a tagger. Equal arguments give an equal model.

    Args:
        on_epoch: called with the number of each epoch and the mean negative log-likelihood of a sentence in it.

    Raises:
        ValueError: a sentence and its labels differ in length, or there is one label only.
    """
    names = sorted({label for row in labels for label in row})
    pairs = [(words, row) for words, row in zip(sentences, labels, strict=True) if words]
    if len(names) < 2 or any(len(words) != len(row) for words, row in pairs):
        raise ValueError("Each word needs a label, and there must be two labels or more.")
    features = WordFeatures.learn([words for words, _ in pairs], min_count=min_count, templates=templates)
    rows = [features.rows(words) for words, _ in pairs]
    gold = [np.array([names.index(label) for label in row]) for _, row in pairs]
    trainer = _Trainer(features.size, len(names), learning_rate=learning_rate, decay=decay)
    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        # Sentences of like length share a batch; which batch comes when is drawn.
        order = sorted(rng.permutation(len(pairs)).tolist(), key=lambda number: len(gold[number]))
        batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        loss = sum(
            trainer.step([rows[n] for n in batches[b]], [gold[n] for n in batches[b]])
            for b in rng.permutation(len(batches))
        )
        if on_epoch:
            on_epoch(epoch, loss / len(pairs))
    return CrfModel(features, names, {name: array.astype(np.float32) for name, array in trainer.weights.items()})


class _Trainer:
    """The weights and the sums of their squared gradients."""

    def __init__(self, features: int, labels: int, *, learning_rate: float, decay: float) -> None:
        shapes = {
            "emissions": (features, labels),
            "transitions": (labels, labels),
            "start": (labels,),
            "end": (labels,),
        }
        self.weights: dict[str, Floats] = {name: np.zeros(shape) for name, shape in shapes.items()}
        self._seen = {name: np.full(shape, 1e-6) for name, shape in shapes.items()}
        self._learning_rate, self._decay = learning_rate, decay

    def step(self, rows: Sequence[Sequence[list[int]]], gold: Sequence[Any]) -> float:
        """One batch. Returns the sum of its negative log-likelihoods."""
        longest = max(map(len, gold))
        mask = np.zeros((len(gold), longest), dtype=bool)
        emissions = np.zeros((len(gold), longest, len(self.weights["start"])))
        flat = [(b, t, own) for b, row in enumerate(rows) for t, own in enumerate(row)]
        for b, t, own in flat:
            mask[b, t] = True
            emissions[b, t] = self.weights["emissions"][own].sum(axis=0)
        loss, grads = gradients(emissions, mask, gold, self.weights)
        numbers = np.concatenate([np.array(n, dtype=np.int64) for _, _, n in flat])
        sources = np.concatenate([np.full(len(n), place) for place, (_, _, n) in enumerate(flat)]).astype(np.int64)
        words = np.array([grads["emissions"][b, t] for b, t, _ in flat])
        touched, inverse = np.unique(numbers, return_inverse=True)
        total = np.zeros((len(touched), words.shape[1]))
        np.add.at(total, inverse, words[sources])
        self._update("emissions", total / len(gold), touched)
        for name in ("transitions", "start", "end"):
            self._update(name, grads[name] / len(gold), slice(None))
        return loss

    def _update(self, name: str, gradient: Floats, places: Any) -> None:
        weights, seen = self.weights[name], self._seen[name]
        gradient = gradient + self._decay * weights[places]
        seen[places] += gradient**2
        weights[places] -= self._learning_rate * gradient / np.sqrt(seen[places])


def gradients(
    emissions: Floats, mask: Any, gold: Sequence[Any], weights: dict[str, Floats]
) -> tuple[float, dict[str, Floats]]:
    """Negative log-likelihood of a padded batch, and its gradient: what the model expects less what is there.

    Args:
        emissions: shape (sentences, words, labels).
        mask: which words exist; shape (sentences, words).
        gold: the right labels of each sentence.
    """
    forward, backward, total = _sums(emissions, mask, weights)
    marginal = np.exp(forward + backward - total[:, None, None]) * mask[..., None]
    grads = {name: np.zeros_like(array) for name, array in weights.items() if name != "emissions"}
    for t in range(1, emissions.shape[1]):
        inside = mask[:, t]
        joint = (
            forward[inside, t - 1, :, None]
            + weights["transitions"]
            + (emissions[inside, t] + backward[inside, t])[:, None, :]
        )
        grads["transitions"] += np.exp(joint - total[inside, None, None]).sum(axis=0)
    grads["start"] += marginal[:, 0].sum(axis=0)
    score = 0.0
    for b, labels in enumerate(gold):
        places = np.arange(len(labels))
        grads["end"] += marginal[b, len(labels) - 1]
        score += emissions[b, places, labels].sum() + weights["transitions"][labels[:-1], labels[1:]].sum()
        score += weights["start"][labels[0]] + weights["end"][labels[-1]]
        marginal[b, places, labels] -= 1
        np.add.at(grads["transitions"], (labels[:-1], labels[1:]), -1.0)
        grads["start"][labels[0]] -= 1
        grads["end"][labels[-1]] -= 1
    return float(total.sum() - score), grads | {"emissions": marginal}


def _sums(emissions: Floats, mask: Any, weights: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Logarithms of the sums over all label sequences up to each word, from it on, and over the whole sentence."""
    forward, backward = np.zeros_like(emissions), np.zeros_like(emissions)
    forward[:, 0] = weights["start"] + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        arrived = _log_sum(forward[:, t - 1, :, None] + weights["transitions"], axis=1) + emissions[:, t]
        forward[:, t] = np.where(mask[:, t, None], arrived, forward[:, t - 1])
    total = _log_sum(forward[:, -1] + weights["end"], axis=1)
    backward[:, -1] = weights["end"]
    for t in range(emissions.shape[1] - 2, -1, -1):
        following = emissions[:, t + 1] + backward[:, t + 1]
        onward = _log_sum(weights["transitions"] + following[:, None, :], axis=2)
        backward[:, t] = np.where(mask[:, t + 1, None], onward, weights["end"])
    return forward, backward, total


def _log_sum(values: Floats, *, axis: int) -> Floats:
    most = values.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis))
