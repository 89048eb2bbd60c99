from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from evaluation.steps.inspect import inspect
from tests.factories.small_formats import make_arpa, make_binary_vectors, make_vectors


def model(folder: Path, config: dict[str, Any], **arrays: Any) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    save_file(arrays or {"w": np.ones((10, 4), np.float32)}, folder / "model.safetensors")
    return folder


GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_positions": 128, "vocab_size": 10, "n_embd": 4}


def test_facts_come_from_the_files(tmp_path: Path) -> None:
    arrays = {"w": np.ones((10, 4), np.float16), "b": np.ones(4, np.float32), "position_ids": np.ones(8, np.int64)}
    model(tmp_path, GPT2, **arrays)
    (tmp_path / "tokenizer.json").write_text(
        json.dumps({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}, "added_tokens": [{"id": 2}, {"id": 1}]})
    )

    found = inspect(tmp_path)

    assert found.is_loadable
    assert (found.format, found.runtime, found.task) == ("safetensors", "transformers", "text-generation")
    assert found.parameters_by_dtype == {"F16": 40, "F32": 4}
    assert found.parameters == 44
    assert found.tensors == 3
    assert found.tokenizer is not None
    assert (found.tokenizer.kind, found.tokenizer.vocabulary_size) == ("BPE", 3)
    assert found.context_length == 128
    assert "44 parameters" in found.summary()
    json.dumps(found.as_json())


def test_labels_are_listed_in_their_own_order(tmp_path: Path) -> None:
    config = {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"1": "b", "0": "a", "10": "k"},
    }

    assert inspect(model(tmp_path, config)).labels == ("a", "b", "k")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vocab_size": 10**12}, "config_out_of_range"),
        ({"n_layer": 10**9}, "config_out_of_range"),
        ({"n_positions": 10**12}, "config_out_of_range"),
        ({"n_embd": 9_000_000, "n_layer": 24}, "config_too_large"),
        ({"vocab_size": 90_000_000, "n_embd": 4096}, "config_too_large"),
    ],
)
def test_a_configuration_that_asks_for_terabytes_is_refused_at_once(
    tmp_path: Path, change: dict[str, int], code: str
) -> None:
    found = inspect(model(tmp_path, GPT2 | change))

    assert found.refusal_code == code
    assert not found.is_loadable


@pytest.mark.parametrize("raw", ["", "[]", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 10_000])
def test_a_broken_configuration_is_a_reason_not_an_error(tmp_path: Path, raw: str) -> None:
    model(tmp_path, GPT2)
    (tmp_path / "config.json").write_text(raw)

    assert inspect(tmp_path).refusal.startswith("config.json: ")


def test_broken_weights_are_a_reason_with_the_files_name(tmp_path: Path) -> None:
    model(tmp_path, GPT2)
    with (tmp_path / "model.safetensors").open("ab") as stream:
        stream.write(b"x")

    found = inspect(tmp_path)

    assert found.refusal_code == "safetensors_trailing"
    assert found.refusal.startswith("model.safetensors: ")


def test_a_folder_of_pickles_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(GPT2))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04N.")

    found = inspect(tmp_path)

    assert found.format == "pickle"
    assert found.refusal_code == "pickle_weights"


def test_an_empty_folder_is_described(tmp_path: Path) -> None:
    found = inspect(tmp_path)

    assert (found.format, found.refusal_code) == ("unknown", "missing_config")


def test_a_tokenizer_larger_than_the_embedding_is_warned_of(tmp_path: Path) -> None:
    model(tmp_path, GPT2)
    (tmp_path / "vocab.txt").write_text("\n".join(map(str, range(20))))

    (warning,) = inspect(tmp_path).warnings
    assert warning == "The tokenizer has 20 tokens, config.json declares 10."


def make_glove(folder: Path) -> None:
    """The same vectors without a header, the last line without its end."""
    make_vectors(folder)
    text = (folder / "words.vec").read_text().partition("\n")[2]
    (folder / "words.vec").unlink()
    (folder / "glove.4d.txt").write_text(text.rstrip("\n"))


@pytest.mark.parametrize("make", [make_vectors, make_binary_vectors, make_glove])
def test_word_vectors_tell_their_size(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path)

    found = inspect(tmp_path)

    assert found.parameters == 17 * 4
    assert found.parameters_by_dtype == {"F32": 17 * 4}
    assert found.tokenizer is not None
    assert (found.tokenizer.kind, found.tokenizer.vocabulary_size) == ("words", 17)
    assert found.memory_by_precision
    assert found.estimated_memory_bytes > 0


def test_an_arpa_file_tells_its_n_grams(tmp_path: Path) -> None:
    make_arpa(tmp_path)
    counts = [int(line.partition("=")[2]) for line in (tmp_path / "lm.arpa").open() if line.startswith("ngram ")]

    found = inspect(tmp_path)

    assert len(counts) == 3
    assert found.parameters == sum(counts) + sum(counts[:-1])
    assert found.tokenizer is not None
    assert found.tokenizer.vocabulary_size == counts[0]
