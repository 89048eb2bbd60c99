"""Inspect: what a model is, told by its own files. Headers and JSON are read with limits; no weight is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluation.steps import structure, vocabulary
from evaluation.steps.structure import Structure
from evaluation.steps.vocabulary import TokenizerFacts
from models_registry.formats import config_json, safetensors
from models_registry.formats.errors import BadFormat

_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len", "max_sequence_length")
_HIDDEN_KEYS = ("hidden_size", "n_embd", "d_model", "dim", "embedding_size")
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_VOCABULARY_KEYS = ("vocab_size", "vocabulary_size")
# What Python, numpy and torch take before a weight is loaded, and how much room activations get, roughly.
_BASE_BYTES = {
    "transformers": 450_000_000,
    "recurrent": 350_000_000,
    "ngram": 60_000_000,
    "arpa": 60_000_000,
    "vectors": 60_000_000,
    "linear": 60_000_000,
    "tree": 60_000_000,
    "crf": 60_000_000,
    "onnx": 150_000_000,
    "gguf": 450_000_000,
    "decoder": 350_000_000,
    "seq2seq": 350_000_000,
}
_FLOAT_BYTES = 4
# Positions, keys and masks: stored beside parameters, but nothing that was learnt.
_TABLES = frozenset({"I64", "U64", "BOOL"})
_WORKING_FACTOR = 1.25
MEMORY_QUOTA_BYTES = 16 * (1 << 30)


@dataclass(frozen=True)
class Inspection:
    """Facts from the files. `refusal` says why the model cannot be loaded here, and is empty if it can.

    `estimated_memory_bytes` is what loading in 32-bit floats on a CPU should take, library included;
    `memory_by_precision` the same for others. `chat_template` is the file that holds one.
    """

    format: str
    runtime: str = ""
    task: str = ""
    architecture: str = ""
    capabilities: tuple[str, ...] = ()
    parameters: int = 0
    parameters_by_dtype: Mapping[str, int] = field(default_factory=dict)
    tensors: int = 0
    weight_bytes: int = 0
    total_bytes: int = 0
    tokenizer: TokenizerFacts | None = None
    context_length: int | None = None
    labels: tuple[str, ...] = ()
    estimated_memory_bytes: int = 0
    memory_by_precision: Mapping[str, int] = field(default_factory=dict)
    structure: Structure | None = None
    bytes_by_dtype: Mapping[str, int] = field(default_factory=dict)
    chat_template: str = ""
    base_model: str = ""
    warnings: tuple[str, ...] = ()
    refusal_code: str = ""
    refusal: str = ""

    @property
    def is_loadable(self) -> bool:
        return not self.refusal

    def summary(self) -> str:
        """One sentence for the list of steps."""
        if self.refusal:
            return self.refusal
        dtypes = ", ".join(sorted(self.parameters_by_dtype))
        return f"{self.architecture}, {self.parameters:,} parameters in {self.tensors:,} tensors ({dtypes})."

    def as_json(self) -> dict[str, Any]:
        """Plain data for the database and the API."""
        return asdict(self)


def inspect(folder: Path) -> Inspection:
    """Read a model's folder.

    Never raises for what the files say: a model that cannot be loaded is described as far as it can be, with the
    reason in `refusal`.
    """
    headers, fault = _headers(folder)
    config, config_fault = _config(folder)
    facts: dict[str, Any] = {
        "format": _format(folder, headers),
        "parameters": sum(_by_dtype(headers.values()).values()),
        "parameters_by_dtype": _by_dtype(headers.values()),
        "tensors": sum(len(header.tensors) for header in headers.values()),
        "weight_bytes": sum(header.size_bytes for header in headers.values()),
        "total_bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "tokenizer": vocabulary.read(folder, config),
        "context_length": _first_integer(config, _CONTEXT_KEYS),
        "labels": _labels(config),
        "architecture": _architecture(config),
        "chat_template": _chat_template(folder),
        "base_model": _base_model(config),
    }
    refusal = fault or config_fault or _too_large(config, facts)
    if refusal is None or refusal[0] == "missing_config":
        # Some formats need none; only the loader can tell.
        facts, refused = _recognised(folder, facts)
        refusal = refused and _more_telling(refusal, refused)
    code, sentence = refusal or ("", "")
    facts |= _derived(facts, headers, config)
    if not sentence and facts["estimated_memory_bytes"] > MEMORY_QUOTA_BYTES:
        code, sentence = "too_large", _memory_sentence(facts["estimated_memory_bytes"])
    return Inspection(**facts, warnings=_warnings(facts, config), refusal_code=code, refusal=sentence)


Refusal = tuple[str, str]


def _derived(
    facts: dict[str, Any], headers: Mapping[str, safetensors.SafetensorsHeader], config: Mapping[str, Any]
) -> dict[str, Any]:
    """What follows from the facts: memory by precision, and the layout of the parameters."""
    tensors = [tensor for header in headers.values() for tensor in header.tensors]
    return {
        "estimated_memory_bytes": _memory(facts),
        "memory_by_precision": structure.memory_by_precision(facts["parameters"], base_bytes=_base_bytes(facts)),
        "structure": structure.read(tensors, config) if tensors else None,
        "bytes_by_dtype": structure.bytes_by_dtype(tensors),
    }


def _chat_template(folder: Path) -> str:
    """The file that holds a chat template, if one does."""
    if (folder / "chat_template.jinja").is_file():
        return "chat_template.jinja"
    for name in ("tokenizer_config.json", "chat_template.json"):
        try:
            table = config_json.read_object(folder / name, limits=config_json.limits_for(name))
        except (BadFormat, OSError):
            continue
        if isinstance(table.get("chat_template"), str | list) and table["chat_template"]:
            return name
    return ""


def _base_model(config: Mapping[str, Any]) -> str:
    """What the configuration says it was made from: the hub's own `base_model`, or the name it was loaded by."""
    for key in ("base_model", "base_model_name_or_path", "_name_or_path"):
        if isinstance(config.get(key), str) and config[key].strip("./ "):
            return str(config[key])[:200]
    return ""


def _headers(folder: Path) -> tuple[dict[str, safetensors.SafetensorsHeader], Refusal | None]:
    """The headers of all safetensors files at the top, and the first fault found."""
    headers = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            headers[path.name] = safetensors.read_file(path)
        except BadFormat as error:
            return headers, (error.code, f"{path.name}: {error.detail}")
    return headers, None


def _config(folder: Path) -> tuple[dict[str, Any], Refusal | None]:
    if not (folder / "config.json").is_file():
        return {}, ("missing_config", "There is no config.json, so nothing says what the weights are.")
    try:
        return config_json.read_object(folder / "config.json"), None
    except BadFormat as error:
        return {}, (error.code, f"config.json: {error.detail}")


def _format(folder: Path, headers: Mapping[str, Any]) -> str:
    if headers:
        return "safetensors"
    others = {
        "arpa": ".arpa",
        "gguf": ".gguf",
        "onnx": ".onnx",
        "keras": ".keras .h5",
        "pickle": ".bin .pt .pth .pkl .ckpt .joblib",
    }
    for name, suffixes in others.items():
        if any(path.suffix in suffixes.split() for path in folder.iterdir() if path.suffix):
            return name
    return "unknown"


def _by_dtype(headers: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for header in headers:
        for dtype, number in header.by_dtype().items():
            if dtype not in _TABLES:
                counts[dtype] = counts.get(dtype, 0) + number
    return counts


def _recognised(folder: Path, facts: dict[str, Any]) -> tuple[dict[str, Any], Refusal | None]:
    """Ask the loader that everybody gets what it would do with these files. It reads JSON and headers alone."""
    from smallhub.runtimes import UnsupportedModel, recognise  # Imported here: the web processes never need it.

    try:
        found = recognise(folder)
    except UnsupportedModel as error:
        return facts, (str(error.code), str(error))
    return {
        **facts,
        "runtime": found.runtime,
        "task": found.task,
        "architecture": found.architecture,
        "capabilities": tuple(sorted(found.capabilities)),
        **_own_facts(found.facts, facts),
    }, None


def _own_facts(told: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a format other than safetensors says of itself, where the headers and config.json said nothing."""
    names = ("parameters", "parameters_by_dtype", "tensors", "weight_bytes", "context_length", "labels", "tokenizer")
    own = {name: told[name] for name in names if name in told and not facts[name]}
    if isinstance(own.get("tokenizer"), tuple):
        own["tokenizer"] = TokenizerFacts(*own["tokenizer"])
    return own


def _more_telling(fault: Refusal | None, refused: Refusal) -> Refusal:
    """What the loader misses, unless it is what was missed before."""
    return fault if fault and refused[0] == "missing_file" else refused


def _architecture(config: Mapping[str, Any]) -> str:
    names = config.get("architectures")
    if isinstance(names, list) and names and isinstance(names[0], str):
        return names[0][:120]
    return str(config.get("model_type", ""))[:120]


def _first_integer(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        if type(config.get(name)) is int and config[name] > 0:
            return int(config[name])
    return None


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """A classifier's labels in the order of their numbers."""
    table = config.get("id2label")
    if not isinstance(table, dict) or not all(key.isdigit() for key in table):
        return ()
    return tuple(str(table[key])[:120] for key in sorted(table, key=int))[:10_000]


def _too_large(config: Mapping[str, Any], facts: Mapping[str, Any]) -> Refusal | None:
    """Refuse a configuration that asks for far more than its weights hold, before a library would build it.

    The estimate is the usual one: an embedding, and twelve squares of the width per layer.
    """
    hidden, layers = _first_integer(config, _HIDDEN_KEYS) or 0, _first_integer(config, _LAYER_KEYS) or 0
    vocabulary = _first_integer(config, _VOCABULARY_KEYS) or 0
    context = _first_integer(config, _CONTEXT_KEYS) or 0
    if context > 100_000_000 or layers > 100_000 or hidden > 10_000_000 or vocabulary > 100_000_000:
        return "config_out_of_range", "config.json asks for a size that no model has."
    # Layers may share one set of weights (then a twelfth of the plain estimate is a lot), hence the wide margin.
    wanted = vocabulary * hidden + 12 * layers * hidden * hidden
    if wanted * _FLOAT_BYTES > MEMORY_QUOTA_BYTES and wanted > 100 * max(1, int(facts["parameters"])):
        return (
            "config_too_large",
            f"config.json describes about {wanted:,} parameters; the weights hold {facts['parameters']:,}.",
        )
    return None


def _base_bytes(facts: Mapping[str, Any]) -> int:
    return _BASE_BYTES.get(str(facts.get("runtime", "")), _BASE_BYTES["transformers"])


def _memory(facts: Mapping[str, Any]) -> int:
    return _base_bytes(facts) + int(facts["parameters"] * _FLOAT_BYTES * _WORKING_FACTOR)


def _memory_sentence(size_bytes: int) -> str:
    return f"Loading it would take about {size_bytes / (1 << 30):.1f} GiB; the limit is {MEMORY_QUOTA_BYTES >> 30} GiB."


def _warnings(facts: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    """Contradictions that do not stop the model from loading."""
    found = []
    tokenizer: TokenizerFacts | None = facts["tokenizer"]
    declared = _first_integer(config, _VOCABULARY_KEYS)
    if tokenizer and declared and tokenizer.vocabulary_size > declared:
        found.append(f"The tokenizer has {tokenizer.vocabulary_size:,} tokens, config.json declares {declared:,}.")
    if facts["labels"] and all(label.startswith("LABEL_") for label in facts["labels"]):
        found.append("The labels are numbers only (LABEL_0 …); give them names in id2label.")
    return tuple(found)
