"""Readers of files with a structure: labelled words, questions on texts, lines side by side, and recorded speech."""

from __future__ import annotations

import hashlib
import io
import json
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from evaluation.benchmarks.rows import ROW_READERS, BadData, Columns, decoded, lines_of
from evaluation.metrics.entities import is_label

MAX_CLIP_BYTES = 20_000_000
Place = tuple[str, Columns]


@dataclass(frozen=True)
class Source:
    """A verified file of the split that is read: its path and its unpacked content."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Clip:
    """Recorded speech: mono, 16-bit little-endian samples."""

    pcm: bytes = field(repr=False)
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


Reader = Callable[[Sequence[Source], Path, Mapping[str, Any]], Iterator[Place]]


def by_file(name: str) -> Reader:
    """A reader that takes each file by itself, its rows numbered from 0."""

    def read(sources: Sequence[Source], folder: Path, arguments: Mapping[str, Any]) -> Iterator[Place]:
        for source in sources:
            rows = ROW_READERS[name](source.content, arguments)
            yield from numbered(source.path, rows)

    return read


def numbered(path: str, rows: Iterator[Columns]) -> Iterator[Place]:
    for number, row in enumerate(rows):
        yield f"{PurePosixPath(path).name}:{number}", row


def conll(sources: Sequence[Source], folder: Path, arguments: Mapping[str, Any]) -> Iterator[Place]:
    """A word and its label a line, sentences parted by empty lines: rows with `tokens` and `tags`.

    Arguments: `separator` (a tab), `token` and `tag` (column numbers, 0 and -1), `drop_last` (characters at a token's
    end that are no part of it).
    """
    for source in sources:
        yield from numbered(source.path, _sentences(source, arguments))


def squad(sources: Sequence[Source], folder: Path, arguments: Mapping[str, Any]) -> Iterator[Place]:
    """SQuAD's form: one row a question, with `id`, `question`, `context` and `answers` (texts)."""
    for source in sources:
        yield from numbered(source.path, _questions(source, arguments))


def parallel_text(sources: Sequence[Source], folder: Path, arguments: Mapping[str, Any]) -> Iterator[Place]:
    """Line n of each file belongs together. `columns` names the column of each file by the end of its path."""
    endings = arguments.get("columns")
    if not isinstance(endings, dict) or not endings:
        raise BadData("The reader needs `columns`: a column for the end of each file's path.")
    texts: dict[str, list[str]] = {}
    for column, ending in endings.items():
        found = [source for source in sources if source.path.endswith(str(ending))]
        if len(found) != 1:
            raise BadData(f"{len(found)} files of the split end in {ending!r}; it must be one.")
        texts[column] = lines_of(found[0].content, arguments)
    if len({len(lines) for lines in texts.values()}) != 1:
        counts = ", ".join(f"{column} {len(lines):,}" for column, lines in texts.items())
        raise BadData(f"The files have different numbers of lines: {counts}.")
    rows = (dict(zip(texts, lines, strict=True)) for lines in zip(*texts.values(), strict=True))
    yield from numbered("line", rows)


def wav_manifest(sources: Sequence[Source], folder: Path, arguments: Mapping[str, Any]) -> Iterator[Place]:
    """A list in JSON lines that pins each clip by `file` and `sha256`: its rows, with the sound as `clip`."""
    for source in sources:
        base = PurePosixPath(source.path).parent
        for place, row in numbered(source.path, ROW_READERS["jsonl"](source.content, arguments)):
            yield place, {**row, "clip": _clip(folder, base, row, place)}


def pinned_clips(content: bytes, path: str) -> Iterator[tuple[str, str]]:
    """The clips that a list pins: path in the data set, and SHA-256.

    Raises:
        BadData: a row names no clip inside the list's folder, or no hash.
    """
    base = PurePosixPath(path).parent
    for place, row in numbered(path, ROW_READERS["jsonl"](content, {})):
        yield _clip_path(base, row, place).as_posix(), str(row["sha256"])


READERS: dict[str, Reader] = {
    **{name: by_file(name) for name in ROW_READERS},
    "conll": conll,
    "squad": squad,
    "parallel_text": parallel_text,
    "wav_manifest": wav_manifest,
}


def _sentences(source: Source, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    separator = str(arguments.get("separator", "\t"))
    token, tag = int(arguments.get("token", 0)), int(arguments.get("tag", -1))
    drop, width = int(arguments.get("drop_last", 0)), 0
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*lines_of(source.content, arguments), ""], start=1):
        if not line.strip():
            if tokens:
                yield {"tokens": tokens, "tags": tags}
            tokens, tags = [], []
            continue
        cells = line.split(separator)
        width = width or len(cells)
        if len(cells) != width or width < 2:
            raise BadData(f"Line {number} of {source.path} has {len(cells)} columns, not {max(width, 2)}.")
        if not is_label(cells[tag]):
            raise BadData(f"Line {number} of {source.path} has the label {cells[tag][:40]!r}, which is no IOB label.")
        word = cells[token][: len(cells[token]) - drop]
        if not word:
            raise BadData(f"Line {number} of {source.path} has no word.")
        tokens.append(word)
        tags.append(cells[tag])


def _questions(source: Source, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    try:
        articles = json.loads(decoded(source.content, arguments))["data"]
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    answers = [str(answer["text"]) for answer in question["answers"]]
                    if not answers:
                        raise BadData(f"{question['id']} in {source.path} has no answer.")
                    yield {
                        "id": str(question["id"]),
                        "question": str(question["question"]),
                        "context": str(paragraph["context"]),
                        "answers": answers,
                    }
    except BadData:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"{source.path} does not have the form of SQuAD.") from error


def _clip_path(base: PurePosixPath, row: Columns, place: str) -> PurePosixPath:
    name, digest = row.get("file"), row.get("sha256")
    if not isinstance(name, str) or not isinstance(digest, str):
        raise BadData(f"{place} lacks `file` or `sha256`.")
    path = base / name
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise BadData(f"{place} names a clip outside its folder.")
    return path


def _clip(folder: Path, base: PurePosixPath, row: Columns, place: str) -> Clip:
    """One clip, if it is the listed one and mono sound of 16 bits."""
    path, digest = _clip_path(base, row, place), row["sha256"]
    try:
        with (folder / path).open("rb") as stream:
            content = stream.read(MAX_CLIP_BYTES + 1)
    except OSError as error:
        raise BadData(f"{path} is not there.") from error
    if len(content) > MAX_CLIP_BYTES or hashlib.sha256(content).hexdigest() != digest:
        raise BadData(f"{path} is not the listed clip: its SHA-256 differs.")
    try:
        with wave.open(io.BytesIO(content)) as sound:
            shape = (sound.getnchannels(), sound.getsampwidth())
            rate, pcm = sound.getframerate(), sound.readframes(sound.getnframes())
    except (wave.Error, EOFError) as error:
        raise BadData(f"{path} is no sound that is read here: {error}.") from error
    if shape != (1, 2) or rate < 1000 or not pcm:
        raise BadData(f"{path} is not mono sound of 16 bits.")
    return Clip(pcm, rate)
