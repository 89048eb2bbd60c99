"""Smoke and cost on real tiny models in the sandbox, whole and broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from evaluation import sandbox
from evaluation.sandbox import Limits, Loader
from evaluation.steps import smoke_shapes
from evaluation.steps.checks import passed
from evaluation.steps.cost import cost, limits_check
from evaluation.steps.inspect import inspect
from evaluation.steps.smoke import Others, SmokeResult, smoke
from evaluation.steps.weights import check
from tests.factories import onnx_graphs, tiny_models


def smoked(folder: Path) -> SmokeResult:
    with sandbox.open(folder) as session:
        return smoke(session, folder, inspect(folder))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.make_random_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="module")
def ngram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.make_ngram(tmp_path_factory.mktemp("ngram"))


def test_a_language_model_passes_and_has_a_fingerprint(ngram: Path) -> None:
    first, second = smoked(ngram), smoked(ngram)

    assert first.state == "pass", first.summary()
    assert [found.id for found in first.checks] == "S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11 S12 S13 S15".split()
    assert first.fingerprint == second.fingerprint != ""
    assert len(first.outputs["greedy_ids"]) == 4
    json.dumps(first.as_json())


def test_random_transformer_weights_load_and_only_repeat_themselves(gpt2: Path) -> None:
    found = smoked(gpt2)

    states = {check.id: check.state for check in found.checks}
    assert {name for name, state in states.items() if state in ("warn", "fail")} <= {"S11"}, found.summary()
    assert (states["S05"], states["S12"]) == ("pass", "not_applicable")


@pytest.mark.parametrize("labels", [("negative", "positive"), ()], ids=["classifier", "encoder"])
def test_models_of_texts_are_checked_by_their_task(tmp_path: Path, labels: tuple[str, ...]) -> None:
    found = smoked(tiny_models.make_random_bert(tmp_path / "model", labels=labels))

    wanted = {"S16"} if labels else {"S17"}
    assert wanted < {check.id for check in found.checks}
    assert found.state in ("pass", "warn"), found.summary()


def test_another_number_of_threads_gives_the_same_answers(gpt2: Path) -> None:
    others = Others(
        with_threads=lambda: sandbox.open(gpt2, limits=Limits(compute_threads=1)),
        chat=lambda: sandbox.open(gpt2, loader=Loader.chat_templates()),
    )
    with sandbox.open(gpt2) as session:
        found = smoke(session, gpt2, inspect(gpt2), others=others)

    repeat = next(check for check in found.checks if check.id == "S10")
    assert repeat.state == "pass", repeat.message
    assert "Another number of threads" in repeat.message
    assert isinstance(repeat.value, float)
    assert repeat.value <= 1e-4


def test_a_head_that_is_declared_tied_and_differs_fails(gpt2: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(gpt2, folder)
    arrays = load_file(folder / "model.safetensors")
    table = arrays["transformer.wte.weight"]

    def tied(head: np.ndarray, declared: bool) -> str:
        save_file(arrays | {"lm_head.weight": head}, folder / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((gpt2 / "config.json").read_text()) | {"tie_word_embeddings": declared}
        (folder / "config.json").write_text(json.dumps(config))
        return smoke_shapes.ties(folder, inspect(folder)).state

    assert tied(table.copy(), True) == "pass"
    assert tied(table + 1, True) == "fail"
    assert tied(table.copy(), False) == "warn"
    assert tied(table + 1, False) == "pass"


def test_special_ids_outside_of_the_vocabulary_fail(gpt2: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(gpt2, folder)
    config = json.loads((gpt2 / "config.json").read_text()) | {"eos_token_id": 10**6, "pad_token_id": -1}
    (folder / "config.json").write_text(json.dumps(config))

    found = smoke_shapes.special_ids(folder, inspect(folder), passed("S06", "tokenizer", "Good."))

    assert found.state == "fail"
    assert "eos_token_id 1,000,000" in found.message
    assert "pad" not in found.message


def broken(source: Path, target: Path, change: dict[str, float]) -> Path:
    shutil.copytree(source, target)
    arrays = load_file(source / "model.safetensors")
    for name, value in change.items():
        arrays[name] = arrays[name].copy()
        arrays[name].flat[0] = value
    save_file(arrays, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_a_weight_that_is_not_a_number_fails_before_anything_is_asked(gpt2: Path, tmp_path: Path) -> None:
    found = smoked(broken(gpt2, tmp_path / "nan", {"transformer.wte.weight": np.nan}))

    assert found.state == "fail"
    assert found.checks[-1].id == "S03"
    assert "transformer.wte.weight holds 1 values" in found.checks[-1].message
    assert found.fingerprint == ""


def test_a_folder_without_weights_fails_with_what_is_missing(gpt2: Path, tmp_path: Path) -> None:
    shutil.copytree(gpt2, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()

    found = smoked(tmp_path / "model")

    assert found.state == "fail"
    assert found.checks[0].id == "S01"
    assert "no model.safetensors" in found.checks[0].message


def test_a_head_that_is_not_in_the_weights_fails_to_load(gpt2: Path, tmp_path: Path) -> None:
    shutil.copytree(gpt2, tmp_path / "model")
    config = json.loads((gpt2 / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"n_layer": 3}))

    found = smoked(tmp_path / "model")

    assert found.state == "fail"
    assert {check.id: check.state for check in found.checks}["S02"] == "fail"


def test_code_of_the_repository_is_never_run(gpt2: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(gpt2, folder)
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w').write('ran')\n"
    for name in ("modeling_evil.py", "torch.py", "sitecustomize.py", "usercustomize.py", "evil.pth", "transformers.py"):
        (folder / name).write_text(code)
    config = json.loads((gpt2 / "config.json").read_text())
    mapping = {"AutoConfig": "modeling_evil.C", "AutoModelForCausalLM": "modeling_evil.M"}
    evil = {"auto_map": mapping, "_attn_implementation_internal": "evil/kernel", "trust_remote_code": True}
    (folder / "config.json").write_text(json.dumps(config | evil))

    found = smoked(folder)

    assert found.state != "fail", found.summary()
    assert not canary.exists()


def test_weights_are_looked_at_value_by_value(tmp_path: Path) -> None:
    arrays = {
        "good": np.ones((3, 3), np.float32).cumsum(axis=0),
        "zero": np.zeros((3, 3), np.float32),
        "same": np.full((3, 3), 2, np.float16),
        "bad": np.array([1, np.inf, np.nan, -np.inf], np.float64),
        "bias": np.zeros(3, np.float32),
        "ids": np.zeros((2, 2), np.int64),
    }
    save_file(arrays, tmp_path / "model.safetensors")

    report = check(tmp_path)

    assert report.not_finite == {"bad": 3}
    assert report.all_zero == ("zero",)
    assert report.constant == ("same",)
    assert report.checked == 5
    assert check(tmp_path, logarithms=True).not_finite == {"bad": 2}


def test_bfloat16_is_read_as_the_upper_half_of_a_float(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    save_torch({"w": torch.tensor([[1.0, float("nan")], [2.0, 3.0]], dtype=torch.bfloat16)}, tmp_path / "m.safetensors")

    assert check(tmp_path).not_finite == {"w": 1}


PROTOCOL = set(
    """params_total params_unique params_trainable bytes_on_disk bytes_by_dtype bits_per_weight flops_per_token
    cold_load_s peak_rss_mib rss_after_load_mib first_token_ms prefill_tok_s decode_tok_s batch_throughput rtf
    sentences_s cpu_seconds energy_j""".split()
)


def test_cost_is_measured_from_outside(ngram: Path) -> None:
    found = cost(lambda: sandbox.open(ngram), inspect(ngram))

    assert found.bytes == sum(path.stat().st_size for path in ngram.iterdir())
    assert 0 < found.load_s <= found.cold_load_s
    assert found.first_token_s is not None
    assert 0 < found.first_token_s < 5
    assert found.prefill_tokens_per_s is not None
    assert 10 << 20 < found.rss_after_load_bytes <= found.peak_rss_bytes < 500 << 20
    assert found.machine["calibration_gflops"] > 0
    assert found.normalised["tokens_per_s"] == pytest.approx(
        found.tokens_per_s / found.machine["speed_index"], rel=0.01
    )
    assert {fit["device"] for fit in found.fit} == {"phone", "laptop", "server"}
    assert set(found.details) >= PROTOCOL
    assert found.details["batch_throughput"] > 0
    assert "estimate" in found.details["energy_j"]["method"]
    assert limits_check(found, memory_bytes=1 << 40).state == "pass"
    assert limits_check(found, memory_bytes=1).state == "fail"
    assert "MB on disk" in found.summary()
    json.dumps(found.as_json())


def test_a_classifier_costs_answers_not_tokens(tmp_path: Path) -> None:
    folder = tiny_models.make_random_bert(tmp_path / "model", labels=["x", "y"])

    found = cost(lambda: sandbox.open(folder), inspect(folder))

    assert found.first_token_s is None
    assert found.first_answer_s is not None
    assert found.answers_per_s is not None
    assert "answers/s" in found.summary()


def test_a_short_context_is_no_fault(gpt2: Path, tmp_path: Path) -> None:
    shutil.copytree(gpt2, tmp_path, dirs_exist_ok=True)
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(vocab_size=600, n_positions=8, n_embd=32, n_layer=1, n_head=2, **ends)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)

    found, taken = smoked(tmp_path), cost(lambda: sandbox.open(tmp_path), inspect(tmp_path))

    assert found.state != "fail", found.summary()
    # It was asked less than others are, so it is compared with none of them.
    assert found.prompts_sha256 != smoked(gpt2).prompts_sha256
    assert taken.first_token_s is not None


def test_a_prompt_of_many_tokens_is_cut_to_the_context(tmp_path: Path) -> None:
    onnx_graphs.make_language_model(tmp_path)  # 32 tokens, and not what it reads back.

    assert cost(lambda: sandbox.open(tmp_path), inspect(tmp_path)).first_token_s is not None
