"""Whole evaluations in this process, through the real sandbox: right scores, honest refusals, no code run."""

import hashlib
import json
import os
import pickle
import signal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from evaluation import sandbox
from evaluation.models import Evaluation, ItemOutputs, Run, Score, State, Step
from evaluation.services import items, sessions, work
from evaluation.services.files import jobs_folder
from evaluation.services.suites import CORE_SUITE, publish_core_suite
from models_registry.storage.blobs import blob_store
from tests.factories import clamd
from tests.factories.evaluation import benchmark, evaluation_of, passed_up_to, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import overwrite
from tests.requirements import require

# The lease is kept alive by a thread with a connection of its own, so rows must be committed.
pytestmark = pytest.mark.django_db(transaction=True)


def work_off(evaluation: Evaluation) -> dict[str, Run]:
    """Do all that an evaluation asks for, in order; its runs by step or benchmark."""
    while (run := evaluation.runs.filter(state=State.QUEUED).order_by("position").first()) is not None:
        work.perform(run_id=run.pk)
    evaluation.refresh_from_db()
    rows = evaluation.runs.select_related("benchmark", "score", "receipt__items")
    return {run.benchmark.key if run.benchmark else run.step: run for run in rows}


def texts_of(name: str, split: str) -> list[str]:
    lines = (CORE_SUITE / name / "data" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


class Canary:
    """Unpickling this writes a file: if the file is there, somebody ran what was uploaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (self.path, "ran"))


def test_a_pickle_under_the_name_of_weights_is_held_back_and_never_run(tmp_path):
    folder, canary = tmp_path / "model", tmp_path / "canary"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}')
    (folder / "model.safetensors").write_bytes(pickle.dumps(Canary(canary)))

    evaluation = push_folder(RepositoryFactory(), folder)
    runs = work_off(evaluation)

    assert runs["scan"].state == State.QUARANTINED
    assert "model.safetensors" in runs["scan"].reason
    assert {run.state for name, run in runs.items() if name != "scan"} == {State.NOT_APPLICABLE}
    evaluation.commit.refresh_from_db()
    assert evaluation.verdict == evaluation.commit.scan_verdict == "quarantined"
    assert list(evaluation.commit.held) == ["model.safetensors"]
    assert not canary.exists()


def test_a_truncated_safetensors_is_held_back_with_its_reason(tmp_path):
    folder = train_ngram(["a b c a b c"], tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])

    runs = work_off(push_folder(RepositoryFactory(), folder))

    assert runs["scan"].state == State.QUARANTINED
    assert "model.safetensors" in runs["scan"].reason
    assert runs["smoke"].started_at is None


def test_a_scan_waits_for_the_virus_scanner_and_believes_it(tmp_path, settings):
    folder = train_ngram(["a b c a b c"], tmp_path / "model")
    (folder / "README.md").write_text("NIGHTSHADE")
    settings.SMALLHUB_CLAMD = f"unix://{tmp_path / 'clamd'}"
    evaluation = push_folder(RepositoryFactory(), folder)
    scan = evaluation.runs.get(step="scan")

    work.perform(run_id=scan.pk)

    scan.refresh_from_db()
    assert (scan.state, scan.releases) == (State.QUEUED, 1)
    assert "virus scanner" in scan.log

    scan.not_before = None
    scan.save()
    with clamd.running(tmp_path / "clamd"):
        work.perform(run_id=scan.pk)

    scan.refresh_from_db()
    assert scan.state == State.QUARANTINED
    assert list(scan.evaluation.commit.held) == ["README.md"]


def test_a_worker_without_walls_opens_nothing_and_doctor_says_why(tmp_path, monkeypatch, capsys):
    nothing = sandbox.Probe((sandbox.Wall("plain", False, "no Landlock here"),), None)
    monkeypatch.setattr(sandbox.probing, "probe", lambda: nothing)
    monkeypatch.setattr(sandbox, "probe", lambda: nothing)
    evaluation = push_folder(RepositoryFactory(), train_ngram(["a b c a b c"], tmp_path / "model"))

    runs = {}
    while (run := evaluation.runs.filter(state=State.QUEUED, releases=0).order_by("position").first()) is not None:
        work.perform(run_id=run.pk)
        runs[run.step] = evaluation.runs.get(pk=run.pk)

    assert list(runs) == ["scan"], "Nothing goes on without a verdict, and there is none without walls."
    assert (runs["scan"].state, runs["scan"].releases) == (State.QUEUED, 1)
    assert "no Landlock here" in runs["scan"].log
    assert runs["scan"].result == {}
    with pytest.raises((SystemExit, CommandError)):
        call_command("doctor")
    printed = capsys.readouterr()
    assert "no Landlock here" in printed.out + printed.err


def test_a_version_that_says_the_same_is_told_so(tmp_path):
    base, copy = RepositoryFactory(), RepositoryFactory()
    folder = train_ngram(["a b c a b c"] * 3, tmp_path / "model")
    first = work_off(push_folder(base, folder))["smoke"]
    (folder / "README.md").write_text(f"---\nbase_model: {base.full_name}\n---\n")

    same = work_off(push_folder(copy, folder))["smoke"].result["compared"]
    other = train_ngram(["c b a c b a"] * 3, tmp_path / "other")
    (other / "README.md").write_text("Another.")
    changed = work_off(push_folder(base, other))["smoke"].result["compared"]

    assert first.result["compared"] == []
    assert [(row["with"], row["repository"], row["same_answers"]) for row in same] == [("base", base.full_name, True)]
    assert same[0]["max_difference"] == 0
    assert [(row["with"], row["same_answers"]) for row in changed] == [("previous", False)]


def test_a_repository_without_a_model_is_not_applicable(tmp_path):
    benchmark("pairs")

    runs = work_off(evaluation_of(README_md="# Only words"))

    assert runs["scan"].state == State.PASSED
    assert runs["inspect"].state == State.NOT_APPLICABLE
    assert "config.json" in runs["pairs"].reason


def test_weights_that_are_not_numbers_fail_the_smoke_test(tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = train_ngram(["a b c a b c"] * 3, tmp_path / "model")
    arrays = load_file(folder / "model.safetensors")
    name = next(name for name, array in arrays.items() if array.dtype.kind == "f")
    arrays[name] = arrays[name].copy()
    arrays[name][0] = float("nan")
    save_file(arrays, folder / "model.safetensors")

    runs = work_off(push_folder(RepositoryFactory(), folder))

    assert runs["smoke"].state == State.FAILED
    assert runs["smoke"].reason
    assert runs["cost"].state == State.NOT_APPLICABLE


def test_a_trained_ngram_beats_the_unigram_in_text_and_in_pairs(tmp_path):
    publish_core_suite()
    folder = train_ngram(texts_of("core-text-en", "train"), tmp_path / "model", unit="char", order=5)

    evaluation = push_folder(RepositoryFactory(), folder)
    runs = work_off(evaluation)

    assert evaluation.status == "done"
    text, pairs = runs["core-text-en"].score, runs["core-pairs-en"].score
    assert text.metric == "bits_per_byte"
    assert text.high < text.baseline_value
    assert 1.0 < text.value < 4.0
    assert pairs.low > pairs.baseline_value
    assert runs["core-topic-en"].state == State.NOT_APPLICABLE
    turns = runs["core-turns-en"]
    assert set(turns.score.metrics["by_slice"]) >= {"healthcare", "law"}
    why = next(iter(turns.result["explanations"].values()))
    assert why["method"] == "exact"
    assert why["baseline"] + sum(why["scores"]) == pytest.approx(why["total"], abs=1e-3)
    cost = runs["cost"].result
    assert cost["parameters"] > 0
    assert cost["tokens_per_s"] > 0
    evaluation.repository.refresh_from_db()
    assert evaluation.repository.parameters == runs["inspect"].result["parameters"]


def test_the_same_model_twice_gives_the_same_numbers_and_items(tmp_path):
    publish_core_suite(folder=_only(tmp_path / "suite", "core-pairs-en", "core-text-en"))
    folder = train_ngram(texts_of("core-text-en", "train")[:20], tmp_path / "model")

    first, second = (work_off(push_folder(RepositoryFactory(), folder)) for _ in range(2))

    for key in ("core-pairs-en", "core-text-en"):
        one, two = first[key], second[key]
        assert (one.score.value, one.score.low, one.score.high) == (two.score.value, two.score.low, two.score.high)
        assert one.score.metrics == two.score.metrics
        assert one.receipt.items.sha256 == two.receipt.items.sha256
        assert one.receipt.sha256 != two.receipt.sha256
    assert first["smoke"].result["fingerprint"] == second["smoke"].result["fingerprint"]


@pytest.mark.timeout(900)
def test_random_weights_score_at_chance_within_the_interval(tmp_path):
    require("torch", "transformers")
    publish_core_suite(folder=_only(tmp_path / "suite", "core-pairs-en"))

    evaluation = push_folder(RepositoryFactory(), _random_transformer(tmp_path / "model"))
    passed_up_to(evaluation, Step.COST)
    runs = work_off(evaluation)

    score = runs["core-pairs-en"].score
    assert score.low <= 0.5 <= score.high, (score.value, score.low, score.high)
    assert score.n >= 1000


def test_a_receipt_names_everything_that_a_score_came_from(tmp_path):
    made = benchmark("pairs", b'{"id": "1", "good": "a b", "bad": "b a"}\n{"id": "2", "good": "b c", "bad": "c b"}\n')
    evaluation = push_folder(RepositoryFactory(), train_ngram(["a b c a b c"] * 3, tmp_path / "model"))

    run = work_off(evaluation)["pairs"]

    body = json.loads(run.receipt.body)
    assert body["model"]["repository"] == evaluation.repository.full_name
    assert body["model"]["commit"] == evaluation.commit.oid
    assert {file["path"] for file in body["model"]["files"]} >= {"config.json", "model.safetensors"}
    assert body["benchmark"]["id"] == "pairs"
    assert body["benchmark"]["files"][0]["sha256"] == made.definition["files"][0]["sha256"]
    assert body["result"]["value"] == run.score.value
    table = items.table_of(run.receipt)
    assert body["items"] == {
        "format": "parquet",
        "path": "items.parquet",
        "sha256": hashlib.sha256(table).hexdigest(),
        "bytes": len(table),
        "rows_sha256": hashlib.sha256(items.lines_of(run.receipt)).hexdigest(),
        "count": 2,
    }
    assert body["noise"]["metric_relative"] == 1e-6
    assert run.receipt.items.count == 2


def test_nothing_of_a_job_is_left_behind(tmp_path):
    work_off(push_folder(RepositoryFactory(), train_ngram(["a b c"] * 5, tmp_path / "model")))

    assert list(jobs_folder().iterdir()) == []


def test_work_that_comes_twice_or_late_is_done_once(tmp_path):
    benchmark("pairs")
    evaluation = push_folder(RepositoryFactory(), train_ngram(["a b c"] * 5, tmp_path / "model"))
    runs = work_off(evaluation)

    for run in runs.values():
        work.perform(run_id=run.pk)
    work.perform(run_id=10_000_000)

    assert {run.attempt for run in evaluation.runs.all()} == {1}
    assert Score.objects.count() == ItemOutputs.objects.count() == 1


def test_damaged_content_makes_the_run_wait_and_is_named(tmp_path):
    evaluation = push_folder(RepositoryFactory(), train_ngram(["a b c"] * 5, tmp_path / "model"))
    for blob in list(blob_store().iterate()):
        overwrite(blob_store(), blob.digest, bytes(blob.size_bytes))

    work.perform(run_id=run_of(evaluation, Step.SCAN).pk)

    run = run_of(evaluation, Step.SCAN)
    assert run.state == State.QUEUED
    assert run.releases == 1
    assert "damaged" in run.reason or "model.safetensors" in run.reason


def _only(folder: Path, *names: str) -> Path:
    """A suite of these sets alone."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(CORE_SUITE / name)
    return folder


def _random_transformer(folder: Path) -> Path:
    """A causal language model whose weights were drawn and never trained, with a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(20)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: place for place, letter in enumerate(["<|endoftext|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>")
    config = GPT2Config(
        vocab_size=len(vocabulary), n_positions=256, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    GPT2LMHeadModel(config).save_pretrained(folder, safe_serialization=True)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread(settings):
    """Tests share their processors with others; two threads that wait for each other are slower than one."""
    settings.SMALLHUB_RUN_THREADS = 1


def test_a_model_stays_loaded_for_the_next_benchmark_of_its_commit_alone(tmp_path, monkeypatch):
    benchmark("first"), benchmark("second")
    one, other = (push_folder(RepositoryFactory(), train_ngram(texts, tmp_path / name)) for name, texts in KEPT.items())
    opened: list[Path] = []
    monkeypatch.setattr(sessions, "open_session", _noting(opened, sessions.open_session))
    for evaluation in (one, other):
        passed_up_to(evaluation, Step.COST)

    found = [work_off(evaluation)[key] for evaluation, key in ((one, "first"), (other, "first"))]

    assert len(opened) == 2
    assert {run.state for run in found} == {State.PASSED}
    logs = list(Run.objects.filter(step=Step.BENCHMARK).order_by("finished_at").values_list("log", flat=True))
    assert ["Goes on with the model" in log for log in logs] == [False, True, False, True]


def test_a_kept_process_that_died_is_no_fault_of_the_model(tmp_path):
    benchmark("first"), benchmark("second")
    evaluation = push_folder(RepositoryFactory(), train_ngram(["a b c"] * 30, tmp_path / "model"))
    passed_up_to(evaluation, Step.COST)
    work.perform(run_id=run_of(evaluation, Step.BENCHMARK, "first").pk)
    assert sessions._kept is not None
    os.kill(sessions._kept.session._child._process.pid, signal.SIGKILL)

    run = work_off(evaluation)["second"]

    assert run.state == State.PASSED
    assert run.attempt == 1


def test_a_kept_model_gives_the_same_rows_as_a_fresh_one(tmp_path):
    benchmark("first"), benchmark("second")
    evaluation = push_folder(RepositoryFactory(), train_ngram(["a b c"] * 30, tmp_path / "model"))
    passed_up_to(evaluation, Step.COST)

    runs = work_off(evaluation)

    first, second = (json.loads(runs[key].receipt.body) for key in ("first", "second"))
    assert items.rows_of(runs["first"].receipt) == items.rows_of(runs["second"].receipt)
    assert first != second


KEPT = {"one": ["a b c"] * 30, "other": ["c b a"] * 30}


def _noting(opened, real):
    def open_session(folder, lease, **arguments):
        opened.append(folder)
        return real(folder, lease, **arguments)

    return open_session
