"""What all models in the transformers layout share: reading weights and tokenizer, rows of ids, the facts.

Weights come from safetensors alone and are computed with in 32-bit floats on the CPU. See `_clean` for what keeps the
library away from a repository's own code and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from transformers import AutoTokenizer
from transformers.utils import logging as library_logging

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._clean import clean_room
from smallhub.runtimes._files import read_header, weight_files
from smallhub.runtimes._gradients import Answer, Attribution, integrate
from smallhub.runtimes._torch import CANNOT, check_finite, is_of_network, parameter_count
from smallhub.runtimes._types import Model, Recognised, Runtime

MAX_LOGITS = 64 * 1024 * 1024  # Numbers in one batch of logits: 256 MB.
MAX_BATCH = 32
_SAME = 1e-2  # How far an answer from embeddings may be from the same one from ids.
_UNLIMITED = 1_000_000  # Tokenizers write "no limit" as an absurdly large number.


def read_network(kind: Any, room: Path, config: Any, *, may_lack: tuple[str, ...] = ()) -> Any:
    """Load weights into a class of the library, and see that all of them were there.

    Args:
        may_lack: beginnings of names of weights whose absence changes no answer.
    """
    try:
        with _no_bars():
            network, report = kind.from_pretrained(
                room,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except Exception as error:  # The library fails in many ways on files that do not fit.
        raise UnsupportedModel("broken_weights", f"The weights cannot be loaded: {first_line(error)}") from error
    # The library computes tables of positions itself.
    missing = [
        name
        for name in sorted(report.get("missing_keys") or [])
        if not name.endswith(("position_ids", "inv_freq")) and not name.startswith(may_lack)
    ]
    if missing:
        raise UnsupportedModel(
            "missing_weights", f"{len(missing)} weights are missing, {missing[0]} for one.", missing=missing[:20]
        )
    if mismatched := sorted(
        str(each[0] if isinstance(each, tuple) else each) for each in report.get("mismatched_keys") or ()
    ):
        raise UnsupportedModel(
            "mismatched_weights",
            f"{len(mismatched)} weights have other shapes than config.json says, {mismatched[0]} for one.",
            mismatched=mismatched[:20],
        )
    network = network.eval()
    network.unexpected_weights = sorted(report.get("unexpected_keys") or [])[:50]
    if broken := check_finite(network):
        raise UnsupportedModel("broken_weights", f"{broken[0]} holds NaN or infinity.")
    return network


@contextmanager
def _no_bars() -> Iterator[None]:
    """Keep the library from drawing on the terminal; what it did before is put back."""
    was_drawing = library_logging.is_progress_bar_enabled()
    library_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if was_drawing:
            library_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def read_tokenizer(room: Path, **settings: Any) -> Any:
    """Load the tokenizer."""
    try:
        return AutoTokenizer.from_pretrained(room, local_files_only=True, trust_remote_code=False, **settings)
    except Exception as error:  # The library fails in many ways on files that do not fit.
        raise UnsupportedModel("no_tokenizer", f"The tokenizer cannot be loaded: {first_line(error)}") from error


def stored_dtypes(folder: Path) -> list[str]:
    """The types of number that the weight files hold."""
    headers = [read_header(folder / name) for name in weight_files(folder)]
    return sorted({tensor.dtype for header in headers for tensor in header.values()})


class TransformersModel(Model):
    """What all tasks share: the tokenizer and the facts."""

    runtime: ClassVar[Runtime] = "transformers"
    auto_class: ClassVar[Any]  # The library's class that builds the network, and the table of what it builds.
    class_names: ClassVar[Any]
    tokenizer_settings: ClassVar[dict[str, Any]] = {}

    @classmethod
    def read(cls, folder: Path, found: Recognised) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: the class does not fit the configuration, or the weights or the tokenizer do not.
        """
        with clean_room(folder) as (room, config):
            check_class(found.architecture, cls.class_names, config.model_type)
            network = read_network(cls.auto_class, room, config)
            return cls(network, read_tokenizer(room, **cls.tokenizer_settings), stored_dtypes(folder))

    def __init__(self, network: Any, tokenizer: Any, dtypes: list[str]) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self._dtypes = dtypes
        self.context_length = context_length(network.config, tokenizer)
        self._check_embedding()

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
            "unexpected_weights": list(getattr(self.network, "unexpected_weights", ())),
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens around it."""
        # Longer than the context is fine here: blocks or a clear error follow. Hence no warning.
        return [int(number) for number in self.tokenizer.encode(text, add_special_tokens=False, verbose=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, special tokens included."""
        return str(self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))

    def surroundings(self) -> tuple[list[int], list[int]]:
        """The special tokens before and behind a text, told from what the tokenizer puts around one."""
        probe = self.encode("a")
        whole = [int(number) for number in self.tokenizer.encode("a", verbose=False)]
        start = next((at for at in range(len(whole)) if probe and whole[at : at + len(probe)] == probe), None)
        if start is None:
            return [], []
        return whole[:start], whole[start + len(probe) :]

    def attributed(
        self, ids: Sequence[int], is_content: Sequence[bool], answer: Answer, *, expected: float
    ) -> Attribution | None:
        """What each token adds to an answer, by integrated gradients from an input that says nothing.

        Args:
            is_content: which tokens are replaced on the way; the others stay.
            expected: the answer as the model gives it otherwise.

        Returns:
            None for networks that take no embeddings in place of ids, or answer differently then.
        """
        names = (self.tokenizer.mask_token_id, self.tokenizer.unk_token_id, self.tokenizer.pad_token_id)
        nothing = next((int(number) for number in names if number is not None), 0)
        replaced = [nothing if flag else number for number, flag in zip(ids, is_content, strict=True)]
        table = self.network.get_input_embeddings()
        with torch.no_grad():
            embedded, baseline = table(torch.tensor(list(ids))), table(torch.tensor(replaced))
        try:
            found = integrate(answer, embedded, baseline)
        except CANNOT as error:
            if not is_of_network(error):
                raise
            return None
        return found if abs(found.total - expected) <= _SAME else None

    def _check_embedding(self) -> None:
        rows = self.network.get_input_embeddings().weight.shape[0]
        if len(self.tokenizer) > rows:
            raise UnsupportedModel(
                "tokenizer_too_large",
                f"The tokenizer has {len(self.tokenizer)} ids, the embedding {rows} rows.",
                tokenizer_size=len(self.tokenizer),
                embedding_rows=rows,
            )


def context_length(config: Any, tokenizer: Any) -> int | None:
    """How many tokens the model can take, as its configuration and its tokenizer have it; None for no limit."""
    limits = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions", "max_seq_len")]
    limits.append(tokenizer.model_max_length)
    sound = [int(limit) for limit in limits if isinstance(limit, int) and 0 < limit < _UNLIMITED]
    # Models of RoBERTa's family count positions from behind the padding id.
    if config.model_type in {"roberta", "xlm-roberta", "camembert"} and config.pad_token_id is not None:
        sound = [min(limit, config.max_position_embeddings - config.pad_token_id - 1) for limit in sound]
    return min(sound) if sound else None


def check_class(architecture: str, names: Any, model_type: str) -> None:
    """See that the library knows this class for this type of model."""
    known = names.get(model_type)
    if architecture not in ((known,) if isinstance(known, str) else known or ()):
        raise UnsupportedModel(
            "unsupported_architecture",
            f"{architecture} is not the class of transformers for {model_type!r}.",
            architecture=architecture,
            model_type=model_type,
        )


def first_line(error: Exception) -> str:
    """The beginning of an error's text: the library's run over many lines."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def padded(rows: Sequence[Sequence[int]], *, fill: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids of unequal rows as one tensor, filled up on the right, and the mask of what is real."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), fill)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[number, : len(row)] = 1
    return ids, mask


def grouped(lengths: Sequence[int], *, numbers_per_token: int = 1) -> Iterator[list[int]]:
    """Places of rows in groups of like length, shortest first, so that little is padding.

    Args:
        numbers_per_token: how many numbers the answer holds for each token of a row: keeps it within memory.
    """
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        # Sorted by length, so this row is the longest of its group.
        room = max(1, min(MAX_BATCH, MAX_LOGITS // max(1, numbers_per_token * lengths[place])))
        if group and len(group) >= room:
            yield group
            group = []
        group.append(place)
    if group:
        yield group
