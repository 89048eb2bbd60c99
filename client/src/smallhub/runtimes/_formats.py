"""Which of our formats a folder holds, told from names, JSON and first bytes; transformers' own layout is not here.

Each format says in one line what module loads it, so that nothing is imported before it is needed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smallhub._exceptions import UnsupportedModel

from ._files import read_object, weight_files
from ._gguf_file import read_gguf
from ._onnx_file import read_onnx
from ._table_facts import arpa_facts, vectors_facts
from ._types import CLASSIFIER, ENCODER, LANGUAGE_MODEL, TAGGER, Capability, Model, Recognised, Runtime, Task

VECTORS_NAME = re.compile(r"(?i)(?:.+\.vec|.*(?:w2v|word2vec|glove|vectors|embeddings).*\.(?:txt|bin))")


@dataclass(frozen=True, slots=True)
class _Family:
    """A family that names itself in `config.json`."""

    runtime: Runtime
    task: Task
    capabilities: frozenset[Capability]


_FAMILIES = {
    "smallhub-ngram": _Family("ngram", "text-generation", LANGUAGE_MODEL),
    "smallhub-gru": _Family("recurrent", "text-generation", LANGUAGE_MODEL),
    "smallhub-lstm": _Family("recurrent", "text-generation", LANGUAGE_MODEL),
    "smallhub-rnn": _Family("recurrent", "text-generation", LANGUAGE_MODEL),
    "smallhub-transformer": _Family("decoder", "text-generation", LANGUAGE_MODEL),
    "smallhub-seq2seq": _Family("seq2seq", "text2text-generation", frozenset()),
    "smallhub-linear": _Family("linear", "text-classification", frozenset({"classify"})),
    "smallhub-tree": _Family("tree", "text-classification", frozenset({"classify"})),
    "smallhub-crf": _Family("crf", "token-classification", frozenset({"tag"})),
}
# Which classes of transformers are loaded as ONNX exports, by how their names end.
_EXPORTS: tuple[tuple[tuple[str, ...], Task, frozenset[Capability]], ...] = (
    (("ForCausalLM", "LMHeadModel"), "text-generation", LANGUAGE_MODEL),
    (("ForSequenceClassification",), "text-classification", CLASSIFIER),
    (("ForTokenClassification",), "token-classification", TAGGER),
    (("Model",), "sentence-similarity", ENCODER),
)
_LOADERS = {
    "ngram": "ngram:NgramModel",
    "recurrent": "recurrent:RecurrentModel",
    "arpa": "arpa:ArpaModel",
    "vectors": "vectors:VectorsModel",
    "linear": "linear:LinearModel",
    "tree": "tree:TreeModel",
    "crf": "crf:CrfModel",
    "decoder": "decoder:DecoderModel",
    "seq2seq": "seq2seq:Seq2SeqModel",
}


def recognise_format(folder: Path) -> Recognised | None:
    """What a folder holds, or None if nothing here knows it.

    Raises:
        UnsupportedModel: it is one of these formats, but lacks something; `code` and sentence say what.
    """
    if (folder / "config.json").is_file():
        config = read_object(folder / "config.json")
        kind = str(config.get("model_type"))
        if family := _FAMILIES.get(kind):
            weight_files(folder)
            return _family(family, kind, config)
        if kind.startswith("smallhub-"):
            raise UnsupportedModel("unsupported_architecture", f"There is no family {kind!r} here.", architecture=kind)
        return None if has_weights(folder) else _onnx(folder, config) or _gguf(folder)
    for recognise in _WITHOUT_CONFIG:
        if found := recognise(folder):
            return found
    return None


def _family(family: _Family, kind: str, config: dict[str, Any]) -> Recognised:
    """One of our own families, with what only its configuration says."""
    capabilities = family.capabilities
    if family.runtime == "seq2seq":
        purpose: Capability = "summarize" if config.get("purpose") == "summarize" else "translate"
        capabilities = frozenset({purpose, "conditional_log_likelihood", "tokenize"})
    context = config.get("context")
    facts = {"context_length": context} if type(context) is int else {}
    return Recognised(family.runtime, family.task, kind, capabilities, facts)


def load_format(folder: Path, found: Recognised, *, threads: int | None) -> Model | None:
    """Load what `recognise_format` found; None if it was not found here."""
    if found.runtime == "onnx":
        from .onnx_models import load_onnx

        return load_onnx(folder, found, threads=threads)
    if found.runtime == "gguf":
        from .gguf import load_gguf

        return load_gguf(folder, threads=threads)
    if found.runtime not in _LOADERS:
        return None
    module, name = _LOADERS[found.runtime].split(":")
    kind: Any = getattr(importlib.import_module(f"smallhub.runtimes.{module}"), name)
    model: Model = kind.load(folder, threads=threads)
    return model


def only_file(folder: Path, fits: Callable[[str], object], what: str) -> Path | None:
    """The one file at the top whose name fits.

    Raises:
        UnsupportedModel: there are several, and nothing says which of them is the model.
    """
    found = sorted(path for path in folder.iterdir() if fits(path.name) and path.is_file())
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:3])
        raise UnsupportedModel(
            "several_models", f"There are {len(found)} {what} ({names} …); keep one in a repository."
        )
    return found[0] if found else None


def arpa_file(folder: Path) -> Path | None:
    """The folder's ARPA file."""
    return only_file(folder, lambda name: name.endswith(".arpa"), "ARPA files")


def vectors_file(folder: Path) -> Path | None:
    """The folder's file of word vectors."""
    return only_file(folder, VECTORS_NAME.fullmatch, "files of word vectors")


def has_weights(folder: Path) -> bool:
    """Whether there are safetensors that go with `config.json`."""
    return any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json"))


def onnx_file(folder: Path) -> Path | None:
    """The folder's ONNX file: `model.onnx`, there or in the folder `onnx`; else the only one at the top."""
    for name in ("model.onnx", "onnx/model.onnx"):
        if (folder / name).is_file():
            return folder / name
    return only_file(folder, lambda name: name.endswith(".onnx"), "ONNX files")


def _onnx(folder: Path, config: dict[str, Any]) -> Recognised | None:
    """An export of transformers: the task follows from the class that was exported."""
    path = onnx_file(folder)
    if path is None:
        return None
    declared = read_onnx(path)
    names = config.get("architectures")
    name = str(names[0]) if isinstance(names, list) and names else ""
    export = next((each for each in _EXPORTS if name.endswith(each[0])), None)
    if export is None:
        raise UnsupportedModel(
            "unsupported_architecture", f"{name or 'A class without a name'} is not loaded from ONNX."
        )
    if not (folder / "tokenizer.json").is_file():
        raise UnsupportedModel("no_tokenizer", "There is no tokenizer.json.", file="tokenizer.json")
    beside = sum((path.parent / each).stat().st_size for each in declared.external)
    facts = {
        "parameters": sum(declared.parameters_by_dtype.values()),
        "parameters_by_dtype": declared.parameters_by_dtype,
        "tensors": declared.tensors,
        "weight_bytes": path.stat().st_size + beside,
    }
    return Recognised("onnx", export[1], name, export[2], facts)


def gguf_file(folder: Path) -> Path | None:
    """The folder's GGUF file."""
    return only_file(folder, lambda name: name.endswith(".gguf"), "GGUF files")


def _gguf(folder: Path) -> Recognised | None:
    path = gguf_file(folder)
    if path is None:
        return None
    file = read_gguf(path)
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list):
        raise UnsupportedModel("no_tokenizer", f"{path.name}: there is no list tokenizer.ggml.tokens.")
    by_dtype = file.by_dtype()
    facts = {
        "parameters": sum(by_dtype.values()),
        "parameters_by_dtype": by_dtype,
        "tensors": len(file.tensors),
        "weight_bytes": path.stat().st_size,
        "context_length": file.integer("context_length"),
        "tokenizer": (str(file.metadata.get("tokenizer.ggml.model"))[:40], len(tokens)),
    }
    return Recognised("gguf", "text-generation", file.architecture, LANGUAGE_MODEL, facts)


def _arpa(folder: Path) -> Recognised | None:
    path = arpa_file(folder)
    return Recognised("arpa", "text-generation", "arpa", LANGUAGE_MODEL, arpa_facts(path)) if path else None


def _vectors(folder: Path) -> Recognised | None:
    path = vectors_file(folder)
    return Recognised("vectors", "sentence-similarity", "word-vectors", ENCODER, vectors_facts(path)) if path else None


_WITHOUT_CONFIG = (_gguf, _arpa, _vectors)
