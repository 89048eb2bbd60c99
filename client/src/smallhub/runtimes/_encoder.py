"""Sentence encoders: a transformer, a way to pool its vectors, perhaps a norm of one.

How to pool comes from the model's own files, in the layout of sentence-transformers: `modules.json` lists the steps,
`<step>/config.json` says how each works, `sentence_bert_config.json` how long a text may be. Without them: the mean
over all tokens that are no padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForTextEncoding

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._clean import clean_room
from smallhub.runtimes._files import read_json, read_object, weight_files
from smallhub.runtimes._library import context_length, read_network, read_tokenizer, stored_dtypes
from smallhub.runtimes._torch import exact, parameter_count
from smallhub.runtimes._types import ENCODER, Model, Recognised, Runtime

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

_BATCH_TEXTS = 32


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer behind the pooling: another dimension, perhaps bent by a function."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    activation: Callable[[torch.Tensor], torch.Tensor]

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.activation(torch.nn.functional.linear(vectors, self.weight, self.bias))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How token vectors become a text's vector."""

    pooling: tuple[str, ...] = ("mean",)
    is_normalised: bool = False
    is_lower_cased: bool = False
    max_tokens: int | None = None
    dense: tuple[Dense, ...] = ()
    prompt: str = ""  # What stands before each text, as the model's own settings have it.


class EncoderModel(Model):
    """Turns texts into vectors."""

    runtime: ClassVar[Runtime] = "transformers"

    def __init__(self, network: Any, tokenizer: Any, recipe: Recipe, dtypes: list[str]) -> None:
        self.task = "sentence-similarity"
        self.capabilities = ENCODER
        self.network = network
        self.tokenizer = tokenizer
        self.recipe = recipe
        self._dtypes = dtypes
        limits = [limit for limit in (context_length(network.config, tokenizer), recipe.max_tokens) if limit]
        self.context_length = min(limits) if limits else None

    @classmethod
    def read(cls, folder: Path, found: Recognised) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: a step of the recipe is one we do not know, or the weights do not fit.
        """
        recipe = read_recipe(folder)
        with clean_room(folder) as (room, config):
            # Of families that also write texts, the half that reads is a class of its own.
            kind = AutoModelForTextEncoding if found.architecture.endswith("EncoderModel") else AutoModel
            network = read_network(kind, room, config, may_lack=("pooler.",))
            return cls(network, read_tokenizer(room), recipe, stored_dtypes(folder))

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": type(self.network).__name__,
            "parameters": parameter_count(self.network),
            "context_length": self.context_length,
            "vocabulary_size": int(self.network.config.vocab_size),
            "tokenizer_size": len(self.tokenizer),
            "labels": None,
            "prefix_token": None,
            "dtype": "float32",
            "stored_dtypes": self._dtypes,
            "dimension": self._dimension,
            "prompt": self.recipe.prompt,
            "pooling": list(self.recipe.pooling),
            "normalised": self.recipe.is_normalised,
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens around it."""
        return [int(number) for number in self.tokenizer.encode(text, add_special_tokens=False, verbose=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return str(self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts; shape (texts, dimension). What is beyond the context is cut off."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        encoded = [self._ids(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda number: len(encoded[number]))
        for start in range(0, len(order), _BATCH_TEXTS):
            group = order[start : start + _BATCH_TEXTS]
            vectors[group] = self._vectors([encoded[number] for number in group]).numpy()
        return vectors

    @property
    def _dimension(self) -> int:
        if self.recipe.dense:
            return int(self.recipe.dense[-1].weight.shape[0])
        return int(self.network.config.hidden_size) * len(self.recipe.pooling)

    def _ids(self, text: str) -> list[int]:
        text = self.recipe.prompt + text
        if self.recipe.is_lower_cased:
            text = text.lower()
        limit = self.context_length
        ids = self.tokenizer.encode(text, truncation=limit is not None, max_length=limit, verbose=False)
        return [int(number) for number in ids] or [self.tokenizer.pad_token_id or 0]

    def _vectors(self, rows: list[list[int]]) -> torch.Tensor:
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id or 0)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        with exact():
            hidden = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
            vector = torch.cat([POOLINGS[name](hidden, mask) for name in self.recipe.pooling], dim=-1)
            for layer in self.recipe.dense:
                vector = layer(vector)
            return torch.nn.functional.normalize(vector, dim=-1) if self.recipe.is_normalised else vector


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _mean_by_root(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9).sqrt()


def _weighted_mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Later tokens weigh more: the first once, the second twice, and so on."""
    weights = (mask * torch.arange(1, mask.shape[1] + 1)).unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _maximum(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, -torch.inf).max(1).values


def _first(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    del mask
    return hidden[:, 0]


def _last(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden[torch.arange(len(hidden)), mask.sum(1) - 1]


# In the order in which sentence-transformers puts several poolings side by side.
POOLINGS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cls": _first,
    "max": _maximum,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_by_root,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "Identity": lambda vectors: vectors,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
    "Sigmoid": torch.sigmoid,
}
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def read_recipe(folder: Path) -> Recipe:
    """Read how the model pools.

    Raises:
        UnsupportedModel: `unsupported_module` for a step that is neither transformer, pooling, dense layer nor norm.
    """
    if not (folder / "modules.json").is_file():
        return Recipe()
    steps = read_json(folder / "modules.json")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise UnsupportedModel("broken_json", "modules.json holds no list of steps.", file="modules.json")
    pooling, is_normalised = Recipe().pooling, False
    dense: list[Dense] = []
    for step in steps:
        kind = str(step.get("type", "")).rsplit(".", 1)[-1]
        if kind == "Pooling":
            pooling = _read_pooling(folder, str(step.get("path", "")))
        elif kind == "Dense" and not is_normalised:
            dense.append(_read_dense(folder, str(step.get("path", ""))))
        elif kind == "Normalize":
            is_normalised = True
        elif kind != "Transformer" or step.get("path"):
            raise UnsupportedModel("unsupported_module", f"modules.json has a step {kind!r}, which is not loaded yet.")
    max_tokens, is_lower_cased = _read_limits(folder)
    return Recipe(pooling, is_normalised, is_lower_cased, max_tokens, tuple(dense), _read_prompt(folder))


def _step_config(folder: Path, path: str) -> dict[str, Any]:
    # The path is the model's own word: it may name a folder in the model, and nothing else.
    if not path or "/" in path or "\\" in path or path.startswith("."):
        raise UnsupportedModel("broken_config", f"modules.json names a folder {path!r}.", file="modules.json")
    return read_object(folder / path / "config.json")


def _read_dense(folder: Path, path: str) -> Dense:
    """A dense layer from its own folder.

    Raises:
        UnsupportedModel: its weights are a pickle or do not fit, or its function is none of ours.
    """
    config = _step_config(folder, path)
    name = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rsplit(".", 1)[-1]
    if name not in ACTIVATIONS:
        raise UnsupportedModel("unsupported_module", f"{path}/config.json asks for the function {name!r}.")
    (file, *_) = weight_files(folder / path)
    try:
        tensors = load_file(folder / path / file)
    except Exception as error:
        raise UnsupportedModel("broken_weights", f"{path}/{file} cannot be read.", file=f"{path}/{file}") from error
    weight, bias = tensors.get("linear.weight"), tensors.get("linear.bias")
    shape = (config.get("out_features"), config.get("in_features"))
    if weight is None or tuple(weight.shape) != shape or (bias is None) == bool(config.get("bias", True)):
        raise UnsupportedModel("broken_weights", f"{path}/{file} does not fit its config.json.", file=f"{path}/{file}")
    return Dense(weight.float(), None if bias is None else bias.float(), ACTIVATIONS[name])


def _read_prompt(folder: Path) -> str:
    """The words before each text that `config_sentence_transformers.json` names as the default."""
    path = folder / "config_sentence_transformers.json"
    config = read_object(path) if path.is_file() else {}
    prompts, name = config.get("prompts"), config.get("default_prompt_name")
    found = prompts.get(name) if isinstance(prompts, dict) and isinstance(name, str) else None
    return found if isinstance(found, str) else ""


def _read_pooling(folder: Path, path: str) -> tuple[str, ...]:
    config = _step_config(folder, path)
    named = config.get("pooling_mode")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list):
        names = [name for flag, name in _FLAGS.items() if config.get(flag)]
    chosen = tuple(name for name in POOLINGS if name in names)
    if not chosen or len(chosen) != len(names):
        raise UnsupportedModel("unsupported_module", f"{path}/config.json asks for the poolings {names}.")
    return chosen


def _read_limits(folder: Path) -> tuple[int | None, bool]:
    path = folder / "sentence_bert_config.json"
    config = read_object(path) if path.is_file() else {}
    limit = config.get("max_seq_length")
    return (limit if isinstance(limit, int) and limit > 0 else None), bool(config.get("do_lower_case"))
