"""GGUF: every type of number, the same logits as the network it was written from, and no file that lies."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402  # They come after the checks.
from smallhub.runtimes import _dequantise as dequantise  # noqa: E402
from smallhub.runtimes._gguf_file import read_gguf  # noqa: E402

from tests.factories import gguf_models  # noqa: E402

TEXTS = ["the cat", "a dog sat", "x"]
# Sums over 64 blocks of random bytes, plain and of absolute values, computed with ggml's own package (gguf 0.19.0).
SUMS = {
    "Q4_0": ([0], -11.25213623046875, 6307.332092285156),
    "Q4_1": ([0, 2], -755.473388671875, 12911.521362304688),
    "Q5_0": ([0], -180.03961181640625, 12747.841247558594),
    "Q5_1": ([0, 2], -12379.955383300781, 24219.349487304688),
    "Q8_0": ([0], 3318.1760234832764, 114995.76807785034),
    "Q2_K": ([80, 82], 28333.740993499756, 206910.42282485962),
    "Q3_K": ([108], 502.3775634765625, 445917.20568847656),
    "Q4_K": ([0, 2], 16237.588363647461, 3412063.7310943604),
    "Q5_K": ([0, 2], -296195.2086029053, 6420719.758071899),
    "Q6_K": ([208], -285430.09411621094, 13527811.851928711),
}


def test_every_type_gives_the_numbers_of_the_format():
    rng = np.random.default_rng(0)
    assert list(SUMS) == list(dequantise._TYPES)
    for name, (halves, total, size) in SUMS.items():
        blocks = rng.integers(0, 256, (64, dequantise._BLOCK_SIZES[name]), dtype=np.uint8)
        for start in halves:
            # Scales are 16-bit floats; random bytes would be NaN now and then.
            blocks[:, start : start + 2] = rng.normal(size=64).astype("<f2").view(np.uint8).reshape(64, 2)
        values = dequantise._TYPES[name](blocks).astype(float)
        assert values.sum() == pytest.approx(total, abs=abs(size) * 1e-7), name
        assert np.abs(values).sum() == pytest.approx(size, rel=1e-6), name


MAKERS = {
    "llama": lambda folder: gguf_models.make_llama(folder),
    "llama with a head of its own, halves": lambda folder: gguf_models.make_llama(folder, kind="F16", tied=False),
    "llama in eight bits": lambda folder: gguf_models.make_llama(folder, kind="Q8_0"),
    "qwen2": gguf_models.make_qwen,
    "gpt2": gguf_models.make_gpt2,
}


@pytest.mark.parametrize("name", MAKERS)
def test_scores_are_those_of_the_network(tmp_path, name):
    network = MAKERS[name](tmp_path)
    model = load(tmp_path, threads=1)

    prefix = model.prefix_token("document_separator")["id"]
    for text, found in zip(TEXTS, model.log_likelihood(TEXTS), strict=True):
        ids = model.encode(text)
        with torch.no_grad():
            logits = network(torch.tensor([[prefix, *ids[:-1]]])).logits[0].double()
        wanted = torch.log_softmax(logits, dim=-1)[torch.arange(len(ids)), torch.tensor(ids)].sum()
        assert found.log_prob == pytest.approx(float(wanted), abs=1e-4)
    for prompt in TEXTS:
        assert model.generate(prompt, max_new_tokens=8) == model.generate(prompt, max_new_tokens=8, use_cache=False)


def test_the_tokenizer_comes_from_the_file(tmp_path):
    gguf_models.make_llama(tmp_path)
    model = load(tmp_path)
    tokens = gguf_models.vocabulary()

    assert model.encode("the") == [tokens.index("the")]
    assert model.encode("<|endoftext|>") == [0]
    for text in ("naïve 中文 🙂\n\tx", " two  spaces "):
        assert model.decode(model.encode(text)) == text


def test_a_sentence_piece_vocabulary(tmp_path):
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256)), "\u2581", "t", "h", "e", "th", "\u2581the"]
    tokens = [*tokens, "\u2581t", "he", "\u2581th"]
    filler = len(gguf_models.vocabulary()) - len(tokens)
    assert filler <= 0
    kinds = [2, 3, 3, *[6] * 256, *[1] * (len(tokens) - 259)]
    scores = [0.0] * 259 + [-1.0 * n for n in range(len(tokens) - 259)]
    changes = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    from smallhub.runtimes._gguf_tokenizer import read_gguf_tokenizer

    gguf_models.make_llama(tmp_path, **changes)
    tokenizer = read_gguf_tokenizer(read_gguf(tmp_path / "model.gguf"))

    assert tokenizer.convert_ids_to_tokens(tokenizer.encode("the")) == ["<s>", "\u2581the"]
    ids = tokenizer.encode("the é", add_special_tokens=False)
    assert tokenizer.convert_ids_to_tokens(ids) == ["\u2581the", "\u2581", "<0xC3>", "<0xA9>"]
    assert tokenizer.decode(ids) == "the é"


def test_recognised_from_the_header_and_described(tmp_path):
    gguf_models.make_llama(tmp_path, kind="Q8_0")
    found = recognise(tmp_path)

    assert (found.runtime, found.task, found.architecture) == ("gguf", "text-generation", "llama")
    assert set(found.facts["parameters_by_dtype"]) == {"F32", "Q8_0"}
    assert found.facts["context_length"] == 64
    description = load(tmp_path).description()
    json.dumps(description)
    assert (description["runtime"], description["stored_dtypes"]) == ("gguf", ["F32", "Q8_0"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"general.architecture": "mamba"}, "broken_model"),
        ({"llama.rope.scaling.type": "yarn"}, "unsupported_architecture"),
        ({"llama.expert_count": 8}, "unsupported_architecture"),
        ({"llama.block_count": 3}, "missing_weights"),
        ({"llama.block_count": 1}, "unexpected_weights"),
        ({"llama.feed_forward_length": 128}, "mismatched_weights"),
        ({"llama.context_length": None}, "broken_model"),
        ({"tokenizer.ggml.tokens": None}, "no_tokenizer"),
        ({"tokenizer.ggml.merges": None}, "no_tokenizer"),
        ({"tokenizer.ggml.pre": "unheard-of"}, "no_tokenizer"),
        ({"tokenizer.ggml.model": "bert"}, "no_tokenizer"),
        ({"tokenizer.ggml.merges": ["q"]}, "broken_model"),
    ],
)
def test_what_is_missing_or_not_built_is_named(tmp_path, changes, code):
    gguf_models.make_llama(tmp_path, **changes)

    with pytest.raises(UnsupportedModel) as caught:
        load(tmp_path)
    assert caught.value.code == code, str(caught.value)


def test_no_cut_or_changed_byte_raises_anything_but_the_refusal(tmp_path):
    gguf_models.make_llama(tmp_path)
    path = tmp_path / "model.gguf"
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for number in range(80):
        raw = bytearray(whole[: rng.integers(0, len(whole))] if number % 2 else whole)
        for place in rng.integers(0, min(len(raw), 4096) or 1, 3):
            raw[place : place + 1] = rng.bytes(1)
        path.write_bytes(bytes(raw))
        try:
            read_gguf(path)
        except UnsupportedModel:
            refused += 1
    assert refused > 40
