"""What tokenizers' own files tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.steps import vocabulary
from tests.factories import binary_models


def bytes_spelled(text: str) -> str:
    """As byte-level vocabularies write it."""
    spelled = {byte: letter for letter, byte in vocabulary._bytes_of().items()}
    return "".join(spelled[byte] for byte in text.encode())


def fast(folder: Path, model: dict[str, object], **more: object) -> vocabulary.TokenizerFacts | None:
    (folder / "tokenizer.json").write_text(json.dumps({"model": model, **more}), encoding="utf-8")
    return vocabulary.read(folder, {})


GERMAN = vocabulary._TELLING["de"].split()


def test_a_byte_level_vocabulary_is_read_through_its_spelling(tmp_path: Path) -> None:
    words = [bytes_spelled(f" {word}") for word in GERMAN] + [bytes_spelled("河边走走") for _ in range(1)]
    words += [bytes_spelled(text) for text in ("今天天气", "我们去河边", "风筝与灯塔")]
    found = fast(
        tmp_path, {"type": "BPE", "vocab": {word: i for i, word in enumerate(words)}}, decoder={"type": "ByteLevel"}
    )

    assert found is not None
    assert (found.kind, found.vocabulary_size, found.is_byte_level) == ("BPE", len(words), True)
    assert set(found.scripts) == {"Latin", "Han"}
    assert found.languages == ("de", "zh")


def test_unigram_rows_and_word_pieces_are_read(tmp_path: Path) -> None:
    rows = [[f"▁{word}", -1.0] for word in vocabulary._TELLING["fr"].split()] * 2
    found = fast(tmp_path, {"type": "Unigram", "vocab": rows}, added_tokens=[{"id": 99, "content": "<pad>"}])

    assert found is not None
    assert (found.kind, found.vocabulary_size, found.is_byte_level) == ("Unigram", len(rows) + 1, False)
    assert found.languages == ("fr",)

    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.txt").write_text("\n".join(["[UNK]", "##ing", *vocabulary._TELLING["en"].split()] * 2))
    piece = vocabulary.read(tmp_path, {})
    assert piece is not None
    assert (piece.kind, piece.languages) == ("WordPiece", ("en",))


def test_too_few_letters_say_nothing(tmp_path: Path) -> None:
    found = fast(tmp_path, {"type": "BPE", "vocab": {"a": 0, "b": 1}})

    assert found is not None
    assert (found.scripts, found.languages) == ({}, ())


def test_a_gguf_header_tells_its_vocabulary(tmp_path: Path) -> None:
    keys = {"general.architecture": "llama", "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "b", "c"]}
    (tmp_path / "m.gguf").write_bytes(binary_models.gguf(metadata=keys))

    assert vocabulary.read(tmp_path, {}) == vocabulary.TokenizerFacts("BPE", 3, is_byte_level=True)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"model": 1}', '{"model": {"vocab": 7}}', '{"model": {"vocab": [1, [], [2]]}}']
)
def test_a_broken_tokenizer_is_unknown_or_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)

    found = vocabulary.read(tmp_path, {})
    assert found is None or found.languages == ()


@given(st.text(max_size=20), st.booleans())
@settings(max_examples=100)
def test_any_entry_is_read(word: str, is_byte_level: bool) -> None:
    vocabulary._plain(word, is_byte_level=is_byte_level)
    vocabulary._scripts([word])
