"""What goes out comes back with the same values; what others wrote is read without guessing."""

import dataclasses

import pytest
import yaml
from huggingface_hub.repocard_data import model_index_to_eval_results
from hypothesis import given
from hypothesis import strategies as st

from evaluation import exchange
from evaluation.exchange import Measured, claims_of_index, claims_of_results

PAIRS = Measured(
    benchmark="core-pairs-en",
    version=2,
    title="Grammar pairs, English",
    task="text-generation",
    dataset="smallhub/core-pairs-en",
    split="test",
    revision="a" * 40,
    metric="accuracy",
    value=0.8203125,
    unit="fraction",
    n=1280,
    low=0.79,
    high=0.85,
    confidence=0.95,
    receipt="b" * 64,
    date="2026-01-02",
    url="http://hub/ada/tiny/evaluations/c",
)
TEXT = dataclasses.replace(
    PAIRS,
    benchmark="core-text-en",
    dataset="smallhub/core-text-en",
    metric="bits_per_byte",
    value=1.8,
    unit="bits/byte",
)


def through_yaml(value: object) -> object:
    return yaml.safe_load(exchange.dump(value))


@given(
    value=st.floats(0, 1e6),
    unit=st.sampled_from(["fraction", "percent", "bits/byte", ""]),
    metric=st.sampled_from(["accuracy", "bleu", "bits_per_byte", "wer"]),
    revision=st.text("0123456789abcdef", min_size=40, max_size=40),
    split=st.sampled_from(["test", "validation", "generaltest2023"]),
)
def test_our_own_export_comes_back_with_the_same_values_splits_and_revisions(value, unit, metric, revision, split):
    score = dataclasses.replace(PAIRS, value=value, unit=unit, metric=metric, revision=revision, split=split)
    scale = unit if unit in ("fraction", "percent") else "native"

    (of_card,) = claims_of_index(through_yaml(exchange.model_index("tiny", [score])))
    ((path, text),) = exchange.eval_results([score]).items()
    (of_file,) = claims_of_results(path, yaml.safe_load(text))

    assert path == ".eval_results/core-pairs-en.yaml"
    for claim in (of_card, of_file):
        assert (claim.value, claim.scale, claim.metric) == (value, scale, metric)
        assert (claim.dataset, claim.split, claim.revision) == (score.dataset, split, revision)
        assert claim.url == score.url
    assert of_card.args["receipt"] == score.receipt
    assert (of_card.args["low"], of_card.args["high"]) == (0.79, 0.85)
    assert f"receipt={score.receipt}" in of_file.notes


def test_the_public_client_reads_our_model_index():
    index = through_yaml(exchange.model_index("tiny", [PAIRS, TEXT]))

    name, results = model_index_to_eval_results(index)

    assert name == "tiny"
    assert [(row.metric_type, row.metric_value) for row in results] == [("accuracy", 0.8203125), ("bits_per_byte", 1.8)]
    assert results[0].dataset_revision == "a" * 40
    assert results[0].source_url == PAIRS.url


def test_results_on_the_same_data_are_one_entry():
    two = [PAIRS, dataclasses.replace(PAIRS, benchmark="core-pairs-en-b", metric="f1")]

    (entry,) = exchange.model_index("tiny", two)[0]["results"]

    assert [metric["type"] for metric in entry["metrics"]] == ["accuracy", "f1"]


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("accuracy", 91.3, (91.3, "percent")),
        ("accuracy", 0.913, (0.913, "fraction")),
        ("accuracy", "91.3 %", (91.3, "percent")),
        ("bleu", 27.4, (27.4, "native")),
        ("bleu", "20.0 ± 1.2", (20.0, "native")),
        ("", 3.5, (3.5, "")),
        ("accuracy", "about ninety", (None, "")),
        ("accuracy", float("nan"), (None, "")),
    ],
)
def test_the_scale_is_what_is_said_or_seen(metric, value, expected):
    index = [{"results": [{"task": {}, "dataset": {"type": "x"}, "metrics": [{"type": metric, "value": value}]}]}]

    (claim,) = claims_of_index(index)

    assert (claim.value, claim.scale) == expected
    assert claim.text


def test_both_editions_of_the_newer_form_are_read():
    old = {"dataset": {"id": "a/b", "config": "c", "split": "s"}, "value": 0.5}
    new = {"dataset": {"id": "a/b", "task_id": "t", "revision": "r"}, "value": 12, "notes": "5-shot; temperature=0"}

    first, second = claims_of_results("x.yaml", [old, new])

    assert (first.config, first.split, first.value, first.scale) == ("c", "s", 0.5, "")
    assert (second.config, second.revision, second.value, second.metric) == ("t", "r", 12.0, "")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["results", "metrics", "dataset", "value", "type", "args", "source", "notes", "id"]),
                inner,
            )
        ),
    )
)
def test_nothing_that_strangers_write_breaks_the_reader(value):
    for claim in [*claims_of_index(value), *claims_of_index([{"results": value}]), *claims_of_results("x.yaml", value)]:
        assert "\x00" not in claim.text


def test_a_card_keeps_every_other_line():
    readme = "---\nlicense: mit # mine\nmodel-index:\n- name: old\n  results: []\ntags: [a]\n---\n# Hello\n"

    changed = exchange.with_index(readme, exchange.model_index("tiny", [PAIRS]))

    assert changed.startswith("---\nlicense: mit # mine\ntags: [a]\nmodel-index:\n- name: tiny\n")
    assert changed.endswith("---\n# Hello\n")
    assert changed.count("model-index:") == 1
    assert exchange.with_index("# Bare\n", []).endswith("---\n# Bare\n")


def test_results_of_others_stay_and_ours_are_replaced():
    theirs = {"task": {}, "dataset": {}, "metrics": [], "source": {"url": "http://elsewhere/x"}}
    ours = exchange.model_index("tiny", [PAIRS])
    card = [{"name": "tiny", "results": [theirs, *ours[0]["results"]]}]

    kept = exchange.without_ours(card, home="http://hub/ada/tiny")

    assert exchange.joined(kept, ours)[0]["results"] == [theirs, *ours[0]["results"]]
