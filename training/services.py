"""What training does: fill a new hub with the core suite and the starter catalogue, and make models again."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import smallhub
from smallhub import SmallhubError

from evaluation.services.datasets import publisher
from evaluation.services.suites import CORE_SUITE, publish_core_suite
from hub.core.exceptions import HubError
from training.exceptions import BadRecipe, DataChanged, PackageAbsent
from training.recipes.data import PinnedFile, Say, Source
from training.recipes.record import RECORD_FILE, WEIGHTS_FILE, recipe_of
from training.starter.catalogue import CATALOGUE
from training.starter.checking import check_answers
from training.starter.door import Door, client_at, fetch_at, open_door
from training.starter.parts import Part, TrainedPart


class PartState(StrEnum):
    """How it went with one part."""

    UNCHANGED = "unchanged"
    PUBLISHED = "published"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True)
class PartReport:
    """One part and what became of it; `reason` says why, for people."""

    name: str
    state: PartState
    reason: str = ""


def seed_hub(
    *, endpoint: str, folder: Path, say: Say, suite: Path = CORE_SUITE, parts: Sequence[Part] = CATALOGUE
) -> list[PartReport] | None:
    """Publish the core suite, then bring the catalogue up to date through the hub's public API.

    Safe to repeat, and to kill at any moment. A part is left alone when its repository says that it was made from the
    same recipe and data; a model that was trained but not yet published is not trained again. One failing part does
    not stop the others.

    Args:
        endpoint: address of the running hub.
        folder: for the lock, trained models on their way, and the client's cache.

    Returns:
        What became of each part; None if another process is at it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder / "lock") as is_mine:
        if not is_mine:
            return None
        sets = publish_core_suite(folder=suite)
        renewed = sum(report.data_changed or report.version_changed for report in sets)
        say(f"core suite: {len(sets)} benchmarks, {renewed} of them new or renewed.")
        with open_door(endpoint=endpoint, user=publisher(), cache=folder / "cache") as door:
            reports = [_bring(part, door, folder / "models", say) for part in parts]
        shutil.rmtree(folder / "cache", ignore_errors=True)  # The data sets are on the hub; a copy is of no use.
        return reports


@dataclass(frozen=True)
class Rebuilt:
    """Two models by one recipe, as the SHA-256 of their weights."""

    published_sha256: str
    rebuilt_sha256: str

    @property
    def is_same(self) -> bool:
        return self.published_sha256 == self.rebuilt_sha256


def rebuild(*, name: str, endpoint: str, folder: Path, say: Say) -> Rebuilt:
    """Train a published model again by its own `recipe.json`, on the very data that it names.

    Args:
        name: `ns/name`, with `@revision` if wanted.
        folder: takes the new model's files.

    Raises:
        BadRecipe: the model has none, or one that is not for training here.
        DataChanged: the commit's data are not what the recipe says; nothing is trained then.
    """
    with client_at(endpoint):
        published = smallhub.pull(name, progress=False)
        try:
            content = json.loads((published / RECORD_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadRecipe(reason=f"{name} has no readable {RECORD_FILE}.") from error
        recipe = recipe_of(content)
        files = [_exact(row, source) for row, source in zip(content["data"], recipe.sources, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    recipe.train(files, folder, say=say)
    return Rebuilt(*(_sha256(place / WEIGHTS_FILE) for place in (published, folder)))


def _exact(row: dict[str, Any], source: Source) -> PinnedFile:
    file = fetch_at(source, str(row.get("commit")))
    if file.sha256 != row.get("sha256"):
        raise DataChanged(repository=source.repository, path=source.path, commit=file.commit)
    return file


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bring(part: Part, door: Door, folder: Path, say: Say) -> PartReport:
    def tell(line: str) -> None:
        say(f"{part.name}: {line}")

    try:
        report = _bring_up_to_date(part, door, folder, tell)
    except PackageAbsent as error:
        report = PartReport(part.name, PartState.ABSENT, str(error))
    except ImportError as error:
        report = PartReport(part.name, PartState.ABSENT, f"{error.name or error} is not installed.")
    except (HubError, SmallhubError, OSError) as error:
        report = PartReport(part.name, PartState.FAILED, str(error))
    tell(f"{report.state}. {report.reason}".rstrip())
    return report


def _bring_up_to_date(part: Part, door: Door, folder: Path, tell: Say) -> PartReport:
    mark = part.fingerprint(door.fetch)
    if door.published_fingerprint(part.name) == mark:
        return PartReport(part.name, PartState.UNCHANGED)
    built = folder / f"{part.name}-{mark[:16]}"
    if not (built / RECORD_FILE).is_file():
        _build(part, door, built, tell)
    commit = door.publish(part.name, built)
    shutil.rmtree(built)
    return PartReport(part.name, PartState.PUBLISHED, f"Commit {commit[:8]}.")


def _build(part: Part, door: Door, built: Path, tell: Say) -> None:
    """Fill a folder. It gets its name only when it is whole, so a killed run leaves nothing that looks finished."""
    unfinished = built.with_name(f"{built.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(built, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        part.build(unfinished, door.fetch, say=tell)
        if isinstance(part, TrainedPart):
            check_answers(unfinished)  # Models of others are opened in the sandbox alone, when they are measured.
        unfinished.rename(built)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _only_one(path: Path) -> Iterator[bool]:
    """Hold a lock that ends with this process, however it ends; yields whether it was free."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
