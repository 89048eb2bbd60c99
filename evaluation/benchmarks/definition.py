"""A benchmark is data: one declaration in JSON, checked once, frozen afterwards. The runner has scorers, not sets."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

READERS = frozenset("jsonl csv tsv labelled_lines articles characters conll squad parallel_text wav_manifest".split())
SCORERS = frozenset(
    """language_modelling pseudo_language_modelling conditional_language_modelling minimal_pairs pseudo_minimal_pairs
    classification probe_classification multiple_choice partial_evaluation next_turn last_word tagging span_answers
    generated_answers translation summaries similarity speech programs""".split()
)
CAPABILITIES = frozenset(
    """log_likelihood pseudo_log_likelihood conditional_log_likelihood generate translate summarize classify tag answer
    embed transcribe tokenize""".split()
)
# The interface names of other hubs' declarations, and what our runtimes call the same thing.
_CAPABILITY_ALIASES = {
    "causal_lm.loglikelihood": "log_likelihood",
    "causal_lm.generate": "generate",
    "masked_lm.pseudo_loglikelihood": "pseudo_log_likelihood",
    "ngram.logprob": "log_likelihood",
    "seq_classification": "classify",
    "token_classification": "tag",
    "qa_span": "answer",
    "asr": "transcribe",
}
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,79}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SEED = 20
# Why a set has no measured baselines.
NO_SENSE = "none: the data could not be made sense of"
NO_TRAIN = "none: the set has no training split"
NO_KIND = "none: no baseline of a kind that is known here fits the task"


class BadDefinition(ValueError):
    """The declaration breaks a rule; the text names the field."""


@dataclass(frozen=True)
class DataFile:
    """One pinned file of the set. `split` is declared, or told from the file's name."""

    path: str
    sha256: str
    size_bytes: int
    split: str


@dataclass(frozen=True)
class Scale:
    """The fixed axis on which pages draw the score."""

    low: float
    high: float
    kind: str


@dataclass(frozen=True)
class Baseline:
    """What a model without knowledge reaches, by name."""

    name: str
    value: float


@dataclass(frozen=True)
class Budget:
    """Limits of one measurement."""

    seconds: float
    mib: int
    tokens: int


@dataclass(frozen=True)
class Benchmark:
    """A checked declaration. `declared` is the JSON it was made from; its hash pins everything."""

    id: str
    version: int
    title: str
    task: str
    language: tuple[str, ...]
    files: tuple[DataFile, ...]
    reader: str
    reader_args: Mapping[str, Any]
    fields: Mapping[str, Any]
    labels: tuple[str, ...]
    split: str
    subset_rule: str
    scorer: str
    scorer_args: Mapping[str, Any]
    main_metric: str
    higher_is_better: bool
    unit: str
    scale: Scale
    chance: float | None
    baseline: Baseline | None
    licence: str
    redistributable: bool
    requires: frozenset[str]
    limits: Budget
    prompt: Mapping[str, Any] | None
    declared: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def seed(self) -> int:
        """The seed of every draw in scoring this set."""
        return int(self.scorer_args.get("seed", _SEED))

    @property
    def prompt_sha256(self) -> str | None:
        """SHA-256 of the template that texts are put into before a model sees them; None where there is none."""
        template = (self.prompt or {}).get("template", self.scorer_args.get("context_template"))
        return hashlib.sha256(template.encode()).hexdigest() if isinstance(template, str) else None

    def files_of(self, split: str) -> tuple[DataFile, ...]:
        return tuple(file for file in self.files if file.split == split)

    def needs(self, path: str) -> bool:
        """Whether a file of the data set takes part: a declared one, or a clip that a declared list pins."""
        clips = self.reader_args.get("clips")
        return any(file.path == path for file in self.files) or (isinstance(clips, str) and path.startswith(clips))

    def fill(self, values: Mapping[str, Any]) -> str:
        """The prompt's template with an item's roles in it, in one pass: braces inside a text mean nothing."""
        template = str((self.prompt or {}).get("template", ""))
        return _PLACEHOLDER.sub(lambda match: _as_text(values[match[1]]) if match[1] in values else match[0], template)


def parse(declared: Mapping[str, Any]) -> Benchmark:
    """Check a declaration, wherever it came from.

    Raises:
        BadDefinition: a field is missing, has the wrong type, or contradicts another.
    """
    benchmark = Benchmark(
        id=_matching(declared, "id", _ID),
        version=_integer(declared, "version", low=1),
        title=_text(declared, "title"),
        task=_text(declared, "task"),
        language=_texts(declared, "language"),
        files=_files(declared),
        reader=_choice(declared, "reader", READERS),
        reader_args=_record(declared, "reader_args", optional=True),
        fields=_record(declared, "fields"),
        labels=_texts(declared, "labels", may_be_empty=True),
        split=_text(declared, "split"),
        subset_rule=_text(declared, "subset_rule"),
        scorer=_choice(declared, "scorer", SCORERS),
        scorer_args=_record(declared, "scorer_args", optional=True),
        main_metric=_text(declared, "main_metric"),
        higher_is_better=_boolean(declared, "higher_is_better"),
        unit=_field(declared, "unit", lambda value: isinstance(value, str) and len(value) <= 40, "a short text"),
        scale=_scale(declared),
        chance=_optional_number(declared, "chance"),
        baseline=_baseline(declared),
        licence=_text(declared, "licence"),
        redistributable=_boolean(declared, "redistributable"),
        requires=_requires(declared),
        limits=_limits(declared),
        prompt=_record(declared, "prompt", optional=True) or None,
        declared=dict(declared),
    )
    _check_whole(benchmark)
    return benchmark


def probe_variant(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declaration that measures sentence encoders on a classification set: a regression on their frozen vectors.

    It has an id, and so scores, of its own: a probe is never mixed with a classifier's own head.
    """
    return {
        **declared,
        "id": f"{declared['id']}-probe",
        "title": f"{declared['title']}, probe",
        "task": "sentence-similarity",
        "scorer": "probe_classification",
        "requires": ["embed"],
    }


def pseudo_variant(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declaration that measures masked models on sentence pairs, by pseudo-log-likelihood. Scores of its own."""
    return {
        **declared,
        "id": f"{declared['id']}-pll",
        "title": f"{declared['title']}, masked models",
        "task": "fill-mask",
        "scorer": "pseudo_minimal_pairs",
        "requires": ["pseudo_log_likelihood"],
    }


def variants(declared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A declaration and what else its data can measure: sentence encoders by a probe, where there is a train split,
    and masked models on sentence pairs.

    Raises:
        BadDefinition: see `parse`.
    """
    benchmark = parse(declared)
    found = [dict(declared)]
    if benchmark.scorer == "classification" and benchmark.files_of(train_split(benchmark)):
        found.append(probe_variant(declared))
    if benchmark.scorer == "minimal_pairs":
        found.append(pseudo_variant(declared))
    return found


def _as_text(value: Any) -> str:
    """Several texts stand on lines of their own."""
    return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


# What a declaration may choose of how texts are scored: the token before a text, and the windows of a long one.
_CHOICES = {"prefix": ("document_separator", "harness"), "windows": ("blocks", "rolling")}


def _check_whole(benchmark: Benchmark) -> None:
    """Rules that join several fields."""
    for name, allowed in _CHOICES.items():
        if benchmark.scorer_args.get(name, allowed[0]) not in allowed:
            raise BadDefinition(f"scorer_args: {name} is one of {', '.join(allowed)}")
    if not benchmark.files_of(benchmark.split):
        raise BadDefinition(f"files: none belongs to the split {benchmark.split!r}")
    if "classification" in benchmark.scorer and len(set(benchmark.labels)) < 2:
        raise BadDefinition("labels: a classification set needs two different ones")
    if len(set(benchmark.labels)) != len(benchmark.labels):
        raise BadDefinition("labels: one comes twice")
    if benchmark.scorer == "probe_classification" and not has_train(benchmark):
        raise BadDefinition("files: a probe needs a train split")
    if len({file.path for file in benchmark.files}) != len(benchmark.files):
        raise BadDefinition("files: a path comes twice")


def train_split(benchmark: Benchmark) -> str:
    """The split that a probe learns from."""
    return str(benchmark.scorer_args.get("train_split", "train"))


def has_train(benchmark: Benchmark) -> bool:
    """Whether there is a training split beside the scored one."""
    split = train_split(benchmark)
    return split != benchmark.split and ("rows" in benchmark.reader_args or bool(benchmark.files_of(split)))


def _files(declared: Mapping[str, Any]) -> tuple[DataFile, ...]:
    rows = declared.get("files")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 100:
        raise BadDefinition("files: needs a list of 1 to 100 files")
    return tuple(_file(row, default_split=_text(declared, "split")) for row in rows)


def _file(row: Any, *, default_split: str) -> DataFile:
    if not isinstance(row, dict):
        raise BadDefinition("files: each must be an object")
    path = PurePosixPath(_text(row, "path"))
    if path.is_absolute() or ".." in path.parts or "\\" in str(path):
        raise BadDefinition(f"files: {path} is not a plain relative path")
    return DataFile(
        path=str(path),
        sha256=_matching(row, "sha256", _SHA256),
        size_bytes=_integer(row, "bytes", low=0),
        split=row["split"] if isinstance(row.get("split"), str) else _split_of(path, default_split),
    )


def _split_of(path: PurePosixPath, default: str) -> str:
    """The split that a file's name tells: data/test.jsonl is `test`; any other name belongs to the scored split."""
    stem = path.name.split(".")[0].split("-")[0]
    return stem if stem in ("train", "test", "validation", "valid", "dev") else default


def _scale(declared: Mapping[str, Any]) -> Scale:
    row = _record(declared, "scale")
    low, high = _number(row, "low"), _number(row, "high")
    kind = _choice(row, "kind", frozenset({"linear", "log"}))
    if low >= high or (kind == "log" and low <= 0):
        raise BadDefinition("scale: low must be under high, and over 0 where it is logarithmic")
    return Scale(low, high, kind)


def _baseline(declared: Mapping[str, Any]) -> Baseline | None:
    row = _record(declared, "baseline", optional=True)
    return Baseline(_text(row, "name"), _number(row, "value")) if row else None


def _limits(declared: Mapping[str, Any]) -> Budget:
    row = _record(declared, "limits")
    return Budget(_number(row, "seconds"), _integer(row, "mib", low=1), _integer(row, "tokens", low=1))


def _requires(declared: Mapping[str, Any]) -> frozenset[str]:
    wanted = {_CAPABILITY_ALIASES.get(name, name) for name in _texts(declared, "requires")}
    if not wanted <= CAPABILITIES:
        raise BadDefinition(f"requires: {', '.join(sorted(wanted - CAPABILITIES))} is no capability")
    return frozenset(wanted)


def _field(declared: Mapping[str, Any], name: str, right: Callable[[Any], bool], what: str) -> Any:
    value = declared.get(name)
    if not right(value):
        raise BadDefinition(f"{name}: needs {what}")
    return value


def _text(declared: Mapping[str, Any], name: str) -> str:
    found: str = _field(declared, name, lambda value: isinstance(value, str) and 0 < len(value) <= 2000, "a text")
    return found


def _matching(declared: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    text = _text(declared, name)
    if not pattern.fullmatch(text):
        raise BadDefinition(f"{name}: {text[:80]!r} does not have the right form")
    return text


def _choice(declared: Mapping[str, Any], name: str, allowed: frozenset[str]) -> str:
    text = _text(declared, name)
    if text not in allowed:
        raise BadDefinition(f"{name}: {text[:80]!r} is none of {', '.join(sorted(allowed))}")
    return text


def _texts(declared: Mapping[str, Any], name: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
    def right(value: Any) -> bool:
        return (
            isinstance(value, list) and all(isinstance(item, str) for item in value) and (may_be_empty or bool(value))
        )

    return tuple(_field(declared, name, right, "a list of texts"))


def _integer(declared: Mapping[str, Any], name: str, *, low: int) -> int:
    found: int = _field(declared, name, lambda value: type(value) is int and value >= low, f"an integer from {low}")
    return found


def _number(declared: Mapping[str, Any], name: str) -> float:
    def right(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

    return float(_field(declared, name, right, "a number"))


def _optional_number(declared: Mapping[str, Any], name: str) -> float | None:
    return None if declared.get(name) is None else _number(declared, name)


def _boolean(declared: Mapping[str, Any], name: str) -> bool:
    found: bool = _field(declared, name, lambda value: isinstance(value, bool), "true or false")
    return found


def _record(declared: Mapping[str, Any], name: str, *, optional: bool = False) -> dict[str, Any]:
    if optional and declared.get(name) is None:
        return {}
    found: dict[str, Any] = _field(declared, name, lambda value: isinstance(value, dict), "an object")
    return found
