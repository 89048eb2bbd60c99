"""Smaller tiers of a set, chosen by hash and never by "the first n", so that each contains the smaller one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Item


class Tier(StrEnum):
    """How much of a set is measured. A result says its tier and is never shown under a larger one's name."""

    SMOKE = "smoke"
    QUICK = "quick"
    STANDARD = "standard"


# Quick tiers by scorer: items per group for pairs, items in all for the others.
_QUICK_ITEMS = {
    "minimal_pairs": 10,
    "pseudo_minimal_pairs": 10,
    "language_modelling": 12,
    "pseudo_language_modelling": 4,
    "translation": 100,
    "conditional_language_modelling": 100,
    "summaries": 50,
    "programs": 40,
    "speech": 50,
    "similarity": 400,
}
_OTHER_ITEMS = 200
_SMOKE_SHARE = 5  # A smoke tier is the fifth part of the quick one.


def select(benchmark: Benchmark, items: Sequence[Item], tier: Tier) -> tuple[Item, ...]:
    """The items of a tier, sorted by id."""
    if tier is Tier.STANDARD:
        return tuple(items)
    group = benchmark.scorer_args.get("group")
    kept: list[Item] = []
    number = _QUICK_ITEMS.get(benchmark.scorer, _OTHER_ITEMS)
    if tier is Tier.SMOKE:
        number = max(1, number // _SMOKE_SHARE)
    for members in _grouped(items, group).values():
        ranked = sorted(members, key=lambda item: rank(benchmark, item))
        kept += ranked[:number]
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
