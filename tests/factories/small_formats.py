"""Tiny models in the formats that are not transformers': written or trained here, in a second or less."""

from __future__ import annotations

import struct
from pathlib import Path

TEXTS = [
    "the cat sat on the mat",
    "the dog sat on the log",
    "a cat and a dog met on a mat",
    "a film of great charm",
    "the film was dull and the mat was flat",
]

_LABELS = ["animals", "animals", "animals", "films", "films"]


def make_arpa(folder: Path) -> Path:
    """A trigram model of words as an ARPA file."""
    from smallhub.runtimes import ngram
    from smallhub.runtimes.arpa import write_arpa

    write_arpa(ngram.train(TEXTS, unit="word", order=3), folder / "lm.arpa")
    return folder


def make_vectors(folder: Path) -> Path:
    """Word vectors as word2vec writes them in text."""
    rows = _vectors()
    lines = [f"{word} {' '.join(f'{value:.4f}' for value in row)}\n" for word, row in rows.items()]
    (folder / "words.vec").write_text(f"{len(rows)} 4\n{''.join(lines)}", encoding="utf-8")
    return folder


def make_binary_vectors(folder: Path) -> Path:
    """The same vectors in word2vec's binary form."""
    rows = _vectors()
    content = b"".join(word.encode() + b" " + struct.pack("<4f", *row) + b"\n" for word, row in rows.items())
    (folder / "words-w2v.bin").write_bytes(f"{len(rows)} 4\n".encode() + content)
    return folder


def make_linear(folder: Path) -> Path:
    """A linear classifier of texts."""
    from smallhub.runtimes import linear

    linear.train(TEXTS, _LABELS, min_count=1).save(folder)
    return folder


def make_forest(folder: Path) -> Path:
    """A random forest over words."""
    from smallhub.runtimes import tree

    tree.train(TEXTS, _LABELS, min_count=1, trees=3).save(folder)
    return folder


def make_crf(folder: Path) -> Path:
    """A tagger of animals."""
    from smallhub.runtimes.crf_training import train

    words = [text.split() for text in TEXTS]
    labels = [["B-ANIMAL" if word in ("cat", "dog") else "O" for word in row] for row in words]
    train(words, labels, min_count=1).save(folder)
    return folder


def make_decoder(folder: Path) -> Path:
    """A decoder Transformer over bytes."""
    from smallhub.runtimes import decoder

    decoder.train(TEXTS, unit="byte", width=16, heads=2, layers=1, context=64, max_steps=20, threads=1).save(folder)
    return folder


def make_seq2seq(folder: Path) -> Path:
    """An encoder-decoder over words that turns texts around."""
    from smallhub.runtimes import seq2seq

    turned = [" ".join(reversed(text.split())) for text in TEXTS]
    seq2seq.train(TEXTS, turned, unit="word", width=16, heads=2, layers=1, context=32, max_steps=40, threads=1).save(
        folder
    )
    return folder


def make_onnx(folder: Path) -> Path:
    """A language model with a cache, as ONNX."""
    from tests.factories.onnx_graphs import make_language_model

    return make_language_model(folder, has_past=True, beside="model.onnx_data")


def make_gguf(folder: Path) -> Path:
    """A random Llama as GGUF, in blocks of eight bits."""
    from tests.factories.gguf_models import make_llama

    make_llama(folder, kind="Q8_0")
    return folder


def _vectors() -> dict[str, list[float]]:
    words = sorted({word for text in TEXTS for word in text.split()})
    return {word: [((7 * n + 3 * k) % 11 - 5) / 4 for k in range(4)] for n, word in enumerate(words)}
