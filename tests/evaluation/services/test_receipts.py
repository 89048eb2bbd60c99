"""What a receipt says beyond its numbers."""

import pytest

from evaluation.models import Step
from evaluation.services.receipts import code, identity_of, parent_of
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_it_names_the_receipt_of_the_version_before_by_the_same_benchmark():
    benchmark("pairs")
    repository = RepositoryFactory()
    first = evaluation_of(repository, config_json="{}")
    passed_up_to(first, Step.COST)
    passed(run_of(first, Step.BENCHMARK))
    second = evaluation_of(repository, config_json='{"a": 1}')

    before = run_of(first, Step.BENCHMARK)

    assert parent_of(before) is None
    assert parent_of(run_of(second, Step.BENCHMARK)) == {
        "receipt": before.receipt.sha256,
        "commit": first.commit.oid,
    }


def test_it_names_the_format_that_was_found_in_the_files():
    benchmark("pairs")
    evaluation = evaluation_of(config_json="{}")
    passed(run_of(evaluation, Step.SCAN))
    passed(run_of(evaluation, Step.INSPECT), result={"format": "gguf"})

    assert identity_of(run_of(evaluation, Step.BENCHMARK)).format == "gguf"


def test_it_says_which_code_measured():
    found = code()

    assert len(found.sha256) == 64
    assert (len(found.commit), found.is_dirty in (True, False)) in {(40, True), (0, False)}
