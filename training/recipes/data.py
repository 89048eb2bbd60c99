"""What recipes are trained on: files of data sets on the hub, pinned by commit and SHA-256."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from training.exceptions import BadTrainingData

T = TypeVar("T")
Say = Callable[[str], None]  # Takes one line of progress for a person.


@dataclass(frozen=True)
class Source:
    """A file of a data set, one JSON object with a `text` per line."""

    repository: str
    path: str = "data/train.jsonl"


@dataclass(frozen=True)
class PinnedFile:
    """A source as it is at one commit, with its bytes on this disk."""

    source: Source
    commit: str
    local: Path
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, source: Source, *, commit: str, local: Path) -> "PinnedFile":
        """Hash a local copy of the source."""
        content = local.read_bytes()
        return cls(source, commit, local, hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True)
class Example:
    """A text with its label."""

    text: str
    label: str


@dataclass(frozen=True)
class Outcome:
    """What a training run was.

    Attributes:
        seconds: wall time of the training, reading included.
        parameters: how many numbers the model has learnt.
        figures: what was measured on the way, by name; always on texts that the measured model had not seen.
    """

    seconds: float
    parameters: int
    figures: Mapping[str, float]


class Recipe(Protocol):
    """What every recipe can do. `revision` is raised when the code changes what the same settings give."""

    kind: ClassVar[str]
    revision: ClassVar[int]
    __dataclass_fields__: ClassVar[dict[str, Any]]  # Recipes are dataclasses: their fields are the settings.

    @property
    def sources(self) -> tuple[Source, ...]:
        """What it is trained on."""

    def train(self, files: Sequence[PinnedFile], folder: Path, *, say: Say) -> Outcome:
        """Train on the files of `sources`, in their order, and write the model's files into `folder`."""


def read_texts(file: PinnedFile) -> list[str]:
    """All texts of a file, in its order.

    Raises:
        BadTrainingData: a line is no JSON object with a text.
    """
    return [text for (text,) in _columns(file, "text")]


def read_examples(file: PinnedFile) -> list[Example]:
    """All texts of a file with their labels, in its order.

    Raises:
        BadTrainingData: a line is no JSON object with text and label.
    """
    return [Example(text, label) for text, label in _columns(file, "text", "label")]


def hold_out(items: Sequence[T], *, every: int) -> tuple[list[T], list[T]]:
    """Part items into those to learn from and every `every`-th one, which is kept back for checking."""
    return [item for n, item in enumerate(items) if n % every], list(items[::every])


def _columns(file: PinnedFile, *keys: str) -> Iterator[tuple[str, ...]]:
    """The values of these keys, line by line. Only a line feed ends a line: texts may hold other separators."""
    lines = file.local.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            values = tuple(row[key] for key in keys)
        except (ValueError, TypeError, LookupError):
            values = ()
        if not values or not all(isinstance(value, str) and value for value in values):
            raise BadTrainingData(repository=file.source.repository, path=file.source.path, line=number)
        yield values
