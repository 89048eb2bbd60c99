"""Results in the forms that other hubs read: `model-index` of a card, and `.eval_results/*.yaml`. Pure.

What we write, we read back to the same values. What strangers write becomes a claim: with its scale where one is said
or the value itself shows it, and never measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

FRAMEWORK = "smallhub"
FOLDER = ".eval_results/"
MAX_CLAIMS = 200
_TEXT = 300
# Metrics that are printed as a share of one; a claim above one is in per cent.
_SHARES = re.compile(
    r"acc(uracy)?|exact_match|em|f1|precision|recall|matthews.*|rouge.?\w*|wer|cer|(macro|micro)_f1|entity_f1|pass@\d+|.*accuracy.*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)")
_FENCE = re.compile(r"\A(\ufeff?\s*---[ \t]*\r?\n)(.*?)(^---[ \t]*(?:\r?\n|\Z))", re.DOTALL | re.MULTILINE)
_INDEX_BLOCK = re.compile(r"^model-index:.*?(?=^[^\s#-]|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Measured:
    """One score of ours, as it goes out."""

    benchmark: str
    version: int
    title: str
    task: str
    dataset: str
    split: str
    revision: str
    metric: str
    value: float
    unit: str
    n: int
    low: float | None
    high: float | None
    confidence: float
    receipt: str
    date: str
    url: str


@dataclass(frozen=True)
class Claim:
    """One number that somebody typed in.

    `value` is None where the text holds none; `scale` is fraction, percent, native, or empty where nothing says.
    """

    source: str
    metric: str
    text: str
    value: float | None
    scale: str
    task: str = ""
    dataset: str = ""
    dataset_name: str = ""
    config: str = ""
    split: str = ""
    revision: str = ""
    said_by: str = ""
    url: str = ""
    notes: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)


def model_index(name: str, scores: Sequence[Measured]) -> list[dict[str, Any]]:
    """The value of `model-index`: one result for each task, data set, split and revision, with all its metrics."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for score in sorted(scores, key=lambda score: (score.dataset, score.benchmark)):
        place = (score.task, score.dataset, score.split, score.revision)
        entry = merged.setdefault(
            place,
            {
                "task": {"type": score.task},
                "dataset": {
                    "type": score.dataset,
                    "name": score.title,
                    "config": "default",
                    "split": score.split,
                    "revision": score.revision,
                },
                "metrics": [],
                "source": {"name": "Smallhub", "url": score.url},
            },
        )
        entry["metrics"].append({"type": score.metric, "name": score.title, "value": score.value, "args": _args(score)})
    return [{"name": name, "results": list(merged.values())}] if merged else []


def eval_results(scores: Sequence[Measured]) -> dict[str, str]:
    """The files of `.eval_results`, by path: one for each benchmark."""
    return {f"{FOLDER}{score.benchmark}.yaml": dump([_entry(score)]) for score in scores}


def with_index(readme: str, index: list[dict[str, Any]]) -> str:
    """A README whose front matter has this `model-index`; every other line stays as it was."""
    block = dump({"model-index": index})
    match = _FENCE.match(readme)
    if match is None:
        return f"---\n{block}---\n{readme}"
    kept = _INDEX_BLOCK.sub("", match[2])
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return f"{match[1]}{kept}{block}{match[3]}{readme[match.end() :]}"


def without_ours(index: Any, *, home: str) -> list[dict[str, Any]]:
    """A card's own results, less those that came from this hub before."""
    kept = []
    for model in _records(index):
        results = [
            row
            for row in _records(model.get("results"))
            if not str(_record(row.get("source")).get("url", "")).startswith(home)
        ]
        if results:
            kept.append({**model, "results": results})
    return kept


def joined(kept: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both as one list; the first model of the card takes our results."""
    if not kept or not ours:
        return kept or ours
    first = {**kept[0], "results": [*kept[0]["results"], *ours[0]["results"]]}
    return [first, *kept[1:]]


def claims_of_index(index: Any) -> list[Claim]:
    """What a card's `model-index` claims."""
    found = []
    for model in _records(index):
        for result in _records(model.get("results")):
            found += list(_claims_of_result(result))
    return found[:MAX_CLAIMS]


def claims_of_results(path: str, entries: Any) -> list[Claim]:
    """What a file of `.eval_results` claims. Reads the two editions: `task_id`, and `config` with `split`."""
    found = []
    for entry in _records(entries if isinstance(entries, list) else [entries]):
        dataset, source = _record(entry.get("dataset")), _record(entry.get("source"))
        notes = _text(entry.get("notes"))
        said = _said(notes)
        metric = said.get("metric", "")
        number, scale, text = _value(metric, entry.get("value"), said.get("scale", ""))
        if not dataset or text == "":
            continue
        found.append(
            Claim(
                source=path,
                metric=metric,
                text=text,
                value=number,
                scale=scale,
                dataset=_text(dataset.get("id")),
                config=_text(dataset.get("task_id") or dataset.get("config")),
                split=said.get("split") or _text(dataset.get("split")),
                revision=_text(dataset.get("revision")),
                said_by=_text(source.get("name") or source.get("user") or source.get("org")),
                url=_text(source.get("url")),
                notes=notes,
            )
        )
    return found[:MAX_CLAIMS]


def dump(value: Any) -> str:
    """YAML as people write it: in the given order, words as they are, floats in their shortest form."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000))


def _args(score: Measured) -> dict[str, Any]:
    """The facts that only we have."""
    known: dict[str, Any] = {
        "benchmark": score.benchmark,
        "version": score.version,
        "n": score.n,
        "scale": _scale_of(score),
        "receipt": score.receipt,
    }
    if score.low is not None and score.high is not None:
        # Flat, since a card may be nested eight levels deep and this is the eighth.
        known |= {"low": score.low, "high": score.high, "confidence": score.confidence}
    return known


def _entry(score: Measured) -> dict[str, Any]:
    said = {
        "metric": score.metric,
        "scale": _scale_of(score),
        "split": score.split,
        "version": score.version,
        "n": score.n,
    }
    if score.low is not None and score.high is not None:
        said["interval"] = f"{score.low!r}..{score.high!r}"
    said["receipt"] = score.receipt
    return {
        "dataset": {"id": score.dataset, "task_id": score.benchmark, "revision": score.revision},
        "value": score.value,
        "date": score.date,
        "source": {"url": score.url, "name": "Smallhub"},
        "evaluation_framework": FRAMEWORK,
        "notes": "; ".join(f"{name}={value}" for name, value in said.items()),
    }


def _scale_of(score: Measured) -> str:
    return score.unit if score.unit in ("fraction", "percent") else "native"


def _claims_of_result(result: Mapping[str, Any]) -> Iterable[Claim]:
    task, dataset, source = (_record(result.get(name)) for name in ("task", "dataset", "source"))
    for metric in _records(result.get("metrics")):
        args = _record(metric.get("args"))
        number, scale, text = _value(_text(metric.get("type")), metric.get("value"), _text(args.get("scale")))
        if text == "":
            continue
        yield Claim(
            source="model-index",
            metric=_text(metric.get("type")),
            text=text,
            value=number,
            scale=scale,
            task=_text(task.get("type")),
            dataset=_text(dataset.get("type")),
            dataset_name=_text(dataset.get("name")),
            config=_text(dataset.get("config")),
            split=_text(dataset.get("split")),
            revision=_text(dataset.get("revision")),
            said_by=_text(source.get("name")),
            url=_text(source.get("url")),
            args=dict(args),
        )


def _value(metric: str, value: Any, stated: str) -> tuple[float | None, str, str]:
    """A claimed value as number, scale and text. The scale is what was stated, or what the value itself shows."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return None, "", ""
    text = _text(value)
    if isinstance(value, int | float):
        number, has_sign = float(value), False
    else:
        match = _NUMBER.match(text)
        if match is None:
            return None, "", text
        number, has_sign = float(match[1]), match[2] == "%"
    if not math.isfinite(number):
        return None, "", text
    if stated in ("fraction", "percent", "native"):
        return number, stated, text
    if has_sign:
        return number, "percent", text
    if _SHARES.fullmatch(metric):
        return number, "percent" if abs(number) > 1 else "fraction", text
    return number, "native" if metric else "", text


def _said(notes: str) -> dict[str, str]:
    """The `name=value` pairs of our own notes; nothing from anybody else's prose."""
    pairs = [part.partition("=") for part in notes.split("; ")]
    if not pairs or any(not sign or not name.isidentifier() for name, sign, _ in pairs):
        return {}
    return {name: value for name, _, value in pairs}


def _records(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """A short text that every database holds."""
    if value is None or isinstance(value, dict | list):
        return ""
    text = repr(value) if isinstance(value, float) else str(value)
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:_TEXT]
