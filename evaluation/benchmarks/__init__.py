"""Benchmarks as data: a declaration, its files, its items. Pure: no network, no database."""

from __future__ import annotations

from evaluation.benchmarks.definition import BadDefinition, Benchmark, parse, probe_variant, variants
from evaluation.benchmarks.fit import Applicability, applies
from evaluation.benchmarks.readers import BadData, Dataset, Item, load
from evaluation.benchmarks.tiers import Tier, select

__all__ = [
    "Applicability",
    "BadData",
    "BadDefinition",
    "Benchmark",
    "Dataset",
    "Item",
    "Tier",
    "applies",
    "load",
    "parse",
    "probe_variant",
    "select",
    "variants",
]
