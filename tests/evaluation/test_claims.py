"""What a card claims against what the files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation import claims
from models_registry.cards import read_card

FOUND: dict[str, Any] = {
    "task": "text-generation",
    "runtime": "transformers",
    "parameters": 10_000_000,
    "context_length": 512,
    "base_model": "org/base",
    "tokenizer": {"kind": "WordPiece", "scripts": {"Latin": 1.0}},
}


def fields(
    front: str, body: str = "", *, files: set[str] = frozenset({"LICENSE"}), **found: Any
) -> dict[str, tuple[str, str]]:
    claim = claims.declared(read_card(f"---\n{front}\n---\n{body}"))
    rows = claims.mismatches(claim, FOUND | found, files=files)
    return {row.field: (row.claimed, row.found) for row in rows}


HONEST = (
    "license: mit\npipeline_tag: text-generation\nlibrary_name: transformers\nlanguage: [en, de]\nbase_model: org/base"
)


def test_an_honest_card_has_no_mismatch() -> None:
    body = "A model of 10.2M parameters with a context length of 512 tokens."

    assert fields(HONEST, body) == {}


@pytest.mark.parametrize(
    ("front", "body", "field", "claimed", "found"),
    [
        ("pipeline_tag: fill-mask", "", "task", "fill-mask", "text-generation"),
        ("library_name: spacy", "", "library", "spacy", "transformers"),
        ("base_model: org/other", "", "base_model", "org/other", "org/base"),
        ("language: [en, zh]", "", "languages", "zh", "Latin"),
        ("", "It has 125M parameters.", "parameters", "125,000,000", "10,000,000"),
        ("", "A 1.5 billion-parameter model.", "parameters", "1,500,000,000", "10,000,000"),
        ("", "| Context length | 2,048 |", "context_length", "2,048", "512"),
        ("", "Context window: 2k", "context_length", "2,048", "512"),
    ],
)
def test_each_claim_is_held_against_the_files(front: str, body: str, field: str, claimed: str, found: str) -> None:
    assert fields(f"license: mit\n{front}", body) == {field: (claimed, found)}


def test_a_licence_needs_a_name_and_a_text() -> None:
    assert fields("language: en", files=set()) == {}
    assert fields("language: en", files={"LICENSE"}) == {"licence": ("", "LICENSE")}
    assert fields("license: mit", files={"README.md"}) == {"licence_file": ("mit", "")}
    assert fields("license: mit", files={"LICENSE.txt"}) == {}


def test_what_nobody_can_tell_is_no_mismatch() -> None:
    body = "Between the 70M parameters of one and 160M parameters of another. Context: long."
    unknown = {"task": "", "runtime": "", "parameters": 0, "context_length": None, "base_model": "", "tokenizer": None}

    assert fields(HONEST, body, **unknown) == {}
    assert fields("license: mit\nlanguage: zh", tokenizer={"is_byte_level": True, "scripts": {"Latin": 1.0}}) == {}


def test_a_folder_is_held_against_its_card(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\npipeline_tag: fill-mask\n---\n")

    found = claims.held_against(tmp_path, FOUND)

    assert found["declared"]["task"] == "fill-mask"
    assert [row["field"] for row in found["mismatches"]] == ["task", "licence_file"]


@pytest.mark.parametrize("text", ["", "---\nlicense: [\n---", "---\n- a\n---", "\udcff"])
def test_a_card_that_cannot_be_read_claims_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_bytes(text.encode("utf-8", "surrogatepass"))

    assert claims.declared(claims.read_folder(tmp_path)) == claims.Declared()
