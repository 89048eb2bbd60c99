"""Readers of structured files: what they give, and what they refuse instead of guessing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import wave
from pathlib import Path
from typing import Any

import pytest

from evaluation import benchmarks
from evaluation.benchmarks import BadData, Item
from tests.evaluation.benchmarks.test_benchmarks import declared


def read(folder: Path, files: dict[str, bytes], **changes: Any) -> tuple[Item, ...]:
    rows = []
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        rows.append({"path": path, "sha256": digest, "bytes": len(content), "split": "test"})
    wanted = [row for row in rows if not row["path"].startswith("wav/")]
    return benchmarks.load(benchmarks.parse(declared(files=wanted, **changes)), folder).items


WORDS = {"reader": "conll", "fields": {"tokens": "tokens", "tags": "tags"}}
QUESTIONS = {"reader": "squad", "fields": {"id": "id", "q": "question", "c": "context", "a": "answers"}}
LINES = {
    "reader": "parallel_text",
    "fields": {"source": "source", "target": "target"},
    "reader_args": {"columns": {"source": ".en.gz", "target": ".de.gz"}},
}
SOUND = {"reader": "wav_manifest", "fields": {"id": "id", "clip": "clip", "text": "text"}}


def test_labelled_words_are_parted_into_sentences(tmp_path: Path) -> None:
    content = "我0\tB-PER\n们1\tI-PER\n\t\n\r\n好0\tO\r\n".encode()

    found = read(tmp_path, {"a.conll": content}, **WORDS, reader_args={"drop_last": 1})

    assert [(item.id, item["tokens"], item["tags"]) for item in found] == [
        ("a.conll:0", ["我", "们"], ["B-PER", "I-PER"]),
        ("a.conll:1", ["好"], ["O"]),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a\tB-PER\nb\n", "Line 2 of a.conll has 1 columns, not 2"),
        (b"a\n", "has 1 columns, not 2"),
        (b"a\tPER\n", "no IOB label"),
        (b"\tO\n", "no word"),
        (b"\n\n", "no item"),
    ],
)
def test_labelled_words_of_another_form_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        read(tmp_path, {"a.conll": content}, **WORDS)


def questions(*answers: str) -> bytes:
    asked = {"id": "q1", "question": "Who?", "answers": [{"text": text, "answer_start": 0} for text in answers]}
    return json.dumps({"data": [{"paragraphs": [{"context": "It was I.", "qas": [asked]}]}]}).encode()


def test_each_question_has_its_context_and_all_its_answers(tmp_path: Path) -> None:
    (item,) = read(tmp_path, {"a.json": questions("I", "it was I")}, **QUESTIONS)

    assert (item.id, item.values) == ("q1", {"q": "Who?", "c": "It was I.", "a": ["I", "it was I"]})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{}", "form of SQuAD"),
        (b"[1]", "form of SQuAD"),
        (b"{", "form of SQuAD"),
        (questions(), "q1 .* has no answer"),
    ],
)
def test_questions_of_another_form_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        read(tmp_path, {"a.json": content}, **QUESTIONS)


def test_lines_side_by_side_belong_together_packed_or_not(tmp_path: Path) -> None:
    files = {"t.en.gz": gzip.compress(b"one\ntwo\n"), "t.de.gz": gzip.compress(b"eins\nzwei\n")}

    found = read(tmp_path, files, **LINES)

    assert [item.values for item in found] == [
        {"source": "one", "target": "eins"},
        {"source": "two", "target": "zwei"},
    ]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"t.en.gz": gzip.compress(b"one\n"), "t.de.gz": gzip.compress(b"a\nb\n")}, "source 1, target 2"),
        ({"t.en.gz": gzip.compress(b"one\n")}, "0 files of the split end in '.de.gz'"),
        ({"t.en.gz": b"one\n", "t.de.gz": gzip.compress(b"a\n")}, "no gzip file"),
        ({"t.en.gz": gzip.compress(b"one\n")[:-4], "t.de.gz": gzip.compress(b"a\n")}, "cut short"),
    ],
)
def test_lines_that_do_not_belong_together_are_refused(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        read(tmp_path, files, **LINES)


def sound(*, channels: int = 1, width: int = 2, samples: int = 80) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as target:
        target.setnchannels(channels)
        target.setsampwidth(width)
        target.setframerate(8000)
        target.writeframes(b"\x01" * channels * width * samples)
    return stream.getvalue()


def listed(content: bytes, file: str = "wav/a.wav") -> bytes:
    row = {"id": "a", "text": "one", "file": file, "sha256": hashlib.sha256(content).hexdigest()}
    return json.dumps(row).encode() + b"\n"


def test_a_list_pins_each_clip(tmp_path: Path) -> None:
    content = sound()

    (item,) = read(tmp_path, {"list.jsonl": listed(content), "wav/a.wav": content}, **SOUND)

    assert (item.id, item["text"], item["clip"].rate, item["clip"].seconds) == ("a", "one", 8000, 0.01)


@pytest.mark.parametrize(
    ("manifest", "clip", "reason"),
    [
        (listed(sound()), sound(samples=81), "not the listed clip"),
        (listed(sound(channels=2)), sound(channels=2), "not mono sound"),
        (listed(sound(width=1)), sound(width=1), "not mono sound"),
        (listed(sound(samples=0)), sound(samples=0), "not mono sound"),
        (listed(b"noise"), b"noise", "no sound that is read here"),
        (listed(sound(), "../a.wav"), sound(), "outside its folder"),
        (listed(sound(), "/etc/passwd"), sound(), "outside its folder"),
        (listed(sound(), "wav/b.wav"), sound(), "is not there"),
        (b'{"id": "a", "text": "one", "file": "wav/a.wav"}\n', sound(), "lacks `file` or `sha256`"),
    ],
)
def test_clips_that_are_not_what_was_listed_are_refused(
    tmp_path: Path, manifest: bytes, clip: bytes, reason: str
) -> None:
    with pytest.raises(BadData, match=reason):
        read(tmp_path, {"list.jsonl": manifest, "wav/a.wav": clip}, **SOUND)


def test_a_set_needs_its_declared_files_and_the_clips_of_its_list() -> None:
    benchmark = benchmarks.parse(declared(**SOUND, reader_args={"clips": "wav/"}))

    assert benchmark.needs("data/test.jsonl")
    assert benchmark.needs("wav/a.wav")
    assert not benchmark.needs("README.md")


def test_rows_are_kept_by_the_numbers_of_a_column_and_columns_are_combined(tmp_path: Path) -> None:
    rows = [{"n": n, "a": "x", "b": "y", "letter": "B"} for n in range(5)]
    fields = {"id": {"join": ["a", "n"], "by": ":"}, "both": {"list": ["a", "b"]}, "text": ["a", "b"]}
    fields |= {"gold": {"column": "letter", "index_in": ["A", "B"]}}
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()

    found = read(
        tmp_path, {"a.jsonl": content}, fields=fields, reader_args={"where": {"column": "n", "from": 1, "to": 2}}
    )

    assert [item.id for item in found] == ["x:1", "x:2"]
    assert found[0].values == {"both": ["x", "y"], "text": "x y", "gold": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fields": {"gold": {"column": "letter", "index_in": ["A"]}}}, "none of"),
        ({"fields": {"gold": {"nonsense": 1}}}, "cannot be read as declared"),
        ({"reader_args": {"where": {"column": "letter", "from": 1, "to": 2}}, "fields": {}}, "no whole number"),
        ({"reader_args": {"where": 7}, "fields": {}}, "cannot be read as declared"),
    ],
)
def test_a_declaration_that_does_not_fit_its_rows_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadData, match=reason):
        read(tmp_path, {"a.jsonl": b'{"letter": "B"}\n'}, **changes)


@pytest.mark.parametrize(
    ("reader", "content", "reason"),
    [
        ("csv", b"a,b\nc\n", "Row 2 has 1 cells, not 2"),
        ("csv", b'a,"b"x\n', "cannot be read"),
        ("tsv", b"a\tb\nc\td\te\n", "Row 2 has 3 cells, not 2"),
    ],
)
def test_tables_with_uneven_rows_are_refused(tmp_path: Path, reader: str, content: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        read(tmp_path, {"a": content}, reader=reader, fields={"text": 0})
