"""Turns fitted scikit-learn pipelines for texts into plain files: a vectorizer and a linear model, a tree or a forest.

Run by whoever trained the pipeline, in the process that holds it; nothing is unpickled here. What a plain model cannot
say exactly is refused by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smallhub._exceptions import Invalid
from smallhub.runtimes._sparse import Featurizer, Settings
from smallhub.runtimes.linear import LinearModel
from smallhub.runtimes.tree import TreeModel

_WORD_PATTERN = r"(?u)\b\w\w+\b"
_LEAF = -1


def from_sklearn(pipeline: Any) -> LinearModel | TreeModel:
    """Convert a fitted `Pipeline` of a text vectorizer (counts or tf-idf) and a classifier.

    Raises:
        Invalid: a step or a setting has no exact counterpart; the message names it.
    """
    steps = [step for _, step in pipeline.steps]
    if len(steps) == 3 and type(steps[1]).__name__ == "TfidfTransformer":
        vectorizer, weighting, model = steps
    elif len(steps) == 2:
        vectorizer, model = steps
        weighting = vectorizer if type(vectorizer).__name__ == "TfidfVectorizer" else None
    else:
        raise _unsupported(f"a pipeline of {len(steps)} steps")
    if type(vectorizer).__name__ not in ("CountVectorizer", "TfidfVectorizer"):
        raise _unsupported(type(vectorizer).__name__)
    featurizer = _featurizer(vectorizer, weighting)
    if hasattr(model, "coef_"):
        return _linear(featurizer, model)
    if hasattr(model, "tree_") or hasattr(model, "estimators_"):
        return _forest(featurizer, model)
    raise _unsupported(type(model).__name__)


def _featurizer(vectorizer: Any, weighting: Any) -> Featurizer:
    odd = {
        "analyzer": vectorizer.analyzer not in ("word", "char", "char_wb"),
        "token_pattern": vectorizer.analyzer == "word" and vectorizer.token_pattern != _WORD_PATTERN,
        "tokenizer": vectorizer.tokenizer is not None,
        "preprocessor": vectorizer.preprocessor is not None,
        "strip_accents": vectorizer.strip_accents is not None,
        "stop_words": vectorizer.stop_words is not None and vectorizer.ngram_range[1] > 1,
        "binary": vectorizer.binary and weighting is not None and weighting.sublinear_tf,
    }
    for name, is_odd in odd.items():
        if is_odd:
            raise _unsupported(f"{type(vectorizer).__name__}({name}=…)")
    log = weighting is not None and weighting.sublinear_tf
    settings = Settings(
        analyzer=vectorizer.analyzer,
        words="two_letters",
        ngrams=tuple(vectorizer.ngram_range),
        lowercase=bool(vectorizer.lowercase),
        frequency="binary" if vectorizer.binary else "log" if log else "count",
        norm=(weighting.norm or "none") if weighting is not None else "none",
        hash_bits=0,
    )
    names = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
    idf = weighting.idf_ if weighting is not None and weighting.use_idf else None
    return Featurizer(settings, names, idf)


def _linear(featurizer: Featurizer, model: Any) -> LinearModel:
    weights, bias = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    labels = [str(label) for label in model.classes_]
    kind = type(model).__name__
    if kind not in ("LogisticRegression", "LogisticRegressionCV", "LinearSVC", "SGDClassifier", "RidgeClassifier"):
        raise _unsupported(kind)
    if len(labels) == 2 and len(weights) == 1:
        # One score against zero is the softmax of two.
        weights, bias = np.vstack([np.zeros_like(weights), weights]), np.array([0.0, bias[0]])
        return LinearModel(featurizer, labels, _f32(weights), _f32(bias), link="softmax")
    multinomial = kind.startswith("LogisticRegression") and getattr(model, "solver", "") != "liblinear"
    link = "softmax" if multinomial else "one_vs_rest"
    return LinearModel(
        featurizer, labels, _f32(weights), _f32(bias), link="softmax" if link == "softmax" else "one_vs_rest"
    )


def _forest(featurizer: Featurizer, model: Any) -> TreeModel:
    kind = type(model).__name__
    if kind not in ("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier"):
        raise _unsupported(kind)
    trees = [each.tree_ for each in getattr(model, "estimators_", [model])]
    columns: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
    roots, offset = [], 0
    for tree in trees:
        roots.append(offset)
        is_leaf = tree.children_left == _LEAF
        columns["feature"].append(np.where(is_leaf, _LEAF, tree.feature))
        columns["threshold"].append(np.where(is_leaf, 0.0, tree.threshold))
        columns["left"].append(np.where(is_leaf, _LEAF, tree.children_left + offset))
        columns["right"].append(np.where(is_leaf, _LEAF, tree.children_right + offset))
        shares = tree.value[:, 0, :]
        columns["value"].append(shares / shares.sum(axis=1, keepdims=True))
        offset += tree.node_count
    kinds = {"feature": np.int32, "left": np.int32, "right": np.int32, "threshold": np.float32, "value": np.float32}
    arrays: dict[str, Any] = {name: np.concatenate(parts).astype(kinds[name]) for name, parts in columns.items()}
    arrays["roots"] = np.array(roots, dtype=np.int32)
    return TreeModel(featurizer, [str(label) for label in model.classes_], arrays, combine="mean")


def _f32(array: Any) -> Any:
    return np.asarray(array, dtype=np.float32)


def _unsupported(what: str) -> Invalid:
    return Invalid(f"{what} has no counterpart among plain models.", code="no_counterpart")
