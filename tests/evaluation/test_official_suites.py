"""Suites name benchmarks that there are, and no benchmark that everybody gets is in none."""

from pathlib import Path

from evaluation.benchmarks import external
from evaluation.official_suites import SUITES

CORE = {folder.name for folder in (Path(external.__file__).parents[2] / "suites" / "core").iterdir() if folder.is_dir()}
DECLARED = {file.stem for file in Path(external.__file__).parent.glob("*.json")}


def test_every_benchmark_of_a_suite_exists() -> None:
    named = {name for suite in SUITES.values() for name in suite.benchmarks}

    assert named <= CORE | DECLARED


def test_every_benchmark_that_the_product_brings_or_can_import_is_in_the_suite_of_a_task() -> None:
    named = {name for suite in SUITES.values() if not suite.is_domain for name in suite.benchmarks}

    # The whole of BLiMP takes hours, and the two splits of SST-2 are one task.
    assert (CORE | DECLARED) - named <= {"blimp_full", "sst2_test"}


def test_a_domain_counts_every_core_set_whose_items_name_their_domain() -> None:
    for suite in SUITES.values():
        if suite.is_domain:
            assert {"core-translation-en-zh", "core-translation-zh-en", "core-tags-en"} <= set(suite.benchmarks)
