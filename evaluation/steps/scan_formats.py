"""The scan's look into formats whose files have a structure of their own: GGUF, ONNX, Keras."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from evaluation.steps.findings import Finding, held, warned
from models_registry.formats import config_json, gguf, onnx, safetensors, zips
from models_registry.formats.errors import BadFormat, printable

_BLOCK_BYTES = 1 << 20
_LAMBDA = b'"class_name": "Lambda"'
# Layers that carry code of their own inside a Keras configuration.
_KERAS_CODE = frozenset({"Lambda", "function", "__lambda__"})


def weight_findings(name: str, kind: str, stream: BinaryIO, size_bytes: int) -> Iterable[Finding]:
    """Faults in the headers of weight files; a file of another kind has none."""
    stream.seek(0)
    try:
        if kind == "safetensors":
            safetensors.read_header(stream, size_bytes=size_bytes)
        elif kind == "gguf":
            gguf.read_header(stream, size_bytes=size_bytes)
        elif kind == "onnx":
            yield from _operators(name, onnx.read_model(stream, size_bytes=size_bytes))
        elif kind == "hdf5" and _holds(stream, _LAMBDA):
            yield held(name, "executable_format", "It holds a Lambda layer, which is code that runs when opened.")
    except BadFormat as error:
        yield held(name, "unreadable", f"Its header is not sound: {error.detail}")


def _operators(name: str, model: onnx.OnnxModel) -> Iterable[Finding]:
    """Operators of foreign domains are no danger by themselves: they ask for a library that we never load."""
    if foreign := model.foreign_domains:
        shown = ", ".join(printable(domain, limit=60) for domain in foreign[:3])
        yield warned(name, "custom_operators", f"{name} uses operators of {shown}, which only a foreign library has.")


def external_findings(folder: Path, kinds: Mapping[str, str]) -> Iterable[Finding]:
    """Weights that an ONNX file keeps beside itself must be there, and long enough."""
    for name in (name for name, kind in kinds.items() if kind == "onnx"):
        try:
            model = onnx.read_file(folder / name)
        except BadFormat:
            continue  # Told already.
        for tensor in model.tensors:
            if not tensor.location:
                continue
            beside = (PurePosixPath(name).parent / tensor.location).as_posix()
            shown = printable(tensor.location)
            if beside not in kinds:
                yield warned(name, "missing_data", f"{name} keeps weights in {shown}, which is not there.")
                break
            if tensor.offset + tensor.size_bytes > (folder / beside).stat().st_size:
                yield held(name, "unreadable", f"{shown} is too short for the weights that it should hold.")
                break


def keras_findings(name: str, stream: BinaryIO, members: Iterable[zips.ZipMember]) -> Iterable[Finding]:
    """A `.keras` archive: its config.json must be plain layers, without code."""
    for member in members:
        if member.name != "config.json":
            continue
        raw = zips.read_member(stream, member, limit_bytes=config_json.DEFAULT_LIMITS.size_bytes)
        if code := sorted(_class_names(config_json.parse(raw)) & _KERAS_CODE):
            yield held(name, "executable_format", f"It holds a {code[0]} layer, which is code that runs when opened.")


def _class_names(value: Any) -> set[str]:
    """All `class_name`s of a configuration. Its depth is limited by the reader."""
    found: set[str] = set()
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if isinstance(node.get("class_name"), str):
                found.add(node["class_name"])
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return found


def _holds(stream: BinaryIO, wanted: bytes) -> bool:
    """Whether some bytes occur anywhere in a file; read in blocks."""
    stream.seek(0)
    kept = b""
    while block := stream.read(_BLOCK_BYTES):
        if wanted in kept + block:
            return True
        kept = block[-len(wanted) :]
    return False
