"""What our own torch families share: a vocabulary of units, three files, and the checks when they are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._files import read_object
from smallhub.runtimes._torch import check_finite, parameter_count
from smallhub.runtimes._types import Model
from smallhub.runtimes._units import BEGIN, Vocabulary

MAX_WIDTH = 8192
MAX_LAYERS = 256
MAX_CONTEXT = 65_536


class NativeModel(Model):
    """A network with a vocabulary of bytes, characters or words."""

    model_type: str

    def __init__(self, network: torch.nn.Module, vocabulary: Vocabulary, sizes: dict[str, int], notes: Any) -> None:
        self.network: Any = network.eval()
        self.vocabulary = vocabulary
        self.sizes = sizes
        self._notes = notes

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": self.model_type,
            "parameters": parameter_count(self.network),
            "context_length": self.sizes["context"],
            "vocabulary_size": self.vocabulary.size,
            "labels": None,
            "prefix_token": {"text": "<s>", "id": BEGIN, "rule": "document_separator"},
            "dtype": "float32",
            "unit": self.vocabulary.unit,
            **{name: size for name, size in self.sizes.items() if name != "context"},
            **self._notes,
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        return [int(number) for number in self.vocabulary.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self.vocabulary.decode(ids)

    def save(self, folder: Path) -> None:
        """Write the three files into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        self.vocabulary.save(folder)
        config = {
            "model_type": self.model_type,
            "architectures": [self.model_type.title().replace("-", "")],
            "format_version": 1,
            "unit": self.vocabulary.unit,
            "vocabulary_size": self.vocabulary.size,
            **self.sizes,
            "notes": self._notes,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_config(folder: Path, names: Sequence[str]) -> tuple[dict[str, int], Vocabulary, dict[str, Any]]:
    """The sizes, the vocabulary and the notes of a model.

    Raises:
        UnsupportedModel: a size is missing or out of range, or the files differ in the vocabulary.
    """
    config = read_object(folder / "config.json")
    limits = {"width": MAX_WIDTH, "context": MAX_CONTEXT}
    sizes = {name: config.get(name) for name in names}
    is_sound = all(type(size) is int and 0 < size <= limits.get(name, MAX_LAYERS) for name, size in sizes.items())
    if config.get("format_version") != 1 or not is_sound:
        raise UnsupportedModel("broken_model", "config.json is not of this format, or a size is out of range.")
    sound = {name: int(size) for name, size in sizes.items() if size is not None}
    if sound["width"] % sound["heads"]:
        raise UnsupportedModel("broken_model", "config.json: the width cannot be shared out among the heads.")
    vocabulary, notes = Vocabulary.load(folder, unit=config.get("unit")), config.get("notes") or {}
    if vocabulary.size != config.get("vocabulary_size") or not isinstance(notes, dict):
        raise UnsupportedModel("broken_model", "config.json and vocab.json differ in the size of the vocabulary.")
    return sound, vocabulary, notes


def fill(network: torch.nn.Module, folder: Path) -> None:
    """Load the weights, all of them and no other.

    Raises:
        UnsupportedModel: they do not fit the network, or one is no number.
    """
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        network.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise UnsupportedModel("broken_weights", f"model.safetensors does not fit config.json: {error}.") from error
    if broken := check_finite(network):
        raise UnsupportedModel("broken_weights", f"{broken[0]} holds NaN or infinity.")
