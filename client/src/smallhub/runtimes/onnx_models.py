"""ONNX exports of transformers, in the usual layout: `model.onnx`, `config.json`, `tokenizer.json`.

Computed with onnxruntime on the CPU, after our own reader has looked into the file. See `_onnx_file`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._files import read_json, read_object
from smallhub.runtimes._formats import onnx_file
from smallhub.runtimes._onnx_file import OnnxFile, read_onnx
from smallhub.runtimes._sparse import read_labels
from smallhub.runtimes._types import (
    CLASSIFIER,
    ENCODER,
    TAGGER,
    Classification,
    Model,
    Recognised,
    Runtime,
)

if TYPE_CHECKING:
    from smallhub.runtimes._types import FloatArray

Ids = npt.NDArray[np.int64]
_MAX_BATCH = 16
_UNLIMITED = 1_000_000  # Tokenizers write "no limit" as an absurdly large number.
_KNOWN_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})
_POOLINGS = {"pooling_mode_cls_token": "first", "pooling_mode_mean_tokens": "mean", "pooling_mode_max_tokens": "max"}


class OnnxModel(Model):
    """What all tasks share: the session, the tokenizer and the facts."""

    runtime: ClassVar[Runtime] = "onnx"
    allows_past: ClassVar[bool] = False

    def __init__(self, folder: Path, file: Path, declared: OnnxFile, *, threads: int | None) -> None:
        self.config = read_object(folder / "config.json")
        self._declared = declared
        self._session = open_session(file, threads)
        self.tokenizer, self.context_length = read_tokenizer(folder, self.config)
        self.inputs = {each.name: each for each in self._session.get_inputs()}
        self.outputs = [each.name for each in self._session.get_outputs()]
        unknown = [name for name in self.inputs if name not in _KNOWN_INPUTS and not self._is_past(name)]
        if unknown or "input_ids" not in self.inputs:
            raise UnsupportedModel("unknown_input", f"The graph wants {unknown[0] if unknown else 'no input_ids'!r}.")

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": str((self.config.get("architectures") or [self.config.get("model_type")])[0]),
            "parameters": sum(self._declared.parameters_by_dtype.values()),
            "context_length": self.context_length,
            "vocabulary_size": int(self.config.get("vocab_size") or self.tokenizer.get_vocab_size()),
            "tokenizer_size": self.tokenizer.get_vocab_size(),
            "labels": None,
            "prefix_token": None,
            "dtype": "float32",
            "stored_dtypes": sorted(self._declared.parameters_by_dtype),
            "opset": self._declared.opsets,
            "inputs": list(self.inputs),
            "outputs": self.outputs,
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens around it."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, special tokens included."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))

    def run(self, rows: Sequence[Sequence[int]], outputs: Sequence[str]) -> tuple[list[Any], Ids]:
        """Compute one padded batch. Returns the named outputs, and which positions are no padding."""
        longest = max(map(len, rows))
        padding = self.config.get("pad_token_id")
        ids = np.full((len(rows), longest), padding if type(padding) is int else 0, dtype=np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        return self.compute({"input_ids": ids, "attention_mask": mask}, outputs), mask

    def compute(self, given: dict[str, Any], outputs: Sequence[str]) -> list[Any]:
        """Run the graph; inputs that it does not have are left out, positions and segments are added."""
        ids, mask = given["input_ids"], given["attention_mask"]
        positions = np.maximum(np.cumsum(mask, axis=1) - 1, 0)[:, -ids.shape[1] :]
        given = {"token_type_ids": np.zeros_like(ids), "position_ids": positions} | given
        fed = {name: value for name, value in given.items() if name in self.inputs}
        return list(self._session.run(list(outputs), fed))

    def groups(self, rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Numbers of rows of like length, a batch at a time."""
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
        size = _MAX_BATCH if type(self.config.get("pad_token_id")) is int and "attention_mask" in self.inputs else 1
        for start in range(0, len(order), size):
            yield order[start : start + size]

    def cut(self, ids: Sequence[int]) -> list[int]:
        """Ids within the context; the last one, which ends the text, stays."""
        if self.context_length is None or len(ids) <= self.context_length:
            return list(ids)
        return [*ids[: self.context_length - 1], ids[-1]]

    def _is_past(self, name: str) -> bool:
        return self.allows_past and name.startswith("past_key_values.")

    def _output(self, *names: str) -> str:
        for name in names:
            if name in self.outputs:
                return name
        raise UnsupportedModel("unknown_output", f"The graph gives {self.outputs[0]!r}, not {names[0]!r}.")


class OnnxClassifier(OnnxModel):
    """Labels whole texts."""

    def __init__(self, folder: Path, file: Path, declared: OnnxFile, *, threads: int | None) -> None:
        super().__init__(folder, file, declared, threads=threads)
        self.task = "text-classification"
        self.capabilities = CLASSIFIER
        self.labels = read_labels(self.config)
        self._logits = self._output("logits")
        if self.config.get("problem_type") in ("regression", "multi_label_classification"):
            raise UnsupportedModel("not_single_label", "Only classifiers that choose one label of several are loaded.")

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return super().description() | {"labels": list(self.labels)}

    def classify(self, texts: Sequence[str]) -> list[Classification]:
        """Label texts; what is beyond the context is cut off."""
        rows = [self.cut(self.tokenizer.encode(text).ids) or [0] for text in texts]
        found: dict[int, Classification] = {}
        for group in self.groups(rows):
            (logits,), _ = self.run([rows[number] for number in group], [self._logits])
            if logits.shape != (len(group), len(self.labels)):
                raise UnsupportedModel("broken_model", f"The graph gives logits of the shape {logits.shape}.")
            for number, row in zip(group, softmax(logits), strict=True):
                found[number] = Classification(self.labels, tuple(float(value) for value in row))
        return [found[number] for number in range(len(texts))]


class OnnxTagger(OnnxModel):
    """Labels words: the label of a word is that of its first piece."""

    def __init__(self, folder: Path, file: Path, declared: OnnxFile, *, threads: int | None) -> None:
        super().__init__(folder, file, declared, threads=threads)
        self.task = "token-classification"
        self.capabilities = TAGGER
        self.labels = read_labels(self.config)
        self._logits = self._output("logits")

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return super().description() | {"labels": list(self.labels)}

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """One label for each word; words that are cut off, or have no piece, get `O`."""
        encoded = [self.tokenizer.encode(list(words), is_pretokenized=True) for words in sentences]
        rows = [self.cut(each.ids) or [0] for each in encoded]
        found: dict[int, tuple[str, ...]] = {}
        for group in self.groups(rows):
            (logits,), _ = self.run([rows[number] for number in group], [self._logits])
            for row, number in enumerate(group):
                labels = ["O"] * len(sentences[number])
                kept = len(rows[number]) if len(rows[number]) == len(encoded[number].ids) else len(rows[number]) - 1
                pieces = list(enumerate(encoded[number].word_ids[:kept]))
                for place, word in reversed(pieces):
                    if word is not None:
                        labels[word] = self.labels[int(np.argmax(logits[row, place]))]
                found[number] = tuple(labels)
        return [found[number] for number in range(len(sentences))]


class OnnxEncoder(OnnxModel):
    """Vectors of texts, pooled as the model's own files say, else the mean over tokens."""

    def __init__(self, folder: Path, file: Path, declared: OnnxFile, *, threads: int | None) -> None:
        super().__init__(folder, file, declared, threads=threads)
        self.task = "sentence-similarity"
        self.capabilities = ENCODER
        self._is_pooled = "sentence_embedding" in self.outputs
        self._hidden = self._output("sentence_embedding", "last_hidden_state", "token_embeddings")
        self.pooling, self._normalises = read_pooling(folder)

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        pooling = "inside the graph" if self._is_pooled else self.pooling
        return super().description() | {"pooling": pooling, "normalised": self._normalises}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Vectors, shape (texts, dimension)."""
        rows = [self.cut(self.tokenizer.encode(text).ids) or [0] for text in texts]
        found: dict[int, Any] = {}
        for group in self.groups(rows):
            (hidden,), mask = self.run([rows[number] for number in group], [self._hidden])
            for row, number in enumerate(group):
                found[number] = hidden[row] if self._is_pooled else self._pool(hidden[row][: int(mask[row].sum())])
        width = int(self.config.get("hidden_size") or 0)
        vectors = np.array([found[number] for number in range(len(texts))], dtype=np.float32)
        if not len(texts):
            return np.zeros((0, width), dtype=np.float32)
        if self._normalises:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def _pool(self, hidden: Any) -> Any:
        if self.pooling == "first":
            return hidden[0]
        return hidden.max(axis=0) if self.pooling == "max" else hidden.astype(np.float64).mean(axis=0)


def load_onnx(folder: Path, found: Recognised, *, threads: int | None) -> Model:
    """Load what `recognise` found.

    Raises:
        UnsupportedModel: the file asks for something that a plain runtime lacks, or does not fit its configuration.
    """
    from smallhub.runtimes.onnx_language import OnnxLanguageModel

    file = onnx_file(folder)
    assert file is not None
    declared = read_onnx(file)
    kinds: dict[str, type[OnnxModel]] = {
        "text-generation": OnnxLanguageModel,
        "text-classification": OnnxClassifier,
        "token-classification": OnnxTagger,
        "sentence-similarity": OnnxEncoder,
    }
    return kinds[found.task](folder, file, declared, threads=threads)


def open_session(file: Path, threads: int | None) -> Any:
    """A session of onnxruntime on the CPU.

    Raises:
        UnsupportedModel: the library is missing, or refuses the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        sentence = 'onnxruntime is not installed; `pip install "smallhub[onnx]"` brings it.'
        raise UnsupportedModel("missing_package", sentence, package="onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The library fails in many ways on graphs that do not fit.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise UnsupportedModel("broken_model", f"{file.name} cannot be loaded: {first}", file=file.name) from error


def read_tokenizer(folder: Path, config: dict[str, Any]) -> tuple[Any, int | None]:
    """The tokenizer, and how many tokens fit the context.

    Raises:
        UnsupportedModel: there is no tokenizer.json, or the library refuses it.
    """
    from tokenizers import Tokenizer

    if not (folder / "tokenizer.json").is_file():
        raise UnsupportedModel("no_tokenizer", "There is no tokenizer.json.", file="tokenizer.json")
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # The library raises plain exceptions.
        raise UnsupportedModel("no_tokenizer", f"tokenizer.json cannot be loaded: {str(error)[:300]}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    limits = [config.get(name) for name in ("max_position_embeddings", "n_positions", "max_seq_len")]
    if (folder / "tokenizer_config.json").is_file():
        limits.append(read_object(folder / "tokenizer_config.json").get("model_max_length"))
    sound = [limit for limit in limits if type(limit) is int and 0 < limit < _UNLIMITED]
    # Models of RoBERTa's family count positions from behind the padding id.
    if config.get("model_type") in ("roberta", "xlm-roberta", "camembert") and type(config.get("pad_token_id")) is int:
        sound = [min(limit, config["max_position_embeddings"] - config["pad_token_id"] - 1) for limit in sound]
    return tokenizer, min(sound) if sound else None


def read_pooling(folder: Path) -> tuple[str, bool]:
    """How token vectors become one, and whether it is scaled to length 1.

    Raises:
        UnsupportedModel: the files name a step or a way that is not known here.
    """
    modules = folder / "modules.json"
    kinds = [str(each.get("type")).rsplit(".", 1)[-1] for each in read_json(modules)] if modules.is_file() else []
    if strange := [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]:
        raise UnsupportedModel("unsupported_module", f"modules.json has the step {strange[0]!r}.")
    settings = folder / "1_Pooling" / "config.json"
    if not settings.is_file():
        return "mean", "Normalize" in kinds
    chosen = [
        name for name, value in read_object(settings).items() if name.startswith("pooling_mode") and value is True
    ]
    if len(chosen) != 1 or chosen[0] not in _POOLINGS:
        raise UnsupportedModel("unsupported_module", f"1_Pooling asks for {', '.join(chosen) or 'nothing'}.")
    return _POOLINGS[chosen[0]], "Normalize" in kinds


def softmax(logits: Any) -> npt.NDArray[np.float64]:
    """Along the last axis, in 64 bits."""
    shifted = np.asarray(logits, dtype=np.float64)
    weights = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
