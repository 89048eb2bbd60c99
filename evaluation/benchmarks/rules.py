"""What a declaration must hold beyond its fields' types before it may be registered: roles, metrics, prompts, forms.

`definition.parse` reads whatever was registered once; these rules are asked of what is registered now, and each
refusal is a sentence for whoever wrote the declaration.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from evaluation.benchmarks.definition import BadDefinition, Benchmark

# What each scorer reads of an item. A declaration may call a role otherwise: `scorer_args.<role>` names it.
ROLES: dict[str, tuple[str, ...]] = {
    "language_modelling": ("text",),
    "pseudo_language_modelling": ("text",),
    "conditional_language_modelling": ("source", "target"),
    "minimal_pairs": ("good", "bad"),
    "pseudo_minimal_pairs": ("good", "bad"),
    "classification": ("text", "label"),
    "probe_classification": ("text", "label"),
    "multiple_choice": ("context", "choices", "gold"),
    "partial_evaluation": ("contexts", "continuation", "gold"),
    "next_turn": ("context", "choices", "gold"),
    "last_word": ("context", "continuation"),
    "tagging": ("tokens", "tags"),
    "span_answers": ("question", "context", "answers"),
    "generated_answers": ("answers",),
    "translation": ("source", "target"),
    "summaries": ("source", "references"),
    "similarity": ("first", "second", "score"),
    "speech": ("clip", "text"),
    "programs": (),
}
_PROGRAM_ROLES = {"completion": ("prompt", "test", "entry_point"), "tests": ("tests",)}
METRICS: dict[str, frozenset[str]] = {
    "language_modelling": frozenset(
        "bits_per_byte bits_per_character byte_perplexity token_perplexity word_perplexity".split()
    ),
    "pseudo_language_modelling": frozenset({"pppl"}),
    "conditional_language_modelling": frozenset({"cond_ppl", "cond_bits_per_byte"}),
    "minimal_pairs": frozenset({"accuracy"}),
    "pseudo_minimal_pairs": frozenset({"accuracy"}),
    "classification": frozenset({"accuracy", "macro_f1", "f1"}),
    "probe_classification": frozenset({"accuracy", "macro_f1", "f1"}),
    "multiple_choice": frozenset({"accuracy", "accuracy_normalised"}),
    "partial_evaluation": frozenset({"accuracy"}),
    "next_turn": frozenset({"recall_at_1", "recall_at_2", "mrr"}),
    "last_word": frozenset({"accuracy", "target_perplexity"}),
    "tagging": frozenset({"f1"}),
    "span_answers": frozenset({"f1", "exact_match", "f1_cmrc"}),
    "generated_answers": frozenset({"f1", "exact_match", "f1_cmrc"}),
    "translation": frozenset({"bleu", "chrf"}),
    "summaries": frozenset({"rouge1", "rouge2", "rouge_l"}),
    "similarity": frozenset({"spearman", "pearson"}),
    "speech": frozenset({"accuracy", "wer", "cer"}),
    "programs": frozenset({"pass_at_1"}),
}
_LOWER_IS_BETTER = frozenset(
    """bits_per_byte bits_per_character byte_perplexity token_perplexity word_perplexity pppl cond_ppl
    cond_bits_per_byte target_perplexity wer cer""".split()
)
# Where the prompt is the declaration's own and not an item's.
_NEEDS_TEMPLATE = frozenset({"generated_answers"})
# What a template may never show, by scorer: it is the answer.
_ANSWERS = {"generated_answers": "answers"}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def check(benchmark: Benchmark) -> None:
    """Refuse what would only fail once a model is measured.

    Raises:
        BadDefinition: the text begins with the field.
    """
    for role, column in benchmark.fields.items():
        _check_column(role, column, depth=0)
    _check_reader(benchmark)
    _check_roles(benchmark)
    _check_metric(benchmark)
    _check_prompt(benchmark)


def _check_column(role: str, column: Any, *, depth: int) -> None:
    """A name, a number, or one of the forms that `readers` knows."""
    if depth > 2:
        raise BadDefinition(f"fields: {role} is nested too deeply")
    if isinstance(column, list) and column:
        parts = column
    elif isinstance(column, dict) and column.keys() == {"join", "by"} and isinstance(column["join"], list):
        parts = column["join"]
    elif isinstance(column, dict) and column.keys() == {"list"} and isinstance(column["list"], list):
        parts = column["list"]
    elif isinstance(column, dict) and column.keys() == {"column", "index_in"} and isinstance(column["index_in"], list):
        parts = [column["column"]]
    elif isinstance(column, (str, int)) and not isinstance(column, bool):
        return
    else:
        raise BadDefinition(f"fields: {role} is neither a column nor a known form")
    for part in parts:
        _check_column(role, part, depth=depth + 1)


def _check_reader(benchmark: Benchmark) -> None:
    arguments = benchmark.reader_args
    if (where := arguments.get("where")) is not None:
        good = isinstance(where, dict) and {"column", "from", "to"} == where.keys()
        if not good or type(where["from"]) is not int or type(where["to"]) is not int:
            raise BadDefinition("reader_args: where needs a column, and whole numbers from and to")
    if (rows := arguments.get("rows")) is not None:
        good = isinstance(rows, dict) and isinstance(rows.get("path"), str) and isinstance(rows.get("key"), str)
        if not good:
            raise BadDefinition("reader_args: rows needs a path and a key")
    for name in ("token", "tag", "drop_last", "piece"):
        if name in arguments and type(arguments[name]) is not int:
            raise BadDefinition(f"reader_args: {name} needs a whole number")
    columns = arguments.get("columns")
    if benchmark.reader == "parallel_text" and not (isinstance(columns, dict) and len(columns) >= 2):
        raise BadDefinition("reader_args: columns needs a column for the end of each file's path, two at least")


def _check_roles(benchmark: Benchmark) -> None:
    wanted = ROLES[benchmark.scorer]
    if benchmark.scorer == "programs":
        style = benchmark.scorer_args.get("style", "completion")
        if style not in _PROGRAM_ROLES:
            raise BadDefinition(f"scorer_args: style is none of {', '.join(_PROGRAM_ROLES)}")
        wanted = _PROGRAM_ROLES[style]
    if "group" in benchmark.scorer_args:
        wanted = (*wanted, "group")
    for role in wanted:
        name = benchmark.scorer_args.get(role, role)
        if name not in benchmark.fields:
            raise BadDefinition(f"fields: the scorer {benchmark.scorer} needs the role {name!r}")


def _check_metric(benchmark: Benchmark) -> None:
    metrics = METRICS[benchmark.scorer]
    if benchmark.main_metric not in metrics:
        raise BadDefinition(
            f"main_metric: {benchmark.main_metric[:60]!r} is none of {', '.join(sorted(metrics))}, "
            f"which the scorer {benchmark.scorer} gives"
        )
    if benchmark.higher_is_better == (benchmark.main_metric in _LOWER_IS_BETTER):
        raise BadDefinition(f"higher_is_better: {benchmark.main_metric} is better the other way round")
    positive = benchmark.scorer_args.get("positive")
    if positive is not None and positive not in benchmark.labels:
        raise BadDefinition("scorer_args: positive is none of the labels")
    if benchmark.main_metric == "f1" and "classification" in benchmark.scorer and positive is None:
        raise BadDefinition("scorer_args: an F1 of one class needs to know which is positive")
    if benchmark.scorer == "tagging" and not benchmark.labels:
        raise BadDefinition("labels: a tagging set needs its entity types")


def _check_prompt(benchmark: Benchmark) -> None:
    prompt = benchmark.prompt
    needs = benchmark.scorer in _NEEDS_TEMPLATE or benchmark.scorer_args.get("style") == "tests"
    if prompt is None:
        if needs:
            raise BadDefinition("prompt: this scorer needs a template")
        return
    template = prompt.get("template")
    if not isinstance(template, str) or not 0 < len(template) <= 20_000:
        raise BadDefinition("prompt: needs a template")
    if prompt.get("sha256") != hashlib.sha256(template.encode()).hexdigest():
        raise BadDefinition("prompt: sha256 is not that of the template")
    answer = benchmark.scorer_args.get(_ANSWERS.get(benchmark.scorer, ""), _ANSWERS.get(benchmark.scorer))
    for name in _PLACEHOLDER.findall(template):
        if name not in benchmark.fields:
            raise BadDefinition(f"prompt: {{{name}}} is none of the fields")
        if name == answer:
            raise BadDefinition(f"prompt: {{{name}}} would show the model the answer")
