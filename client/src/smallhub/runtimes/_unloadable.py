"""What a folder holds in place of a model that is loaded: said by the file's name, with the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from smallhub._exceptions import UnsupportedModel

_LANE = "The hub can propose its weights as safetensors: the button is on the page of the evaluation."
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_KERAS = (".keras", ".h5", ".hdf5")
# By suffix: what it is, and what to do.
_OTHERS = {
    ".gz": ("a compressed file", "Unpack it, then push it again."),
    ".bz2": ("a compressed file", "Unpack it, then push it again."),
    ".xz": ("a compressed file", "Unpack it, then push it again."),
    ".zip": ("an archive", "Unpack it, then push the files."),
    ".tar": ("an archive", "Unpack it, then push the files."),
    ".skops": ("a file of scikit-learn's own classes", "Convert it with smallhub.runtimes.sklearn_models."),
    ".joblib": ("a file of scikit-learn's own classes", "Convert it with smallhub.runtimes.sklearn_models."),
    ".tflite": ("TensorFlow Lite", "Save the weights as safetensors or ONNX."),
    ".pb": ("TensorFlow", "Save the weights as safetensors or ONNX."),
    ".msgpack": ("Flax", "Save the weights as safetensors."),
    ".mlmodel": ("Core ML", "Save the weights as safetensors or ONNX."),
    ".npz": ("a file of bare arrays", "Save them as safetensors, with a config.json that says what they are."),
}
_TABLE_HEAD = re.compile(rb"\d{1,9} \d{1,5}\s")
_FASTTEXT = b"\xba\x16\x4f\x2f"


def unloadable(folder: Path) -> UnsupportedModel | None:
    """Name the first file that would be the model, were its format one that is loaded; None if there is none."""
    return next(_named(folder), None)


def _named(folder: Path) -> Iterator[UnsupportedModel]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        if path.suffix in (".bin", ".txt") and (told := _words(path)):
            yield _error("unsupported_format", path, told)
    for path in files:
        if path.suffix in _PICKLES:
            yield _error("pickle_weights", path, f"comes as a pickle, which can run code when opened. {_LANE}")
    for path in files:
        if path.suffix in _KERAS:
            yield _error("keras_weights", path, f"is a file of Keras, which can run code when opened. {_LANE}")
    for path in files:
        if path.suffix in _OTHERS:
            what, way_out = _OTHERS[path.suffix]
            yield _error("unsupported_format", path, f"is {what}, which is not loaded. {way_out}")


def _words(path: Path) -> str:
    """Whether these are word vectors, which are told from other files by their names."""
    with path.open("rb") as stream:
        head = stream.read(32)
    if head.startswith(_FASTTEXT):
        return "is fastText's own binary form, which is not loaded. Save the vectors as text, in a .vec file."
    if _TABLE_HEAD.match(head):
        return f"looks like word vectors. Name it word2vec{path.suffix}, or let its name hold 'vectors'."
    return ""


def _error(code: str, path: Path, told: str) -> UnsupportedModel:
    return UnsupportedModel(code, f"{path.name} {told}", file=path.name)
