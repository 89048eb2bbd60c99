"""`recipe.json`: what a trained model keeps of how it was made; enough to make it again."""

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.exceptions import BadRecipe
from training.recipes.classifier import ClassifierRecipe
from training.recipes.data import Outcome, PinnedFile, Recipe, Source
from training.recipes.ngram import NgramRecipe
from training.recipes.recurrent import RecurrentRecipe

RECORD_FILE = "recipe.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = 1
KINDS: Mapping[str, type[NgramRecipe] | type[RecurrentRecipe] | type[ClassifierRecipe]] = {
    kind.kind: kind for kind in (NgramRecipe, RecurrentRecipe, ClassifierRecipe)
}
_PACKAGES = ("smallhub", "numpy", "torch", "transformers", "tokenizers")


def fingerprint(recipe: Recipe, files: Sequence[PinnedFile], *, card: str) -> str:
    """SHA-256 of all that decides what is published: kind, settings, the data's bytes, and the card's template.

    Versions of packages are left out: an upgrade of the server is no reason to train everything again.
    """
    decisive = {
        "kind": recipe.kind,
        "revision": recipe.revision,
        "settings": settings_of(recipe),
        "data": [[file.source.repository, file.source.path, file.sha256] for file in files],
        "card": hashlib.sha256(card.encode()).hexdigest(),
    }
    return digest(decisive)


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def record(recipe: Recipe, files: Sequence[PinnedFile], outcome: Outcome, *, mark: str, folder: Path) -> dict[str, Any]:
    """The content of `recipe.json` for what lies in `folder`."""
    return {
        "format": FORMAT,
        "fingerprint": mark,
        "kind": recipe.kind,
        "revision": recipe.revision,
        "settings": settings_of(recipe),
        "data": [
            {
                "repository": file.source.repository,
                "commit": file.commit,
                "path": file.source.path,
                "sha256": file.sha256,
                "bytes": file.size_bytes,
            }
            for file in files
        ],
        "made_with": versions(),
        "outcome": {
            "seconds": outcome.seconds,
            "parameters": outcome.parameters,
            "weights_sha256": hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
            **outcome.figures,
        },
    }


def write(folder: Path, content: Mapping[str, Any]) -> None:
    """Put `recipe.json` into a folder."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def recipe_of(content: Any) -> Recipe:
    """The recipe that a `recipe.json` describes; training it on the data that the file names makes the model again.

    Raises:
        BadRecipe: an unknown kind or setting, or one of the wrong type.
    """
    try:
        kind = KINDS[content["kind"]]
        settings = dict(content["settings"])
        data = content["data"]
        if content["revision"] != kind.revision:
            raise BadRecipe(reason=f"it was made by revision {content['revision']} of the code, this is another.")
        sources = tuple(Source(str(row["repository"]), str(row["path"])) for row in data)
        if "labels" in settings:
            settings["labels"] = tuple(settings["labels"])
        return kind(sources=sources, **settings)
    except (KeyError, TypeError) as error:
        raise BadRecipe(reason=f"{type(error).__name__}: {error}"[:200]) from error


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """All fields of a recipe but its sources, which the record lists with their hashes."""
    values = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    del values["sources"]
    return values


def versions() -> dict[str, str]:
    """What trained it. The last bits of weights may differ between versions and processors."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
