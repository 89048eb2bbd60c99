"""Linear models and trees: equal to scikit-learn where they come from it, exactly explained, trained on real texts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from smallhub import Invalid
from smallhub.runtimes import UnsupportedModel, load, recognise
from smallhub.runtimes import linear as linear_module
from smallhub.runtimes import tree as tree_module
from smallhub.runtimes._arrays import read_arrays, write_arrays
from smallhub.runtimes._sparse import Settings
from smallhub.runtimes.sklearn_models import from_sklearn

TEXTS = [
    "a film of great charm and wit",
    "great acting, great fun",
    "a dull and lifeless film",
    "dull, long, and without wit",
    "charm and fun for all",
    "lifeless acting in a long film",
] * 2
LABELS = ["good", "good", "bad", "bad", "good", "bad"] * 2
OTHERS = ["great wit in a long dull film", "", "zebra", "FUN, fun: fun!", "北京 a film"]


def saved(model, folder):
    model.save(folder)
    return load(folder)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(analyzer="char_wb", ngrams=(2, 4), frequency="log"),
        Settings(words="two_letters", hash_bits=10, norm="l1", frequency="binary"),
    ],
    ids=["words", "characters", "hashed"],
)
def test_a_trained_model_comes_back_from_its_files(tmp_path, settings):
    model = linear_module.train(TEXTS, LABELS, settings=settings, min_count=1)
    loaded = saved(model, tmp_path)

    assert [answer.label for answer in loaded.classify(TEXTS)] == LABELS
    for ours, theirs in zip(loaded.classify(OTHERS), model.classify(OTHERS), strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-6)
        assert sum(ours.probabilities) == pytest.approx(1)
    found = recognise(tmp_path)
    assert (found.runtime, found.task, found.capabilities) == ("linear", "text-classification", {"classify"})
    json.dumps(loaded.description())


def test_equal_training_gives_equal_bytes(tmp_path):
    for name in ("a", "b"):
        linear_module.train(TEXTS, LABELS).save(tmp_path / name)

    one, other = (sorted((tmp_path / name).iterdir()) for name in ("a", "b"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


@pytest.mark.parametrize("hash_bits", [0, 4])
def test_contributions_of_a_linear_model_sum_to_its_score(hash_bits):
    model = linear_module.train(TEXTS, LABELS, settings=Settings(hash_bits=hash_bits))
    for text in (*TEXTS[:6], *OTHERS):
        for number, label in enumerate(model.labels):
            parts = model.contributions(text, label)
            score = model.scores(model.featurizer.row(text))[number]
            assert sum(parts.values()) + model.bias[number] == pytest.approx(score, abs=1e-6)
    if not hash_bits:
        assert model.contributions("a great film", "good")["great"] > 0 > model.contributions("dull", "good")["dull"]


def test_contributions_of_a_forest_sum_to_its_probability(tmp_path):
    model = saved(tree_module.train(TEXTS, LABELS, min_count=1, trees=7), tmp_path)
    values, roots = model.arrays["value"], model.arrays["roots"]
    for text in (*TEXTS[:6], *OTHERS):
        (answer,) = model.classify([text])
        for number, label in enumerate(model.labels):
            base = values[roots, number].mean()
            assert base + sum(model.contributions(text, label).values()) == pytest.approx(
                answer.probabilities[number], abs=1e-5
            )
    assert [answer.label for answer in model.classify(TEXTS)] == LABELS
    assert recognise(tmp_path).runtime == "tree"


def pipelines():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.tree import DecisionTreeClassifier

    three = ["good", "good", "bad", "bad", "fair", "fair"] * 2
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    return {
        "tf-idf": (Pipeline([("v", TfidfVectorizer(ngram_range=(1, 2))), ("m", LogisticRegression())]), LABELS),
        "three": (Pipeline([("v", TfidfVectorizer(sublinear_tf=True)), ("m", LogisticRegression())]), three),
        "characters": (
            Pipeline([("v", CountVectorizer(analyzer="char_wb", ngram_range=(2, 5))), ("m", LogisticRegression())]),
            LABELS,
        ),
        "in steps": (
            Pipeline([("v", CountVectorizer()), ("w", TfidfTransformer(norm="l1")), ("m", LogisticRegression())]),
            three,
        ),
        "tree": (Pipeline([("v", CountVectorizer(binary=True)), ("m", DecisionTreeClassifier(random_state=0))]), three),
        "forest": (Pipeline([("v", TfidfVectorizer()), ("m", forest)]), three),
    }


@pytest.mark.parametrize("name", ["tf-idf", "three", "characters", "in steps", "tree", "forest"])
def test_a_converted_pipeline_says_what_the_pipeline_says(tmp_path, name):
    pytest.importorskip("sklearn")
    pipeline, labels = pipelines()[name]
    pipeline.fit(TEXTS, labels)

    model = saved(from_sklearn(pipeline), tmp_path)

    assert list(model.labels) == list(pipeline.classes_)
    found = np.array([answer.probabilities for answer in model.classify([*TEXTS, *OTHERS])])
    assert found == pytest.approx(pipeline.predict_proba([*TEXTS, *OTHERS]), abs=1e-5)


def test_what_has_no_counterpart_is_refused_by_name():
    pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import Pipeline

    with pytest.raises(Invalid, match="MultinomialNB"):
        from_sklearn(Pipeline([("v", CountVectorizer()), ("m", MultinomialNB())]).fit(TEXTS, LABELS))
    with pytest.raises(Invalid, match="token_pattern"):
        from_sklearn(Pipeline([("v", CountVectorizer(token_pattern=r"\w")), ("m", MultinomialNB())]).fit(TEXTS, LABELS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link": "other"}, "not of this format"),
        ({"format_version": 2}, "not of this format"),
        ({"id2label": {"0": "a"}}, "id2label"),
        ({"id2label": {"0": "a", "2": "b"}}, "id2label"),
        ({"id2label": {"0": "a", "1": "a"}}, "one name"),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, "weights"),
        ({"features": {}}, "lacks a setting"),
        ({"features": Settings().as_json() | {"ngrams": [1, 99]}}, "unknown"),
        ({"features": Settings().as_json() | {"words": "(a+)+"}}, "unknown"),
        ({"features": Settings().as_json() | {"hash_bits": 24}}, "values"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path, change, message):
    linear_module.train(TEXTS, LABELS).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(UnsupportedModel, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("left", 0), ("right", 10_000), ("feature", 10_000), ("feature", -2), ("value", -1), ("value", np.nan)],
)
def test_trees_that_lead_out_of_themselves_are_refused(tmp_path, name, value):
    tree_module.train(TEXTS, LABELS, min_count=1, trees=2).save(tmp_path)
    arrays = {key: array.copy() for key, array in read_arrays(tmp_path / "model.safetensors").items()}
    arrays[name][0] = value
    write_arrays(tmp_path / "model.safetensors", arrays)

    with pytest.raises(UnsupportedModel) as caught:
        load(tmp_path)
    assert caught.value.code == "broken_weights"
