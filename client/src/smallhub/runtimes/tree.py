"""Decision trees and forests over n-gram features: loading, exact explanation, training.

Files: `config.json` (`model_type: "smallhub-tree"`, `id2label`, `features`, `combine`), `features.json` unless features
are hashed, `model.safetensors` with one entry per node in `feature`, `threshold`, `left`, `right` and `value` (nodes ×
labels), the number of each tree's first node in `roots`, and `idf` for tf-idf. A node with feature −1 is a leaf;
otherwise a text goes left if its value is at most the threshold. Children stand behind their parents.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter, defaultdict
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
from smallhub.runtimes._types import Explanation, Method, Runtime
from smallhub.runtimes.linear import TextClassifier

MODEL_TYPE = "smallhub-tree"
# `mean`: leaves hold probabilities, which are averaged. `sum`: leaves hold scores, added up and put through softmax.
Combine = Literal["mean", "sum"]
_LEAF = -1
_ARRAYS = ("feature", "threshold", "left", "right", "value", "roots")


class TreeModel(TextClassifier):
    """A forest; a single tree is a forest of one."""

    runtime: ClassVar[Runtime] = "tree"

    def __init__(
        self, featurizer: Featurizer, labels: Sequence[str], arrays: dict[str, Any], *, combine: Combine
    ) -> None:
        super().__init__(featurizer, labels)
        self.arrays = arrays
        self.combine = combine

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        nodes = len(self.arrays["feature"])
        return super().description() | {
            "architecture": MODEL_TYPE,
            "parameters": int(nodes + self.arrays["value"].size),
            "trees": len(self.arrays["roots"]),
            "nodes": nodes,
            "combine": self.combine,
        }

    def probabilities(self, row: Row) -> npt.NDArray[np.float64]:
        """Of each label."""
        values = self.arrays["value"].astype(np.float64)
        leaves = [self._path(root, row)[-1] for root in self.arrays["roots"].tolist()]
        total = values[leaves].sum(axis=0)
        if self.combine == "sum":
            total = np.exp(total - total.max())
        return np.asarray(total / total.sum())

    def contributions(self, text: str, label: str) -> dict[str, float]:
        """How each feature moved the label's value on the way down, exactly: with the roots' values they sum to what
        the leaves say (the mean over trees, or the sum)."""
        number, row = self.labels.index(label), self.featurizer.row(text)
        value = self.arrays["value"][:, number].astype(np.float64)
        scale = len(self.arrays["roots"]) if self.combine == "mean" else 1
        found: dict[int, float] = defaultdict(float)
        for root in self.arrays["roots"].tolist():
            path = self._path(root, row)
            for parent, child in itertools.pairwise(path):
                found[int(self.arrays["feature"][parent])] += float(value[child] - value[parent]) / scale
        return {self._name(feature, text): moved for feature, moved in found.items()}

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """What each feature moved on the way down the trees; the baseline is what their roots say."""
        if method not in ("auto", "exact"):
            return None
        label = label_of(self.labels, target, self.classify([value])[0].label)
        found = self.contributions(value, label)
        roots = self.arrays["value"][self.arrays["roots"], self.labels.index(label)].astype(np.float64)
        root = float(roots.mean() if self.combine == "mean" else roots.sum())
        return Explanation(
            units=tuple(found),
            spans=tuple(found_in(value, unit) for unit in found),
            scores=tuple(found.values()),
            target=label,
            method="exact",
            total=root + math.fsum(found.values()),
            baseline=root,
        )

    def save(self, folder: Path) -> None:
        """Write the files into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        idf = {} if self.featurizer.idf is None else {"idf": self.featurizer.idf.astype(np.float32)}
        write_arrays(folder / "model.safetensors", self.arrays | idf)
        self.featurizer.save(folder)
        config = self._config(MODEL_TYPE) | {"combine": self.combine}
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model, checking that every walk ends in a leaf.

        Raises:
            UnsupportedModel: the files contradict each other.
        """
        del threads  # A walk uses one.
        config = read_object(folder / "config.json")
        if config.get("format_version") != 1 or config.get("combine") not in ("mean", "sum"):
            raise UnsupportedModel("broken_model", "config.json is not of this format.")
        arrays = read_arrays(folder / "model.safetensors")
        featurizer, labels = Featurizer.load(folder, config, arrays), read_labels(config)
        _check(arrays, features=featurizer.size, labels=len(labels))
        if config["combine"] == "mean" and not _are_shares(arrays["value"]):
            raise UnsupportedModel("broken_weights", "model.safetensors: a leaf's shares do not sum to 1.")
        kept = {name: arrays[name] for name in _ARRAYS}
        return cls(featurizer, labels, kept, combine=config["combine"])

    def _path(self, root: int, row: Row) -> list[int]:
        """The nodes from a root to the leaf of a row."""
        known = dict(zip(row[0].tolist(), row[1].tolist(), strict=True))
        path, node = [root], root
        while (feature := int(self.arrays["feature"][node])) != _LEAF:
            goes_left = known.get(feature, 0.0) <= self.arrays["threshold"][node]
            node = int(self.arrays["left" if goes_left else "right"][node])
            path.append(node)
        return path

    def _name(self, feature: int, text: str) -> str:
        terms = {term for number, term in self.featurizer.numbered(text) if number == feature}
        if terms:
            return " | ".join(sorted(terms))
        names = self.featurizer.names
        return f"no {names[feature]}" if names else f"no feature {feature}"


def train(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    settings: Settings | None = None,
    trees: int = 25,
    depth: int = 24,
    max_features: int = 1000,
    min_count: int = 3,
    seed: int = 0,
) -> TreeModel:
    """Train a random forest that asks whether a feature occurs. Equal arguments give an equal model.

    Args:
        max_features: of the features, the most frequent ones; a node chooses among a random part of these.

    Raises:
        ValueError: texts and labels differ in number, or there is one label only.
    """
    names = sorted(set(labels))
    if len(texts) != len(labels) or len(names) < 2:
        raise ValueError("Each text needs a label, and there must be two labels or more.")
    chosen = settings or Settings(frequency="binary", norm="none")
    learnt = Featurizer.learn(chosen, texts, min_count=min_count, idf=False)
    counts = Counter(number for text in texts for number in learnt.row(text)[0].tolist())
    kept = sorted(
        learnt.names[number] for number, _ in sorted(counts.items(), key=lambda i: (-i[1], i[0]))[:max_features]
    )
    featurizer = Featurizer(chosen, kept)
    present = np.zeros((len(texts), featurizer.size), dtype=np.float32)
    for place, text in enumerate(texts):
        present[place, featurizer.row(text)[0]] = 1
    targets = np.eye(len(names), dtype=np.float32)[[names.index(label) for label in labels]]
    grower = _Grower(present, targets, depth=depth, rng=np.random.default_rng(seed))
    roots = [grower.grow() for _ in range(trees)]
    return TreeModel(featurizer, names, grower.arrays(roots), combine="mean")


class _Grower:
    """Grows trees over a table of what occurs where, node by node."""

    def __init__(self, present: Any, targets: Any, *, depth: int, rng: np.random.Generator) -> None:
        self._present, self._targets, self._depth, self._rng = present, targets, depth, rng
        self._part = max(1, int(4 * np.sqrt(present.shape[1])))
        self._nodes: list[tuple[int, float, int, int]] = []
        self._values: list[Any] = []

    def grow(self) -> int:
        """One tree, on texts drawn with replacement."""
        rows = self._rng.integers(0, len(self._present), len(self._present))
        root = len(self._nodes)
        waiting = [(self._add(rows), rows, 0)]
        while waiting:
            node, rows, depth = waiting.pop()
            feature = self._best(rows) if depth < self._depth and len(rows) > 1 else None
            if feature is None:
                continue
            has = self._present[rows, feature] > 0.5
            left, right = self._add(rows[~has]), self._add(rows[has])
            self._nodes[node] = (feature, 0.5, left, right)
            waiting += [(left, rows[~has], depth + 1), (right, rows[has], depth + 1)]
        return root

    def arrays(self, roots: list[int]) -> dict[str, Any]:
        feature, threshold, left, right = zip(*self._nodes, strict=True)
        return {
            "feature": np.array(feature, dtype=np.int32),
            "threshold": np.array(threshold, dtype=np.float32),
            "left": np.array(left, dtype=np.int32),
            "right": np.array(right, dtype=np.int32),
            "value": np.array(self._values, dtype=np.float32),
            "roots": np.array(roots, dtype=np.int32),
        }

    def _add(self, rows: Any) -> int:
        self._nodes.append((_LEAF, 0.0, _LEAF, _LEAF))
        self._values.append(self._targets[rows].mean(axis=0))
        return len(self._nodes) - 1

    def _best(self, rows: Any) -> int | None:
        """The feature that leaves the least impurity (Gini); None if none parts the texts better than not at all."""
        features = self._rng.choice(self._present.shape[1], self._part, replace=False)
        targets = self._targets[rows]
        whole = targets.sum(axis=0)
        has = self._present[np.ix_(rows, features)].T @ targets
        lacks = whole - has
        sizes = np.stack([has.sum(axis=1), lacks.sum(axis=1)])
        with np.errstate(invalid="ignore", divide="ignore"):
            kept = np.nan_to_num((has**2).sum(axis=1) / sizes[0]) + np.nan_to_num((lacks**2).sum(axis=1) / sizes[1])
        best = int(np.argmax(kept))
        gains = kept[best] > (whole**2).sum() / len(rows) + 1e-6
        return int(features[best]) if gains and sizes[:, best].min() > 0 else None


def _are_shares(value: Any) -> bool:
    return bool((value >= 0).all() and np.allclose(value.sum(axis=1), 1, atol=1e-3))


def _check(arrays: dict[str, Any], *, features: int, labels: int) -> None:
    nodes = len(arrays.get("feature", ()))
    feature = check_array(arrays, "feature", (nodes,), "int32")
    left, right = (check_array(arrays, name, (nodes,), "int32") for name in ("left", "right"))
    check_array(arrays, "threshold", (nodes,))
    check_array(arrays, "value", (nodes, labels))
    roots = check_array(arrays, "roots", (len(arrays.get("roots", ())),), "int32")
    inner = np.flatnonzero(feature != _LEAF)
    is_sound = (
        len(roots)
        and ((roots >= 0) & (roots < nodes)).all()
        and ((feature >= _LEAF) & (feature < features)).all()
        and all(((side[inner] > inner) & (side[inner] < nodes)).all() for side in (left, right))
    )
    if not is_sound:
        raise UnsupportedModel("broken_weights", "model.safetensors: the trees lead out of themselves.")
