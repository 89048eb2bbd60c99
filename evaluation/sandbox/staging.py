"""Lays out the one folder that a sandboxed job sees: only files a safe loader reads, and nothing that could run.

The list is a list of what is allowed. Code, pickles, trainer side files, archives and everything unknown stay out,
whatever their names: a name only gets a file considered, its bytes must then agree.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from models_registry.formats import config_json, detect, gguf, onnx, safetensors
from models_registry.formats.errors import BadFormat

_JSON_NAMES = frozenset(
    {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "target_vocab.json",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "preprocessor_config.json",
        "processor_config.json",
        "normalizer.json",
        "features.json",
        "chat_template.json",
        "model.safetensors.index.json",
    }
)
_TEXT_NAMES = frozenset({"vocab.txt", "merges.txt", "chat_template.jinja"})
_PROTOBUF_NAMES = frozenset({"tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "source.spm", "target.spm"})
_WEIGHTS = re.compile(r"[A-Za-z0-9][\w.-]{0,120}\.(safetensors|gguf|arpa|vec)")
# Word vectors come as text or as plain binary numbers, under names that say so; a pickle is neither by its bytes.
_VECTORS = re.compile(r"(?i)[\w.-]{0,100}(w2v|word2vec|glove|vectors|embeddings)[\w.-]{0,100}\.(txt|bin)")
# An ONNX file and the files of plain numbers beside it, at the top or in the folder `onnx`.
_ONNX = re.compile(r"[A-Za-z0-9][\w.-]{0,120}\.onnx(_data|\.data)?")
_VECTOR_KINDS = {".txt": frozenset({"text"}), ".vec": frozenset({"text"}), ".bin": frozenset({"binary"})}
# Sentence encoders keep each module's settings in a numbered folder: 1_Pooling/config.json.
_MODULE_FOLDER = re.compile(r"\d_[A-Z][A-Za-z]{1,30}")
_MAX_TEXT_BYTES = 64_000_000
# Keys by which a configuration asks a library to fetch or run something.
_CODE_KEY = re.compile(r"auto_map|custom_pipelines|trust_remote_code|code_revision|_attn_implementation.*|_commit_hash")


@dataclass(frozen=True)
class Staged:
    """What was laid out: paths as the model's repository names them, and why others of known name were left out."""

    folder: Path
    paths: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)


class Stage(Protocol):
    """A way to lay files out."""

    def __call__(self, source: Path, target: Path, *, readable_by_others: bool) -> Staged:
        """Fill the empty folder `target` from `source`."""


def is_loadable_name(path: str) -> bool:
    """Whether a file of this name could be shown to a loader at all."""
    pure = PurePosixPath(path)
    if len(pure.parts) == 2 and pure.parts[0] == "onnx":
        return _ONNX.fullmatch(pure.name) is not None
    if len(pure.parts) == 2 and not _MODULE_FOLDER.fullmatch(pure.parts[0]):
        return False
    if len(pure.parts) > 2:
        return False
    name = pure.name
    if name in _JSON_NAMES | _TEXT_NAMES | _PROTOBUF_NAMES or _WEIGHTS.fullmatch(name) is not None:
        return True
    return len(pure.parts) == 1 and any(pattern.fullmatch(name) for pattern in (_VECTORS, _ONNX))


def stage(source: Path, target: Path, *, readable_by_others: bool) -> Staged:
    """Fill the empty folder `target` from `source`.

    Files are hard-linked where that is possible and copied otherwise; a configuration that names code is written
    anew without those keys. Links are never followed. `readable_by_others`: the job runs under another identity.
    """
    paths, left_out = [], {}
    for path in _candidates(source):
        try:
            _check(source / path)
        except BadFormat as error:
            left_out[path] = error.detail
            continue
        destination = target / path
        destination.parent.mkdir(mode=0o755, exist_ok=True)
        _place(source / path, destination, readable_by_others=readable_by_others)
        paths.append(path)
    return Staged(folder=target, paths=tuple(paths), left_out=left_out)


def stage_all(source: Path, target: Path, *, readable_by_others: bool) -> Staged:
    """Fill the empty folder `target` with every plain file of `source`, as it is: for readers, never for a loader."""
    paths = []
    for entry in sorted(source.rglob("*")):
        if not _is_plain(entry, open):
            continue
        path = entry.relative_to(source).as_posix()
        destination = target / path
        for folder in reversed(destination.parents[: len(PurePosixPath(path).parts) - 1]):
            folder.mkdir(mode=0o755, exist_ok=True)
        _share(entry, destination, readable_by_others=readable_by_others)
        paths.append(path)
    return Staged(folder=target, paths=tuple(paths))


def without_code_keys(value: Any) -> tuple[Any, bool]:
    """A configuration without the keys that name code, and whether any were there."""
    if isinstance(value, list):
        pairs = [without_code_keys(item) for item in value]
        return [item for item, _ in pairs], any(changed for _, changed in pairs)
    if not isinstance(value, dict):
        return value, False
    kept = {key: without_code_keys(item) for key, item in value.items() if not _CODE_KEY.fullmatch(key)}
    changed = len(kept) != len(value) or any(changed for _, changed in kept.values())
    return {key: item for key, (item, _) in kept.items()}, changed


def _candidates(source: Path) -> Iterator[str]:
    """Plain files of allowed names, at the top and in module folders, in order of name."""
    folders = [source] + [
        entry
        for entry in sorted(source.iterdir())
        if (entry.name == "onnx" or _MODULE_FOLDER.fullmatch(entry.name)) and _is_plain(entry, dir)
    ]
    for folder in folders:
        for entry in sorted(folder.iterdir()):
            path = entry.relative_to(source).as_posix()
            if is_loadable_name(path) and _is_plain(entry, open):
                yield path


def _is_plain(entry: Path, kind: object) -> bool:
    """A real file (`open`) or folder (`dir`), not a link to one."""
    if entry.is_symlink():
        return False
    return entry.is_dir() if kind is dir else entry.is_file()


def _check(path: Path) -> None:
    """The bytes are what the name says, by our own readers.

    Raises:
        BadFormat: they are not, or the file is beyond the reader's limits.
    """
    if path.name in _PROTOBUF_NAMES:
        allowed: frozenset[str] = frozenset({"binary"})
    elif path.suffix == ".vec" or _VECTORS.fullmatch(path.name):
        allowed = _VECTOR_KINDS[path.suffix.lower()]
    elif _ONNX.fullmatch(path.name):
        allowed = frozenset({"onnx"} if path.suffix == ".onnx" else {"binary"})
    else:
        allowed = detect.kinds_for_name(path.name) or frozenset()
    found = detect.detect_file(path)
    if found.is_ambiguous or found.kind not in allowed:
        raise BadFormat("kind", f"{path.name} is {' and '.join(found.all_kinds)} by its bytes.")
    if path.suffix == ".safetensors":
        safetensors.read_file(path)
    elif path.suffix == ".gguf":
        gguf.read_file(path)
    elif path.suffix == ".onnx":
        onnx.read_file(path)
    elif path.suffix == ".json":
        config_json.parse(_read(path), limits=config_json.limits_for(path.name))
    elif path.name in _TEXT_NAMES | _PROTOBUF_NAMES and path.stat().st_size > _MAX_TEXT_BYTES:
        raise BadFormat("too_large", f"{path.name} is larger than {_MAX_TEXT_BYTES:,} bytes.")


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return config_json.read_limited(stream, config_json.TOKENIZER_LIMITS.size_bytes)


def _place(source: Path, destination: Path, *, readable_by_others: bool) -> None:
    """Link, copy, or write a cleaned configuration."""
    if source.name.endswith("config.json"):
        cleaned, changed = without_code_keys(
            config_json.parse(_read(source), limits=config_json.limits_for(source.name))
        )
        if changed:
            destination.write_text(json.dumps(cleaned, ensure_ascii=False), encoding="utf-8")
            destination.chmod(0o444)
            return
    _share(source, destination, readable_by_others=readable_by_others)


def _share(source: Path, destination: Path, *, readable_by_others: bool) -> None:
    linkable = not readable_by_others or source.stat().st_mode & 0o004
    if not (linkable and _linked(source, destination)):
        shutil.copyfile(source, destination, follow_symlinks=False)
        destination.chmod(0o444)


def _linked(source: Path, destination: Path) -> bool:
    """Try a hard link; another device, or no right to link, is no fault: the caller copies."""
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError:
        return False
    return True
