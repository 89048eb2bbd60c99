"""Linear classifiers of texts over n-gram features: loading, exact explanation, training, and conversion.

Files: `config.json` (`model_type: "smallhub-linear"`, `id2label`, `features`, `link`), `features.json` unless features
are hashed, `model.safetensors` with `weights` (labels × features), `bias` (labels) and, for tf-idf, `idf` (features).
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._arrays import read_arrays, write_arrays
from smallhub.runtimes._explain import found_in, label_of
from smallhub.runtimes._files import read_object
from smallhub.runtimes._sparse import Featurizer, Row, Settings, check_array, read_labels
from smallhub.runtimes._types import Capability, Classification, Explanation, Method, Model, Runtime

MODEL_TYPE = "smallhub-linear"
Link = Literal["softmax", "one_vs_rest"]
_CAPABILITIES: frozenset[Capability] = frozenset({"classify"})


class TextClassifier(Model):
    """What linear models and trees share: features, labels, and no tokens to show."""

    def __init__(self, featurizer: Featurizer, labels: Sequence[str]) -> None:
        self.task = "text-classification"
        self.capabilities = _CAPABILITIES
        self.featurizer = featurizer
        self.labels = tuple(labels)

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "context_length": None,
            "vocabulary_size": self.featurizer.size,
            "labels": list(self.labels),
            "prefix_token": None,
            "dtype": "float32",
            "features": self.featurizer.settings.as_json() | {"idf": self.featurizer.idf is not None},
        }

    def encode(self, text: str) -> list[int]:
        """There are no tokens, only features."""
        raise self._incapable("tokenize")

    def decode(self, ids: Sequence[int]) -> str:
        """There are no tokens, only features."""
        raise self._incapable("tokenize")

    def classify(self, texts: Sequence[str]) -> list[Classification]:
        """Label texts; each is seen whole."""
        rows = (self.probabilities(self.featurizer.row(text)) for text in texts)
        return [Classification(self.labels, tuple(float(value) for value in row)) for row in rows]

    @abstractmethod
    def probabilities(self, row: Row) -> npt.NDArray[np.float64]:
        """Of each label, for one row of features."""

    def _config(self, model_type: str) -> dict[str, Any]:
        return {
            "model_type": model_type,
            "architectures": [model_type.title().replace("-", "")],
            "format_version": 1,
            "id2label": {str(number): label for number, label in enumerate(self.labels)},
            "features": self.featurizer.settings.as_json(),
        }


class LinearModel(TextClassifier):
    """score(label) = bias + Σ weight × value. `link` turns scores into probabilities."""

    runtime: ClassVar[Runtime] = "linear"

    def __init__(self, featurizer: Featurizer, labels: Sequence[str], weights: Any, bias: Any, *, link: Link) -> None:
        super().__init__(featurizer, labels)
        self.weights: npt.NDArray[np.float32] = weights
        self.bias: npt.NDArray[np.float32] = bias
        self.link = link

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        parameters = int(self.weights.size + self.bias.size)
        return super().description() | {"architecture": MODEL_TYPE, "parameters": parameters, "link": self.link}

    def scores(self, row: Row) -> npt.NDArray[np.float64]:
        """Scores of all labels."""
        numbers, values = row
        return np.asarray(self.weights[:, numbers].astype(np.float64) @ values + self.bias)

    def probabilities(self, row: Row) -> npt.NDArray[np.float64]:
        """Softmax of the scores, or each label's own sigmoid, scaled to sum to 1."""
        scores = self.scores(row)
        if self.link == "softmax":
            weights = np.exp(scores - scores.max())
        else:
            weights = 1 / (1 + np.exp(-np.clip(scores, -500, 500)))
        return np.asarray(weights / weights.sum())

    def contributions(self, text: str, label: str) -> dict[str, float]:
        """weight × value of each feature of a text, exactly: with the bias they sum to the label's score."""
        number = self.labels.index(label)
        numbers, values = self.featurizer.row(text)
        exact = dict(zip(numbers.tolist(), (self.weights[number, numbers] * values).tolist(), strict=True))
        names: dict[int, set[str]] = defaultdict(set)
        for feature, term in self.featurizer.numbered(text):
            names[feature].add(term)
        # Terms whose hashes meet share one weight, and are named together.
        return {" | ".join(sorted(names[feature])): value for feature, value in exact.items()}

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """The features that a text has, weight × value each; the baseline is the label's bias."""
        if method not in ("auto", "exact"):
            return None
        label = label_of(self.labels, target, self.classify([value])[0].label)
        found = self.contributions(value, label)
        return Explanation(
            units=tuple(found),
            spans=tuple(found_in(value, unit) for unit in found),
            scores=tuple(found.values()),
            target=label,
            method="exact",
            total=float(self.scores(self.featurizer.row(value))[self.labels.index(label)]),
            baseline=float(self.bias[self.labels.index(label)]),
        )

    def save(self, folder: Path) -> None:
        """Write the files into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"weights": self.weights.astype(np.float32), "bias": self.bias.astype(np.float32)}
        if self.featurizer.idf is not None:
            arrays["idf"] = self.featurizer.idf.astype(np.float32)
        write_arrays(folder / "model.safetensors", arrays)
        self.featurizer.save(folder)
        config = self._config(MODEL_TYPE) | {"link": self.link}
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: the files contradict each other.
        """
        del threads  # A few rows of a matrix use one.
        config = read_object(folder / "config.json")
        if config.get("format_version") != 1 or config.get("link") not in ("softmax", "one_vs_rest"):
            raise UnsupportedModel("broken_model", "config.json is not of this format.")
        arrays = read_arrays(folder / "model.safetensors")
        featurizer, labels = Featurizer.load(folder, config, arrays), read_labels(config)
        weights = check_array(arrays, "weights", (len(labels), featurizer.size))
        return cls(featurizer, labels, weights, check_array(arrays, "bias", (len(labels),)), link=config["link"])


def train(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    settings: Settings | None = None,
    min_count: int = 2,
    idf: bool = True,
    epochs: int = 8,
    learning_rate: float = 0.5,
    decay: float = 1e-5,
    seed: int = 0,
) -> LinearModel:
    """Train multinomial logistic regression by AdaGrad, one text at a time. Equal arguments give an equal model.

    Args:
        min_count: in how many texts a feature must occur to be listed.
        decay: how strongly the weights of a seen feature are drawn towards zero.

    Raises:
        ValueError: texts and labels differ in number, or there is one label only.
    """
    names = sorted(set(labels))
    if len(texts) != len(labels) or len(names) < 2:
        raise ValueError("Each text needs a label, and there must be two labels or more.")
    featurizer = Featurizer.learn(settings or Settings(), texts, min_count=min_count, idf=idf)
    rows = [featurizer.row(text) for text in texts]
    targets = [names.index(label) for label in labels]
    weights, bias = np.zeros((len(names), featurizer.size)), np.zeros(len(names))
    seen, seen_bias = np.full_like(weights, 1e-8), np.full(len(names), 1e-8)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for place in rng.permutation(len(rows)).tolist():
            numbers, values = rows[place]
            scores = weights[:, numbers] @ values + bias
            error = np.exp(scores - scores.max())
            error /= error.sum()
            error[targets[place]] -= 1
            step = np.outer(error, values) + decay * weights[:, numbers]
            seen[:, numbers] += step**2
            seen_bias += error**2
            weights[:, numbers] -= learning_rate * step / np.sqrt(seen[:, numbers])
            bias -= learning_rate * error / np.sqrt(seen_bias)
    return LinearModel(featurizer, names, weights.astype(np.float32), bias.astype(np.float32), link="softmax")
