"""The run page: live while it runs, complete afterwards."""

import io
import json

import pytest

from evaluation.models import Conversion, Evaluation, Receipt, State, Step
from evaluation.presentation import scores_of
from evaluation.services import measure_heads_with
from evaluation.services.outcomes import Outcome, Used
from evaluation.services.runs import finish_run
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.types import AddLarge
from tests.factories.evaluation import benchmark as register
from tests.factories.evaluation import claimed, evaluation_of, passed, passed_up_to, run_of
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db


def address(repository, rest: str = "") -> str:
    return f"/{repository.full_name}/evaluations/{repository.head}{rest}"


def test_a_running_evaluation_asks_for_itself_every_two_seconds(client):
    repository = model()
    measured(repository, {benchmark(): 0.7}, status="running", states={"cost": "running"})

    html = client.get(address(repository)).content.decode()

    assert 'hx-trigger="every 2s"' in html
    assert f'hx-get="{address(repository)}"' in html
    assert "<progress" in html


def test_the_asking_stops_with_the_run(client):
    repository = model()
    measured(repository, {benchmark(): 0.7})

    html = client.get(address(repository), headers={"HX-Request": "true"}).content.decode()

    assert "every 2s" not in html
    assert "<html" not in html


def test_each_step_says_what_it_found_and_the_log_is_shown(client):
    repository = model()
    measured(repository, {}, states={"smoke": "failed", "cost": "not_applicable"})

    html = client.get(address(repository)).content.decode()

    assert "smoke said so" in html
    assert "step--failed" in html
    assert "smoke went on" in html


def test_scores_link_to_their_receipts(client):
    repository = model()
    measured(repository, {benchmark(): 0.749})
    receipt = Receipt.objects.get()

    html = client.get(address(repository)).content.decode()
    shown = client.get(address(repository, f"/receipts/{receipt.sha256}")).content.decode()
    raw = client.get(address(repository, f"/receipts/{receipt.sha256}?format=json"))

    assert f"/receipts/{receipt.sha256}" in html
    assert "env_sha256" in shown
    assert receipt.sha256 in shown
    assert json.loads(raw.content) == json.loads(receipt.body)


def test_a_receipt_of_another_model_is_not_there(client):
    one, other = model(), model()
    measured(one, {benchmark(): 0.7})

    assert client.get(address(other, f"/receipts/{Receipt.objects.get().sha256}")).status_code == 404


def test_a_branch_or_short_hash_names_the_commit_as_well(client):
    repository = model()
    measured(repository, {})

    assert client.get(f"/{repository.full_name}/evaluations/main").status_code == 200
    assert client.get(f"/{repository.full_name}/evaluations/{repository.head[:8]}").status_code == 200


def test_a_commit_that_was_not_measured_says_so(client):
    repository = model()
    Evaluation.objects.all().delete()

    assert "was not measured" in client.get(address(repository)).content.decode()


def test_the_list_holds_every_measured_commit(client):
    repository = model()
    measured(repository, {benchmark(): 0.749})

    html = client.get(f"/{repository.full_name}/evaluations").content.decode()

    assert repository.head[:7] in html
    assert "74.9" in html


def test_a_log_with_markup_is_escaped(client):
    repository = model()
    evaluation = measured(repository, {})
    evaluation.runs.filter(step="smoke").update(log="<script>alert(1)</script>", reason="<img src=x onerror=y>")

    html = client.get(address(repository)).content.decode()

    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_a_score_of_an_older_protocol_stays_and_says_so(client):
    rows = b'{"id": "1", "good": "a b", "bad": "b a"}\n{"id": "2", "good": "c d", "bad": "d c"}\n'
    first = register("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK))
    at = f"/{evaluation.repository.full_name}/evaluations/{evaluation.commit.oid}"
    assert "older protocol" not in client.get(at).content.decode()

    second = register("pairs", rows, repository=first.repository)
    measure_heads_with(second)

    found = evaluation.runs.get(benchmark=first)
    shown = client.get(at).content.decode()
    answer = client.get(f"/api/v1/models/{evaluation.repository.full_name}/evaluations/main").json()
    assert (second.version, found.score.value, found.receipt.run_id) == (2, 0.75, found.pk)
    assert "older protocol, version 1" in shown
    assert [(row["version"], row["superseded"], row["state"]) for row in answer["scores"]] == [
        (1, True, "scored"),
        (2, False, "queued"),
    ]
    fresh = evaluation.runs.get(benchmark=second)
    passed(fresh)
    found_again = Evaluation.objects.with_runs(None).get(pk=evaluation.pk)
    assert [score.benchmark.version for score in scores_of(found_again)] == [2]


def test_the_log_can_be_had_as_text_and_costs_are_summed(client):
    evaluation = evaluation_of()
    run = run_of(evaluation, Step.SCAN)
    used = Used(cpu_s=90.0, peak_rss_bytes=300_000_000)
    finish_run(claim=claimed(run), outcome=Outcome(State.PASSED), log="12:00:00 all well\n", used=used)
    at = f"/{evaluation.repository.full_name}/evaluations/{evaluation.commit.oid}"

    log, html = client.get(f"{at}?format=log"), client.get(at).content.decode()

    assert log["Content-Type"].startswith("text/plain")
    assert "12:00:00 all well" in log.content.decode()
    assert "Download the log" in html
    assert "What measuring cost" in html
    assert "300" in html


def test_how_the_answers_stand_to_the_base_models_is_told(client):
    repository = model()
    evaluation = measured(repository, {})
    row = {"with": "base", "repository": "ada/base", "commit": "a" * 40, "same_answers": True, "max_difference": 0.0125}
    checks = [{"id": "S01", "title": "files", "state": "pass", "message": "Good.", "value": 1}]
    evaluation.runs.filter(step="smoke").update(result={"checks": checks, "compared": [row]})

    html = client.get(address(repository)).content.decode()

    assert "Against its base ada/base at aaaaaaa:" in html
    assert "the same answers to the fixed prompts" in html
    assert "0.0125" in html


def test_weights_that_can_run_code_are_converted_on_request(client):
    repository = model()
    body = b"\x80\x02}q\x00." + b"\x00" * 2000
    found = content.ingest(
        repository=repository, user=repository.creator, stream=io.BytesIO(body), size_bytes=len(body)
    )
    operations = [AddLarge("pytorch_model.bin", found.sha256, len(body))]
    commit(repository=repository, user=repository.creator, branch="main", title="Weights", operations=operations)
    repository.refresh_from_db()

    assert "Convert to safetensors" not in client.get(address(repository)).content.decode()
    client.force_login(repository.creator)
    assert "Convert to safetensors" in client.get(address(repository)).content.decode()

    answer = client.post(address(repository, "/act"), {"do": "convert"}, follow=True).content.decode()

    assert "It is being converted" in answer
    assert Conversion.objects.get(repository=repository).state == "queued"

    Conversion.objects.update(state="failed", reason="It holds no tensor.")
    answer = client.get(address(repository)).content.decode()
    assert "It holds no tensor." in answer
    assert "Convert to safetensors" in answer

    Conversion.objects.update(state="done", pull_request=1234)
    assert f'href="/{repository.full_name}/discussions/1234"' in client.get(address(repository)).content.decode()
