"""Smoke checks by task, on tiny models of random weights: what passes, and what each check finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from smallhub import runtimes

from evaluation import sandbox
from evaluation.sandbox import replies, requests
from evaluation.sandbox.child import pipe
from evaluation.steps import smoke_answers, smoke_masked, smoke_speech, smoke_tagging, smoke_tasks, smoke_writing
from evaluation.steps.inspect import inspect
from evaluation.steps.smoke import Prompts, smoke
from tests.factories import tiny_tasks


class Direct:
    """A model in this process, its calls encoded and checked as on the way through the walls."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.model = runtimes.load(folder, threads=1)
        facts = self.model.description() | changes
        self.description = {"capabilities": sorted(self.model.capabilities), "description": facts}

    def call(self, operation: str, **arguments: Any) -> Any:
        sent = pipe.decode(json.loads(json.dumps(requests.encode(arguments))))
        answer = getattr(self.model, operation)(**sent)
        return replies.check(operation, arguments, replies.decode(json.loads(json.dumps(pipe.encode(answer)))))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("tasks")
    return {
        "masked": tiny_tasks.make_random_bert_for(base / "masked", "MaskedLM"),
        "tagger": tiny_tasks.make_random_bert_for(base / "tagger", "TokenClassification"),
        "reader": tiny_tasks.make_random_bert_for(base / "reader", "QuestionAnswering"),
        "writer": tiny_tasks.make_random_t5(base / "writer"),
        "listener": tiny_tasks.make_random_wav2vec2(base / "listener"),
    }


def run(folder: Path, checks: list[Any], **changes: Any) -> tuple[dict[str, str], dict[str, Any]]:
    session, inspection, outputs = Direct(folder, **changes), inspect(folder), {}
    found = [check(session, inspection, Prompts.load().texts, outputs) for check in checks]
    assert all(one.message.endswith(".") for one in found)
    return {one.id: one.state for one in found}, outputs


def test_a_masked_model(folders: dict[str, Path]) -> None:
    states, outputs = run(folders["masked"], smoke_masked.CHECKS)

    assert states == {"S07": "pass", "S08": "pass", "S10": "pass"}
    assert len(outputs["pseudo_log_probs"]) == 6


def test_a_tagger_and_labels_of_no_scheme(folders: dict[str, Path], tmp_path: Path) -> None:
    states, outputs = run(folders["tagger"], smoke_tagging.CHECKS)
    other = tiny_tasks.make_random_bert_for(tmp_path / "other", "TokenClassification", labels=("NOUN", "VERB", "O"))

    assert states == {"S07": "pass", "S08": "pass", "S10": "pass", "S18": "pass"}
    assert {len(labels) for labels in outputs["tags"]} > {1}
    assert run(other, smoke_tagging.CHECKS)[0]["S18"] == "warn"
    assert run(folders["tagger"], smoke_tagging.CHECKS, labels=["O"])[0]["S07"] == "fail"


def test_a_reader(folders: dict[str, Path]) -> None:
    states, outputs = run(folders["reader"], smoke_answers.CHECKS)

    assert states == {"S07": "pass", "S08": "pass", "S10": "pass"}
    assert len(outputs["answers"]) == 4


def test_a_writer_that_never_ends_is_told(folders: dict[str, Path]) -> None:
    states, outputs = run(folders["writer"], smoke_writing.CHECKS)

    assert {states[name] for name in ("S07", "S08", "S10", "S19")} == {"pass"}
    assert states["S11"] in ("warn", "pass")
    assert len(outputs["written"]) == 4
    assert run(folders["writer"], smoke_writing.CHECKS[:1], decoder_start_id=None)[0]["S07"] == "fail"


def test_speech_in_the_sandbox(folders: dict[str, Path]) -> None:
    with sandbox.open(folders["listener"]) as session:
        found = smoke(session, folders["listener"], inspect(folders["listener"]))

    states = {check.id: check.state for check in found.checks}
    assert found.state != "fail", found.summary()
    assert (states["S07"], states["S10"]) == ("pass", "pass")
    assert len(found.outputs["heard"]) == 2
    assert "S20" in states


def test_noise_into_silence_is_told(folders: dict[str, Path]) -> None:
    class Chatty(Direct):
        def call(self, operation: str, **arguments: Any) -> Any:
            return ["a voice where there is none"] * len(arguments["clips"])

    found = smoke_speech.silence(Chatty(folders["listener"]), inspect(folders["listener"]), {}, {})

    assert (found.state, found.value) == ("warn", 27)
    assert np.abs(smoke_speech._clip(16_000)).max() < 1


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({}, {}),
        ({"languages": []}, {}),
        ({"languages": ["de_DE", "en_XX", "zh_CN"]}, {"source": "en", "target": "de"}),
        ({"languages": ["__en__", "__zh__"]}, {"source": "en", "target": "zh"}),
        ({"languages": ["eng_Latn", "fra_Latn"]}, {"source": "en", "target": "fr"}),
        ({"prefixes": {"translation_en_to_fr": "x", "translation_en_to_de": "y"}}, {"source": "en", "target": "fr"}),
        ({"prefixes": {"translation_en_to_fr": "x", "summarization": "y"}}, {}),
    ],
)
def test_models_of_several_languages_are_asked_for_a_pair_they_have(facts: Any, named: dict[str, str]) -> None:
    assert smoke_writing.languages_for({"description": facts}) == named


def test_each_task_has_its_checks() -> None:
    assert smoke_tasks.checks_for({"tag", "tokenize"}) == smoke_tagging.CHECKS
    assert smoke_tasks.checks_for({"conditional_log_likelihood"}) == []
    assert smoke_tasks.checks_for({"conditional_log_likelihood", "translate"}) == smoke_writing.CHECKS
    assert smoke_tasks.checks_for({"log_likelihood"}) == []
