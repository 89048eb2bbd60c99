"""Smaller tiers of a set, chosen by hash and never by "the first n", so that each contains the smaller one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Item


class Tier(StrEnum):
    """How much of a set is measured. A result says its tier and is never shown under a larger one's name."""

    QUICK = "quick"
    STANDARD = "standard"


# Quick tiers by scorer: items per group for pairs, items in all for the others.
_QUICK_ITEMS = {
    "minimal_pairs": 10,
    "language_modelling": 12,
    "multiple_choice": 200,
    "partial_evaluation": 200,
    "last_word": 200,
    "classification": 200,
    "probe_classification": 200,
}


def select(benchmark: Benchmark, items: Sequence[Item], tier: Tier) -> tuple[Item, ...]:
    """The items of a tier, sorted by id."""
    if tier is Tier.STANDARD:
        return tuple(items)
    group = benchmark.scorer_args.get("group")
    kept: list[Item] = []
    for members in _grouped(items, group).values():
        ranked = sorted(members, key=lambda item: rank(benchmark, item))
        kept += ranked[: _QUICK_ITEMS[benchmark.scorer]]
    return tuple(sorted(kept, key=lambda item: item.id))


def rank(benchmark: Benchmark, item: Item) -> str:
    """The hash by which items are ranked: sha256 of `set:id`, unless the set declares another key."""
    key = str(benchmark.scorer_args.get("subset_key", "{set}:{id}"))
    text = key.replace("{set}", benchmark.id).replace("{id}", item.id)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _grouped(items: Sequence[Item], group: str | None) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(str(item[group]) if group else "", []).append(item)
    return groups
