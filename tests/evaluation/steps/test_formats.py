"""Models of every format through the steps: clean by the scan, described from their files, sane in the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation import sandbox
from evaluation.steps.inspect import inspect
from evaluation.steps.scan import scan
from evaluation.steps.smoke import smoke
from tests.factories import small_formats

MAKERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "arpa": (small_formats.make_arpa, "arpa", "text-generation"),
    "vectors": (small_formats.make_vectors, "vectors", "sentence-similarity"),
    "decoder": (small_formats.make_decoder, "decoder", "text-generation"),
    "seq2seq": (small_formats.make_seq2seq, "seq2seq", "text2text-generation"),
    "onnx": (small_formats.make_onnx, "onnx", "text-generation"),
    "gguf": (small_formats.make_gguf, "gguf", "text-generation"),
    "linear": (small_formats.make_linear, "linear", "text-classification"),
    "forest": (small_formats.make_forest, "tree", "text-classification"),
    "crf": (small_formats.make_crf, "crf", "token-classification"),
    "binary-vectors": (small_formats.make_binary_vectors, "vectors", "sentence-similarity"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_model_passes_every_step(tmp_path: Path, name: str) -> None:
    make, runtime, task = MAKERS[name]
    make(tmp_path)

    scanned = scan(tmp_path)
    inspection = inspect(tmp_path)

    assert scanned.held_back == {}
    assert (inspection.refusal, inspection.runtime, inspection.task) == ("", runtime, task)
    assert inspection.weight_bytes > 0
    with sandbox.open(tmp_path) as session:
        found = smoke(session, tmp_path, inspection)
    assert found.state in ("pass", "warn"), found.summary()
    assert found.fingerprint or {"tag", "translate"} & set(inspection.capabilities)
