"""Models behind one face: `recognise` tells what a folder holds, `load` loads it.

No code of a repository is ever run and no pickle ever opened. The hub measures models through this very package.
"""

from __future__ import annotations

from pathlib import Path

from smallhub._exceptions import UnsupportedModel

from ._files import read_object, weight_files
from ._formats import load_format, recognise_format
from ._kinds import recognise_transformers
from ._types import (
    Answer,
    Capability,
    Classification,
    Explanation,
    Generation,
    Likelihood,
    Model,
    PrefixRule,
    Recognised,
    Task,
)
from ._unloadable import unloadable

__all__ = [
    "Answer",
    "Capability",
    "Classification",
    "Explanation",
    "Generation",
    "Likelihood",
    "Model",
    "PrefixRule",
    "Recognised",
    "Task",
    "UnsupportedModel",
    "load",
    "recognise",
]


def recognise(folder: Path) -> Recognised:
    """Tell from the files what a folder holds. Imports nothing heavy, reads JSON and weight headers alone.

    Raises:
        UnsupportedModel: nothing that we load; `code` says why: `missing_file`, `broken_json`, `broken_weights`,
            `pickle_weights`, `no_weights`, `missing_shard`, `adapter`, `quantised`, `unsupported_architecture`,
            `no_sampling_rate` …
    """
    folder = Path(folder)
    if own := recognise_format(folder):
        return own
    if not (folder / "config.json").is_file():
        raise _without_config(folder)
    config = read_object(folder / "config.json")
    weight_files(folder)
    return recognise_transformers(folder, config)


def load(folder: Path, *, threads: int | None = None) -> Model:
    """Load the model of a folder on the CPU, in 32-bit floats.

    Args:
        threads: how many threads torch may use, in this whole process; None leaves that as it is.

    Raises:
        UnsupportedModel: the folder is not recognised, or its files contradict each other.
        ImportError: a package is missing; `pip install "smallhub[models]"` brings all.
    """
    folder = Path(folder)
    found = recognise(folder)
    if model := load_format(folder, found, threads=threads):
        return model
    from .transformers import load_transformers

    return load_transformers(folder, found, threads=threads)


def _without_config(folder: Path) -> UnsupportedModel:
    if (folder / "adapter_config.json").is_file():
        return UnsupportedModel(
            "adapter", "This is an adapter without its base model; merge them, then push the whole."
        )
    return unloadable(folder) or UnsupportedModel(
        "missing_file", "There is no config.json, so nothing says what the weights are."
    )
