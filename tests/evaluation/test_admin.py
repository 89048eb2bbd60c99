"""Operators look at what was measured; nobody edits it by hand."""

import pytest
from django.urls import reverse

from evaluation.models import Receipt, Step
from tests.factories.accounts import UserFactory
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["benchmark", "evaluation", "run", "receipt"])
def test_lists_and_rows_can_be_read_and_not_changed(client, name):
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    run = run_of(evaluation, Step.BENCHMARK)
    passed(run)
    rows = {
        "benchmark": run.benchmark_id,
        "evaluation": evaluation.pk,
        "run": run.pk,
        "receipt": Receipt.objects.get().pk,
    }
    client.force_login(UserFactory(is_admin=True))

    assert client.get(reverse(f"admin:evaluation_{name}_changelist")).status_code == 200
    page = reverse(f"admin:evaluation_{name}_change", args=[rows[name]])
    assert client.get(page).status_code == 200
    assert client.post(page, {}).status_code == 403
    assert client.get(reverse(f"admin:evaluation_{name}_add")).status_code == 403
