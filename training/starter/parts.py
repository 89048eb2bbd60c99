"""The parts of the catalogue: a model that is trained here, and a model that comes inside a Python package."""

import hashlib
import importlib.util
import shutil
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from training.exceptions import PackageAbsent, PackageChanged
from training.recipes import record
from training.recipes.data import Outcome, PinnedFile, Recipe, Say, Source

CARDS = Path(__file__).resolve().parent / "cards"
CARD_FILE = "README.md"
Fetch = Callable[[Source], PinnedFile]


class Part(Protocol):
    """One repository of the catalogue."""

    @property
    def name(self) -> str:
        """Its name in the publisher's namespace."""

    def fingerprint(self, fetch: Fetch) -> str:
        """What decides its files; a repository that says the same is up to date."""

    def build(self, folder: Path, fetch: Fetch, *, say: Say) -> None:
        """Write all files of the repository, `recipe.json` last."""


@dataclass(frozen=True)
class TrainedPart:
    """A model that is trained on data sets of this hub. Its card is `cards/<name>.md`, with the figures filled in."""

    name: str
    recipe: Recipe

    def fingerprint(self, fetch: Fetch) -> str:
        return record.fingerprint(self.recipe, self._files(fetch), card=self._card())

    def build(self, folder: Path, fetch: Fetch, *, say: Say) -> None:
        files = self._files(fetch)
        outcome = self.recipe.train(files, folder, say=say)
        (folder / CARD_FILE).write_text(filled(self._card(), outcome, folder), encoding="utf-8")
        mark = record.fingerprint(self.recipe, files, card=self._card())
        record.write(folder, record.record(self.recipe, files, outcome, mark=mark, folder=folder))

    def _files(self, fetch: Fetch) -> Sequence[PinnedFile]:
        return [fetch(source) for source in self.recipe.sources]

    def _card(self) -> str:
        return (CARDS / f"{self.name}.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class PackagedPart:
    """A pretrained model out of a Python package, file by file the one that was reviewed.

    Attributes:
        module: the package as it is imported; it is found but never run.
        files: SHA-256 by path in the package's model folder. What is not listed is not published.
        preface: a note below the card's front matter; the card is otherwise the model's own.
    """

    name: str
    package: str
    version: str
    module: str
    files: Mapping[str, str]
    preface: str

    def fingerprint(self, fetch: Fetch) -> str:
        del fetch
        return record.digest({"package": self.package, "files": dict(self.files), "preface": self.preface})

    def build(self, folder: Path, fetch: Fetch, *, say: Say) -> None:
        source = self._source()
        for path, sha256 in self.files.items():
            self._copy(source / path, folder / path, path=path, sha256=sha256)
        card = folder / CARD_FILE
        card.write_text(prefaced(card.read_text(encoding="utf-8"), self.preface), encoding="utf-8")
        say(f"{len(self.files)} files of {self.package} {self.version} are the ones that were reviewed")
        origin = {
            "format": record.FORMAT,
            "fingerprint": self.fingerprint(fetch),
            "kind": "package",
            "package": self.package,
            "version": self.version,
            "files": dict(self.files),
        }
        record.write(folder, origin)

    def _source(self) -> Path:
        """The model's folder. Finding a package without importing it runs none of its code.

        Raises:
            PackageAbsent: it is not installed.
        """
        found = importlib.util.find_spec(self.module)
        if found is None or not found.submodule_search_locations:
            raise PackageAbsent(package=self.package)
        return Path(found.submodule_search_locations[0]) / "model"

    def _copy(self, source: Path, target: Path, *, path: str, sha256: str) -> None:
        """Raises:
        PackageChanged: the file is missing or another one.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, target)
        except FileNotFoundError as error:
            raise PackageChanged(package=self.package, path=path) from error
        with target.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise PackageChanged(package=self.package, path=path)


def filled(card: str, outcome: Outcome, folder: Path) -> str:
    """A card's template with what the training gave: `$parameters`, `$seconds`, `$kilobytes`, and each figure."""
    size_bytes = (folder / record.WEIGHTS_FILE).stat().st_size
    values = {
        "parameters": f"{outcome.parameters:,}",
        "seconds": f"{outcome.seconds:.0f}" if outcome.seconds >= 1 else f"{outcome.seconds:.1f}",
        "kilobytes": f"{size_bytes / 1000:,.0f}",
    }
    for name, value in outcome.figures.items():
        values[name] = f"{value:.1%}" if name.endswith("accuracy") else f"{value:.4g}"
    return string.Template(card).substitute(values)


def prefaced(card: str, preface: str) -> str:
    """A card with a note between its front matter, which stays as it is, and its prose."""
    if not card.startswith("---\n"):
        return f"{preface.strip()}\n\n{card}"
    front, _, body = card[4:].partition("\n---\n")
    return f"---\n{front}\n---\n\n{preface.strip()}\n\n{body.lstrip()}"
