"""`eval.yaml`: what a data set says of itself as a benchmark. The hub's fields of others, and a block of ours a task.

A task without our block is somebody else's to measure: it is kept, and left alone here. What a block leaves out is
filled in where there is only one sensible value, so that a small set needs few lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.benchmarks.definition import BadDefinition

FILE = "eval.yaml"
MAX_TASKS = 20
MAX_SECONDS = 7200

_TASK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LIMITS = {"seconds": 1800, "mib": 4096, "tokens": 1024}
# For each scorer: its main metric, and what it asks of a model.
_USUAL: dict[str, tuple[str, str]] = {
    "language_modelling": ("bits_per_byte", "log_likelihood"),
    "pseudo_language_modelling": ("pppl", "pseudo_log_likelihood"),
    "conditional_language_modelling": ("cond_ppl", "conditional_log_likelihood"),
    "minimal_pairs": ("accuracy", "log_likelihood"),
    "pseudo_minimal_pairs": ("accuracy", "pseudo_log_likelihood"),
    "classification": ("accuracy", "classify"),
    "probe_classification": ("accuracy", "embed"),
    "multiple_choice": ("accuracy_normalised", "log_likelihood tokenize"),
    "partial_evaluation": ("accuracy", "log_likelihood tokenize"),
    "next_turn": ("recall_at_1", "log_likelihood tokenize"),
    "last_word": ("accuracy", "log_likelihood generate tokenize"),
    "tagging": ("f1", "tag"),
    "span_answers": ("f1", "answer"),
    "generated_answers": ("exact_match", "generate"),
    "translation": ("bleu", "translate tokenize"),
    "summaries": ("rouge_l", "summarize"),
    "similarity": ("spearman", "embed"),
    "speech": ("wer", "transcribe"),
    "programs": ("pass_at_1", "generate"),
}
_LOWER = frozenset({"bits_per_byte", "pppl", "cond_ppl", "wer", "cer"})
_OUT_OF_A_HUNDRED = frozenset({"bleu", "chrf"})
_BY_ENDING = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".conll": "conll"}


@dataclass(frozen=True)
class Task:
    """One task. `block` is ours, None where the task is not for us to measure."""

    id: str
    config: str
    split: str
    block: Mapping[str, Any] | None


@dataclass(frozen=True)
class Declared:
    """A whole file: name, description, whose framework it was written for, and its tasks."""

    name: str
    description: str
    framework: str
    tasks: tuple[Task, ...] = field(default=())


def read(value: Mapping[str, Any]) -> Declared:
    """Check the fields that other hubs know, and that our blocks are mappings.

    Args:
        value: the file's content, already read as YAML without tags, aliases or anchors.

    Raises:
        BadDefinition: the text begins with the field.
    """
    tasks = value.get("tasks")
    if not isinstance(tasks, list) or not 1 <= len(tasks) <= MAX_TASKS:
        raise BadDefinition(f"tasks: needs a list of 1 to {MAX_TASKS}")
    found = tuple(_task(row, place) for place, row in enumerate(tasks))
    if len({task.id for task in found}) != len(found):
        raise BadDefinition("tasks: an id comes twice")
    return Declared(
        name=_text(value, "name", required=True),
        description=_text(value, "description"),
        framework=_text(value, "evaluation_framework"),
        tasks=found,
    )


def definition(
    declared: Declared, task: Task, *, key: str, files: Mapping[str, tuple[str, int]], public: bool, licence: str
) -> dict[str, Any]:
    """The whole declaration of a task, with what may be left out.

    Args:
        key: the benchmark's name on this hub; a block cannot choose its own.
        files: SHA-256 and bytes of each file of the commit, by path.

    Raises:
        BadDefinition: a listed file is not there, or the block asks for too much.
    """
    block = dict(task.block or {})
    scorer = str(block.get("scorer", ""))
    metric, needs = _USUAL.get(scorer, ("", ""))
    metric = str(block.get("main_metric", metric))
    rows = _files(block, files)
    whole = {
        "title": declared.name if len(declared.tasks) == 1 else f"{declared.name}, {task.id}",
        "task": "other",
        "files": rows,
        "reader": _reader(rows),
        "labels": [],
        "split": task.split or "test",
        "subset_rule": "all",
        "main_metric": metric,
        "higher_is_better": metric not in _LOWER and "perplexity" not in metric and not metric.startswith("bits_per"),
        "unit": "fraction",
        "scale": {"low": 0, "high": 100 if metric in _OUT_OF_A_HUNDRED else 1, "kind": "linear"},
        "chance": None,
        "baseline": None,
        "licence": licence or "unknown",
        "redistributable": public,
        "requires": needs.split(),
        "limits": _LIMITS,
        "prompt": None,
        **block,
        "id": key,
        "version": 1,
    }
    whole["files"] = rows
    seconds = whole["limits"].get("seconds") if isinstance(whole["limits"], dict) else None
    if isinstance(seconds, (int, float)) and seconds > MAX_SECONDS:
        raise BadDefinition(f"limits: at most {MAX_SECONDS} seconds")
    return whole


def _task(row: Any, place: int) -> Task:
    if not isinstance(row, Mapping):
        raise BadDefinition(f"tasks: number {place + 1} is no mapping")
    name = row.get("id")
    if not isinstance(name, str) or not _TASK.fullmatch(name):
        raise BadDefinition(f"tasks: number {place + 1} needs an id of letters, digits, - and _")
    block = row.get("smallhub")
    if block is not None and not isinstance(block, Mapping):
        raise BadDefinition(f"tasks: smallhub of {name} must be a mapping")
    return Task(name, _text(row, "config"), _text(row, "split"), block)


def _text(value: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    found = value.get(name)
    if found is None and not required:
        return ""
    if not isinstance(found, str) or not found.strip() or len(found) > 2000:
        raise BadDefinition(f"{name}: needs a text")
    return found.strip()


def _files(block: Mapping[str, Any], files: Mapping[str, tuple[str, int]]) -> list[dict[str, Any]]:
    """The listed files with hash and size from the commit; a path alone will do."""
    listed = block.get("files")
    if not isinstance(listed, list) or not listed:
        raise BadDefinition("files: needs a list of the set's files")
    rows = []
    for entry in listed:
        row = {"path": entry} if isinstance(entry, str) else dict(entry) if isinstance(entry, Mapping) else {}
        path = row.get("path")
        if not isinstance(path, str) or path not in files:
            raise BadDefinition(f"files: {str(path)[:200]} is not in this commit")
        sha256, size = files[path]
        if row.get("sha256", sha256) != sha256:
            raise BadDefinition(f"files: {path} is not in this commit with the declared SHA-256")
        rows.append({**row, "sha256": sha256, "bytes": size})
    return rows


def _reader(rows: list[dict[str, Any]]) -> str:
    """The reader that the first file's name tells."""
    return next((reader for ending, reader in _BY_ENDING.items() if str(rows[0]["path"]).endswith(ending)), "jsonl")
