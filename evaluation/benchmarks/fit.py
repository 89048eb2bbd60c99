"""Whether a benchmark can be run on a model at all. "Not applicable" is a reason, not a zero."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from evaluation.benchmarks import labels
from evaluation.benchmarks.definition import Benchmark

_NEEDS = {
    "log_likelihood": "gives probabilities to texts",
    "pseudo_log_likelihood": "fills gaps in texts",
    "conditional_log_likelihood": "gives probabilities to texts that follow from others",
    "generate": "continues texts",
    "translate": "translates",
    "summarize": "summarises",
    "tag": "labels words",
    "answer": "finds answers in texts",
    "transcribe": "writes down speech",
    "classify": "labels texts",
    "embed": "turns texts into vectors",
    "tokenize": "shows its tokens",
}


# Scorers under which a model's own labels must say what the set's say.
_MATCHES = {"classification": labels.match, "tagging": labels.match_types}


@dataclass(frozen=True)
class Applicability:
    """`reason` is a sentence for people, empty when the benchmark applies."""

    state: Literal["applies", "not_applicable"]
    reason: str = ""

    @property
    def applies(self) -> bool:
        return self.state == "applies"


def applies(benchmark: Benchmark, capabilities: Collection[str], model_labels: Sequence[str] | None) -> Applicability:
    """Compare what a set asks for with what a model can do.

    Args:
        capabilities: those that the runtime told after loading.
        model_labels: a classifier's labels in its own order, or None.
    """
    missing = sorted(benchmark.requires - set(capabilities))
    if missing:
        needed = " and ".join(_NEEDS[name] for name in missing)
        return Applicability("not_applicable", f"It needs a model that {needed}.")
    match = _MATCHES.get(benchmark.scorer)
    if match is not None:
        try:
            match(model_labels or (), benchmark.labels, benchmark.scorer_args.get("label_synonyms"))
        except labels.LabelsDiffer as error:
            return Applicability("not_applicable", f"The labels do not match: {error}")
    return Applicability("applies")
