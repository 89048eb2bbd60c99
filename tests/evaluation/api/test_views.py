"""The JSON API answers by the contract, to those who may see."""

import hashlib
import json

import pytest

from accounts.models import Scope
from evaluation.models import Receipt, State, Step
from evaluation.services import items
from models_registry.models import ScanVerdict
from models_registry.services.refs import create_tag
from tests.factories.accounts import UserFactory, bearer
from tests.factories.evaluation import ScanNews, benchmark, evaluation_of, passed, passed_up_to, run_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

COST = {
    "parameters": 10,
    "bytes": 40,
    "load_s": 0.1,
    "first_token_s": 0.01,
    "tokens_per_s": 900.0,
    "peak_rss_bytes": 1_000_000,
    "machine": "test",
}


@pytest.fixture
def measured():
    benchmark("pairs")
    benchmark("topics", requires=["classify"])
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.SMOKE)
    passed(run_of(evaluation, Step.COST), result=COST | {"batch_throughput": 5.0})
    passed(run_of(evaluation, Step.BENCHMARK, "pairs"))
    return evaluation


def address(evaluation, revision):
    return f"/api/v1/models/{evaluation.repository.full_name}/evaluations/{revision}"


def test_a_measured_commit_is_answered_by_the_contract(client, measured):
    answer = client.get(address(measured, measured.commit.oid)).json()

    assert answer["repository"] == measured.repository.full_name
    assert answer["commit"] == measured.commit.oid
    assert answer["state"] == "done"
    assert [(step["step"], step["state"]) for step in answer["steps"]] == [
        ("scan", "passed"),
        ("inspect", "passed"),
        ("smoke", "passed"),
        ("cost", "passed"),
        ("benchmark", "passed"),
        ("benchmark", "not_applicable"),
    ]
    assert all(step["seconds"] is not None for step in answer["steps"][:5])
    assert answer["cost"] == COST | {"details": None, "normalised": None, "fit": None}
    assert answer["scan"] == {"verdict": "clean", "findings": [], "convertible": []}
    assert answer["verdict"] == "passed"
    scored, other = answer["scores"]
    receipt = Receipt.objects.get()
    assert scored == {
        "benchmark": "pairs",
        "version": 1,
        "title": "Test pairs",
        "superseded": False,
        "state": "scored",
        "reason": "",
        "metric": "accuracy",
        "value": 0.75,
        "interval": [0.6, 0.86],
        "confidence": 0.95,
        "method": "wilson",
        "n": 40,
        "unit": "fraction",
        "higher_is_better": True,
        "baseline": {"name": "shorter string wins", "value": 0.5},
        "chance": 0.5,
        "tier": "standard",
        "metrics": {},
        "receipt": f"http://testserver/api/v1/receipts/{receipt.sha256}",
    }
    assert (other["benchmark"], other["state"], other["value"]) == ("topics", "not_applicable", None)
    assert "labels texts" in other["reason"]


def test_branch_tag_and_latest_name_the_same_commit(client, measured):
    create_tag(repository=measured.repository, user=measured.repository.creator, name="v1", revision=None)

    found = {client.get(address(measured, name)).json()["commit"] for name in ("main", "v1", "latest")}

    assert found == {measured.commit.oid}


def test_a_waiting_step_is_queued_to_everybody_outside(client):
    evaluation = evaluation_of()

    answer = client.get(address(evaluation, "latest")).json()

    assert {step["state"] for step in answer["steps"]} == {"queued"}
    assert (answer["state"], answer["cost"], answer["verdict"]) == ("queued", None, "pending")


def test_a_quarantine_shows_its_findings(client):
    evaluation = evaluation_of()
    finding = {"path": "model.safetensors", "reason": "It is a pickle."}
    news = ScanNews(ScanVerdict.QUARANTINED, {"model.safetensors": "It is a pickle."})
    passed(
        run_of(evaluation, Step.SCAN),
        state=State.QUARANTINED,
        reason="model.safetensors: It is a pickle.",
        scan=news,
        result={"findings": [finding]},
    )

    answer = client.get(address(evaluation, "latest")).json()

    assert answer["scan"] == {"verdict": "quarantined", "findings": [finding], "convertible": []}
    assert answer["verdict"] == "quarantined"
    assert answer["state"] == "done"


def test_a_private_model_is_not_there_for_strangers(client):
    repository = RepositoryFactory(private=True)
    evaluation = evaluation_of(repository)
    path = address(evaluation, "latest")

    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer(UserFactory(), Scope.READ)).status_code == 404
    assert client.get(path, headers=bearer(repository.creator, Scope.READ)).status_code == 200


def test_unknown_names_and_revisions_are_not_found(client, measured):
    for path in (address(measured, "v9"), address(measured, "f" * 40), "/api/v1/models/no/body/evaluations/latest"):
        response = client.get(path)
        assert response.status_code in (401, 404)
        assert response.json()["code"]


def test_a_commit_with_nothing_to_measure_says_so(client):
    repository = RepositoryFactory()

    response = client.get(f"/api/v1/models/{repository.full_name}/evaluations/main")

    assert response.status_code == 404
    assert response.json()["code"] == "not_measured"


def test_a_receipt_comes_as_the_bytes_that_its_name_hashes(client, measured):
    sha256 = Receipt.objects.get().sha256

    response = client.get(f"/api/v1/receipts/{sha256}")

    assert hashlib.sha256(response.content).hexdigest() == sha256
    assert response["Content-Type"] == "application/json"
    items = client.get(f"/api/v1/receipts/{sha256}/items")
    assert [json.loads(line) for line in items.content.splitlines()] == [{"id": "1", "right": True}]


def test_the_file_of_outputs_is_sent_in_ranges_as_any_file(client, measured):
    receipt = Receipt.objects.get()
    path, table = f"/api/v1/receipts/{receipt.sha256}/items.parquet", items.table_of(receipt)
    whole = client.get(path)
    etag = whole["ETag"]

    assert (whole.status_code, whole.content) == (200, table)
    assert etag == f'"{hashlib.sha256(table).hexdigest()}"'
    assert whole["Accept-Ranges"] == "bytes"
    part = client.get(path, headers={"Range": "bytes=-8", "If-Range": etag})
    assert (part.status_code, part.content) == (206, table[-8:])
    assert part["Content-Range"] == f"bytes {len(table) - 8}-{len(table) - 1}/{len(table)}"
    assert (part["ETag"], part["Content-Type"]) == (etag, whole["Content-Type"])
    assert client.get(path, headers={"Range": "bytes=0-3", "If-Range": '"of another"'}).content == table
    assert client.get(path, headers={"Range": f"bytes={len(table)}-"}).status_code == 416
    known = client.get(path, headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")
    head = client.head(path)
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(table)), b"")


def test_receipts_of_private_models_are_not_there_for_strangers(client, measured):
    sha256 = Receipt.objects.get().sha256
    repository = measured.repository
    repository.visibility = "private"
    repository.save()

    for path in (f"/api/v1/receipts/{sha256}", f"/api/v1/receipts/{sha256}/items"):
        assert client.get(path).status_code == 404
        assert client.get(path, headers=bearer(repository.creator, Scope.READ)).status_code == 200


def test_items_of_a_private_benchmark_need_the_right_to_its_data(client, measured):
    receipt = Receipt.objects.get()
    data = receipt.of_run.benchmark.repository
    data.visibility = "private"
    data.save()

    assert client.get(f"/api/v1/receipts/{receipt.sha256}").status_code == 200
    assert client.get(f"/api/v1/receipts/{receipt.sha256}/items").status_code == 404
    answer = client.get(f"/api/v1/receipts/{receipt.sha256}/items", headers=bearer(data.creator, Scope.READ))
    assert answer.status_code == 200


def test_benchmarks_are_listed_page_by_page_as_far_as_their_data_may_be_read(client):
    for key in ("alpha", "beta", "gamma"):
        benchmark(key)
    benchmark("hidden", repository=RepositoryFactory(dataset=True, private=True))

    first = client.get("/api/v1/benchmarks", {"limit": 2}).json()
    second = client.get("/api/v1/benchmarks", {"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [row["benchmark"] for row in first["items"] + second["items"]] == ["alpha", "beta", "gamma"]
    assert second["next_cursor"] is None
    assert first["items"][0]["metric"] == "accuracy"
    assert len(first["items"][0]["commit"]) == 40


def test_an_answer_costs_the_same_queries_however_many_benchmarks_there_are(client, django_assert_max_num_queries):
    for number in range(8):
        benchmark(f"pairs-{number}")
    evaluation = evaluation_of()

    with django_assert_max_num_queries(15):
        client.get(address(evaluation, "latest"))


def test_the_schema_speaks_of_all_of_it(client):
    schema = client.get("/api/v1/schema", headers={"Accept": "application/json"}).content.decode()

    for path in ("/evaluations/{revision}", "/api/v1/benchmarks", "/api/v1/receipts/{sha256}/items"):
        assert path in schema
