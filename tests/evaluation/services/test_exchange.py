"""Claims are read from what is pushed and kept apart; results are proposed for a card by a pull request."""

import json

import pytest

from evaluation.exceptions import NotMeasured
from evaluation.models import Claim, Evaluation, Score, Step
from evaluation.services import exchange
from models_registry.services.pull_requests import merge_pull_request
from tests.factories.accounts import UserFactory
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db

CARD = """---
license: mit
model-index:
- name: tiny
  results:
  - task: {type: text-classification}
    dataset: {type: glue, name: SST-2, split: validation}
    metrics:
    - {type: accuracy, value: 91.3}
---
# Tiny
"""
RESULTS = "- dataset: {id: a/b, task_id: t}\n  value: 0.5\n"


@pytest.fixture
def measured() -> Evaluation:
    benchmark("pairs")
    evaluation = evaluation_of(RepositoryFactory(), README_md="---\nlicense: mit\n---\n# Tiny\n")
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK))
    return Evaluation.objects.with_runs(None).get(pk=evaluation.pk)


def test_what_is_pushed_claims_and_is_measured_by_nobody(client):
    repository = RepositoryFactory()
    commit = put(repository, {"README.md": CARD, ".eval_results/b.yaml": RESULTS, "config.json": "{}"})

    of_card, of_file = Claim.objects.filter(commit=commit)
    answer = client.get(f"/api/v1/models/{repository.full_name}/claims/main").json()
    html = client.get(f"/{repository.full_name}/evaluations/main").content.decode()

    assert (of_card.value, of_card.scale, of_card.dataset_name) == (91.3, "percent", "SST-2")
    assert (of_file.value, of_file.source) == (0.5, ".eval_results/b.yaml")
    assert [row["origin"] for row in answer["claims"]] == ["imported", "imported"]
    assert not any(row["verified"] for row in answer["claims"])
    assert not Score.objects.exists()
    assert "SST-2" in html
    assert "not measured here" in html


def test_files_that_cannot_be_read_claim_nothing():
    bad = {".eval_results/a.yaml": "{", ".eval_results/b.yaml": "&a [*a]", ".eval_results/c.yaml": "- 1\n- [x]\n"}

    commit = put(RepositoryFactory(), bad | {"config.json": "{}"})

    assert not Claim.objects.filter(commit=commit).exists()


def test_results_go_out_in_both_forms(client, measured):
    at = f"/api/v1/models/{measured.repository.full_name}"
    commit = measured.commit.oid

    index = client.get(f"{at}/model-index/{commit}").content.decode()
    files = client.get(f"{at}/eval-results/{commit}").json()["files"]

    assert "type: accuracy" in index
    assert measured.runs.get(benchmark__key="pairs").receipt.sha256 in index
    assert list(files) == [".eval_results/pairs.yaml"]


def test_results_are_proposed_for_the_card_and_come_back_as_the_same_values(client, measured):
    repository, user = measured.repository, measured.repository.creator
    client.force_login(user)

    answer = client.post(f"/{repository.full_name}/evaluations/main/propose")

    assert answer["Location"].endswith("/discussions/1")
    pull_request = repository.discussions.get()
    merge_pull_request(discussion=pull_request, user=user)
    repository.refresh_from_db()
    claims = Claim.objects.filter(commit__oid=repository.head)
    assert {(claim.value, claim.scale, claim.metric) for claim in claims} == {(0.75, "fraction", "accuracy")}
    assert {claim.source for claim in claims} == {"model-index", ".eval_results/pairs.yaml"}
    assert repository.card["license"] == "mit"
    assert json.dumps(repository.card).count('"model-index"') == 1


def test_nothing_is_proposed_where_nothing_is_scored(client):
    evaluation = Evaluation.objects.with_runs(None).get(pk=evaluation_of().pk)
    user = UserFactory()
    client.force_login(user)

    answer = client.post(f"/{evaluation.repository.full_name}/evaluations/main/propose")

    assert "/evaluations/" in answer["Location"]
    with pytest.raises(NotMeasured):
        exchange.propose(evaluation=evaluation, user=user)
