"""Which smoke checks a task has besides those of language models, classifiers and sentence encoders."""

from __future__ import annotations

from collections.abc import Collection

from evaluation.steps import smoke_answers, smoke_masked, smoke_speech, smoke_tagging, smoke_writing
from evaluation.steps.checks import Run

_CHECKS: dict[str, list[Run]] = {
    "pseudo_log_likelihood": smoke_masked.CHECKS,
    "tag": smoke_tagging.CHECKS,
    "answer": smoke_answers.CHECKS,
    "conditional_log_likelihood": smoke_writing.CHECKS,
    "transcribe": smoke_speech.CHECKS,
}
# How a check is called when the model answers it by an error; what is not here is the forward pass.
NAMES: dict[Run, tuple[str, str]] = {
    **{module.batch: ("S08", "batch") for module in (smoke_answers, smoke_masked, smoke_tagging, smoke_writing)},
    **{
        module.repeat: ("S10", "repeat")
        for module in (smoke_answers, smoke_masked, smoke_speech, smoke_tagging, smoke_writing)
    },
    smoke_writing.stop: ("S11", "stop"),
    smoke_tagging.scheme: ("S18", "labels"),
    smoke_writing.own_words: ("S19", "own words"),
    smoke_speech.silence: ("S20", "silence"),
}


def checks_for(capabilities: Collection[str]) -> list[Run]:
    """In the order of the checks' numbers, task by task. Dialogue models neither translate nor summarise."""
    writes = {"translate", "summarize"} & set(capabilities)
    return [
        run
        for name, runs in _CHECKS.items()
        if name in capabilities and (writes or runs is not smoke_writing.CHECKS)
        for run in runs
    ]
