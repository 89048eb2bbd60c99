"""What goes into the child and what is believed of what comes back, for the calls of each task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import sandbox
from evaluation.sandbox import Limits, Loader, replies, requests
from evaluation.sandbox.child import pipe

ECHO = Loader("echo", Path(__file__).parent / "redteam")
QUICK = Limits(memory_bytes=512 << 20, wall_s=60, call_s=30)
EXPLAINED = {
    "units": ["a", "hub"],
    "spans": [[0, 1], None],
    "scores": [0.5, -0.25],
    "target": "good",
    "method": "occlusion",
    "total": 0.75,
    "baseline": 0.5,
    "measure": "probability",
    "notes": [],
}
SPAN = {"text": "hub", "start": 2, "end": 5, "score": 1.0}


def test_clips_labels_and_spans_pass_the_walls(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with sandbox.open(tmp_path, limits=QUICK, loader=ECHO) as running:
        running.load()
        clips = [np.array([0.5, 0.25, -1.0]), np.zeros(0, np.float32)]

        heard = running.call("transcribe", clips=clips, sampling_rate=8000)
        labels = running.call("tag", sentences=[["a", "b"], []])
        answers = running.call("answer", questions=["?"], contexts=["a hub"])

    assert heard == ["float32 (3,) -0.25 at 8000", "float32 (0,) 0 at 8000"]
    assert labels == [("B-a", "B-b"), ()]
    assert answers == [sandbox.Answer("hub", 2, 5, 1.5)]


def test_arrays_arrive_as_they_were_sent() -> None:
    sent = {"clips": [np.arange(6, dtype=np.float64).reshape(2, 3)[:, ::2]], "name": "x", "pair": ("a", None)}

    arrived = pipe.decode(json.loads(json.dumps(requests.encode(sent))))

    assert arrived["clips"][0].tolist() == [[0, 2], [3, 5]]
    assert arrived["clips"][0].dtype == np.float32
    assert (arrived["name"], arrived["pair"]) == ("x", ["a", None])


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("tag", [["B-PER"]]),
        ("tag", [["B-PER", 3]]),
        ("tag", ["BO"]),
        ("tag", [["O", "O"], ["O", "O"]]),
        ("tag", None),
        ("answer", [SPAN | {"text": "bub"}]),
        ("answer", [SPAN | {"end": 50}]),
        ("answer", [SPAN | {"start": -3}]),
        ("answer", [SPAN | {"start": 4, "end": 3, "text": ""}]),
        ("answer", [SPAN | {"score": "high"}]),
        ("answer", [SPAN | {"text": None}]),
        ("answer", []),
        ("translate", ["one", "two"]),
        ("summarize", [None]),
        ("transcribe", "a"),
        ("pseudo_log_likelihood", [{"log_prob": "-1", "tokens": 1, "unknown": 0}]),
        ("conditional_log_likelihood", [{"log_prob": -1.0, "tokens": 1.5, "unknown": 0}]),
    ],
)
def test_lies_of_each_task_are_refused(operation: str, value: Any) -> None:
    arguments = {"texts": ["one"], "sentences": [["a", "b"]], "contexts": ["a hub"], "clips": [np.zeros(3)]}

    with pytest.raises(replies.BadReply):
        replies.check(operation, arguments, value)


def test_true_answers_of_each_task_pass() -> None:
    arguments = {"texts": ["one"], "sentences": [["a", "b"]], "contexts": ["a hub"], "clips": [np.zeros(3)]}
    likelihood = {"log_prob": -1.0, "tokens": 2, "unknown": 0}

    assert replies.check("tag", arguments, [["B-PER", "O"]]) == [("B-PER", "O")]
    assert replies.check("answer", arguments, [SPAN]) == [replies.Answer("hub", 2, 5, 1.0)]
    assert replies.check("translate", arguments, ["eins"]) == ["eins"]
    assert replies.check("transcribe", arguments, [""]) == [""]
    assert replies.check("conditional_log_likelihood", arguments, [likelihood]) == [replies.Likelihood(-1.0, 2, 0)]


def test_an_explanation_has_a_number_for_each_part_of_the_text() -> None:
    found = replies.check("explain", {"value": "a hub"}, EXPLAINED)

    assert found.spans == ((0, 1), None)
    assert found.scores == (0.5, -0.25)
    assert replies.check("explain", {"value": ["a", "hub"]}, EXPLAINED | {"spans": [[0, 1], [2, 5]]})
    assert replies.check("explain", {"value": {"question": "a", "context": "b"}}, EXPLAINED | {"spans": [[0, 3], None]})
    assert replies.check("explain", {"value": "a hub", "target": " of"}, EXPLAINED | {"spans": [[5, 6], [6, 8]]})


@pytest.mark.parametrize(
    "lie",
    [
        {"spans": [[0, 1]]},
        {"spans": [[0, 1], [2, 6]]},
        {"spans": [[1, 0], None]},
        {"spans": [[0, 1.5], None]},
        {"spans": "no"},
        {"scores": [0.5]},
        {"scores": [0.5, float("nan")]},
        {"scores": ["much", 1]},
        {"total": float("inf")},
        {"method": "magic"},
        {"notes": ["one"]},
        {"target": 3},
        {"units": ["a", 1]},
    ],
)
def test_lies_about_explanations_are_refused(lie: dict[str, Any]) -> None:
    with pytest.raises(replies.BadReply):
        replies.check("explain", {"value": "a hub"}, EXPLAINED | lie)
