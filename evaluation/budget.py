"""How much of a set a model can be asked in the time there is, by the speed that the cost step measured. Pure.

An estimate, and rough on purpose: it shall tell minutes from hours. What it cannot tell is measured whole, and ends as
timed out if that was wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.benchmarks import Benchmark, Dataset, Item, Tier, select

# A token has about so many bytes where the vocabulary is of pieces of words; of few tokens, each is a byte or a letter.
BYTES_PER_TOKEN, FEW_TOKENS = 3.0, 1024
ANSWER_BYTES = 60.0  # The texts that answers were timed with; longer ones take longer in proportion.
NEW_TOKENS = 64
SMALLER = (Tier.QUICK, Tier.SMOKE)
_READS = frozenset({"log_likelihood", "conditional_log_likelihood"})
_NOT_ASKED = frozenset({"id", "label", "gold", "slice", "tags", "group"})


@dataclass(frozen=True)
class Choice:
    """The tier to measure. `estimate_s` is what the whole set would take; None where that cannot be told."""

    tier: Tier
    items: int
    of: int
    budget_s: float
    estimate_s: float | None = None

    @property
    def is_whole(self) -> bool:
        return self.tier is Tier.STANDARD

    def as_json(self) -> dict[str, Any]:
        """The reason for the tier, as the receipt has it."""
        return asdict(self) | {"tier": str(self.tier)}


def choose(
    benchmark: Benchmark, dataset: Dataset, *, cost: Mapping[str, Any], vocabulary: int | None, budget_s: float
) -> Choice:
    """The largest tier whose estimate is within the budget, else the smallest.

    Args:
        cost: the result of the model's cost step; {} where it has none.
        vocabulary: how many tokens the model knows.
        budget_s: what a run may take here; the set's own limit holds as well.
    """
    budget_s = min(budget_s, benchmark.limits.seconds)
    whole = len(dataset.items)
    estimate = seconds(benchmark, dataset.items, cost=cost, vocabulary=vocabulary)
    if estimate is None or estimate <= budget_s:
        return Choice(Tier.STANDARD, whole, whole, budget_s, estimate)
    chosen = Choice(Tier.STANDARD, whole, whole, budget_s, round(estimate, 1))
    for tier in SMALLER:
        part = select(benchmark, dataset.items, tier)
        if len(part) < chosen.items:
            chosen = Choice(tier, len(part), whole, budget_s, round(estimate, 1))
        took = seconds(benchmark, part, cost=cost, vocabulary=vocabulary)
        if took is not None and took <= budget_s:
            break
    return chosen


def seconds(
    benchmark: Benchmark, items: Sequence[Item], *, cost: Mapping[str, Any], vocabulary: int | None
) -> float | None:
    """About how long these items take; None where nothing was timed that tells."""
    sizes = [_bytes(item.values.items()) for item in items]
    details = cost.get("details") or {}
    if benchmark.requires & {"generate"} and benchmark.scorer in ("generated_answers", "programs"):
        rate = cost.get("tokens_per_s")
        new = int(benchmark.scorer_args.get("max_new_tokens", NEW_TOKENS))
        return len(items) * new / rate if rate else None
    if benchmark.requires & _READS and cost.get("first_token_s") is not None:
        rate = details.get("batch_throughput") or cost.get("prefill_tokens_per_s")
        per_token = BYTES_PER_TOKEN if vocabulary is None or vocabulary > FEW_TOKENS else 1.0
        return sum(sizes) / per_token / rate if rate else None
    rate = cost.get("answers_per_s")
    if not rate:
        return None
    power = 2 if "pseudo_log_likelihood" in benchmark.requires else 1  # One token hidden at a time.
    return sum(max(1.0, size / ANSWER_BYTES) ** power for size in sizes) / float(rate)


def _bytes(values: Iterable[tuple[str, Any]]) -> int:
    """UTF-8 bytes of all texts that an item's question has."""
    total = 0
    for role, value in values:
        if role in _NOT_ASKED:
            continue
        texts = value if isinstance(value, list | tuple) else [value]
        total += sum(len(text.encode()) for text in texts if isinstance(text, str))
    return total
