"""Sketches of tensors: what they keep, what they leave out, and that they read a file once and in windows."""

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import blocks, gguf, safetensors, sketches
from models_registry.formats.errors import BadFormat
from models_registry.formats.sketches import SAMPLES, Source
from tests.factories import binary_models
from tests.factories.weights import SHAPES, drawn, q8_0, safetensors_of


def source(raw: bytes, reads: list[tuple[int, int]] | None = None) -> Source:
    header = safetensors.read_header(io.BytesIO(raw), size_bytes=len(raw))

    def read(start: int, stop: int) -> bytes:
        if reads is not None:
            reads.append((start, stop))
        return raw[start:stop]

    return Source(header.tensors, read)


def test_it_keeps_the_numbers_at_its_places_and_a_hash_of_the_bytes():
    arrays = drawn(1)
    taken = sketches.take([source(safetensors_of(arrays))])
    matrices = sorted(shape for shape in SHAPES.values() if len(shape) == 2)
    assert list(taken.shapes) == matrices
    assert taken.elements == sum(math.prod(shape) for shape in SHAPES.values())
    at = taken.shapes.index((300, 32))
    assert np.array_equal(taken.samples[at], arrays["embed.weight"].reshape(-1)[sketches.places(9600)])
    assert len(set(taken.hashes)) == len(taken.hashes)


def test_names_and_order_of_files_do_not_matter():
    arrays = drawn(1)
    renamed = {f"model.{name}": each for name, each in reversed(list(arrays.items()))}
    half = dict(list(arrays.items())[:3]), dict(list(arrays.items())[3:])
    one = sketches.pack(sketches.take([source(safetensors_of(arrays))]))
    assert one == sketches.pack(sketches.take([source(safetensors_of(renamed))]))
    assert one == sketches.pack(sketches.take([source(safetensors_of(each)) for each in half]))


def test_packed_and_unpacked_it_is_the_same_and_others_bytes_are_refused():
    taken = sketches.take([source(safetensors_of(drawn(1)))])
    again = sketches.unpack(sketches.pack(taken))
    assert again.shapes == taken.shapes
    assert again.hashes == taken.hashes
    assert again.elements == taken.elements
    assert np.array_equal(again.samples, taken.samples)
    for wrong in (b"", b"no sketch at all", sketches.pack(taken)[:-1]):
        with pytest.raises(BadFormat):
            sketches.unpack(wrong)


def test_a_file_is_read_once_and_never_more_than_a_window():
    reads: list[tuple[int, int]] = []
    raw = safetensors_of({"big": np.random.default_rng(1).standard_normal((1500, 512)).astype(np.float32)})
    sketches.take([source(raw, reads)])
    assert max(stop - start for start, stop in reads) <= 1 << 20
    assert sum(stop - start for start, stop in reads) == 1500 * 512 * 4
    assert reads == sorted(reads)


def waves(length: int, width: int) -> np.ndarray:
    angle = np.arange(length)[:, None] / 10_000 ** (np.arange(width // 2)[None, :] / (width / 2))
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    "array",
    [
        np.ones((64, 64), np.float32),
        np.zeros((64, 64), np.float32),
        np.tril(np.ones((64, 64), np.float32)),
        np.arange(4096, dtype=np.int64).reshape(64, 64),
        waves(128, 32),
        waves(128, 32).reshape(128, 2, 16).transpose(0, 2, 1).reshape(128, 32).copy(),  # Sine and cosine in turns.
        np.random.default_rng(1).standard_normal(4096).astype(np.float32),
        np.random.default_rng(1).standard_normal((1, 4096)).astype(np.float32),
        np.random.default_rng(1).standard_normal((31, 33)).astype(np.float32),
        np.full((64, 64), np.nan, np.float32),
    ],
    ids=["ones", "zeros", "mask", "positions", "waves", "waves in turns", "vector", "row", "small", "nan"],
)
def test_what_is_the_same_in_unrelated_models_is_left_out(array: np.ndarray):
    assert sketches.take([source(safetensors_of({"x": array}))]).shapes == ()


@settings(max_examples=60)
@given(st.integers(SAMPLES, 10**12))
def test_places_are_inside_apart_and_rising(elements: int):
    found = sketches.places(elements)
    assert len(found) == SAMPLES
    assert found[0] >= 0
    assert found[-1] < elements
    assert np.all(np.diff(found) > 0)


@pytest.mark.parametrize("width", [32, 64, 256, 1024])
def test_places_do_not_fall_into_one_column(width: int):
    assert len(np.unique(sketches.places(1024 * width) % width)) > min(width, SAMPLES) // 3


def test_half_precision_and_blocks_are_read_as_numbers():
    array = drawn(3)["layers.0.up.weight"]
    rounded = (array.view(np.uint32) >> 16).astype(np.uint16).view(np.float16)
    raw = safetensors_of({"half": array.astype(np.float16), "brain": rounded}, {"brain": "BF16"})
    tensors = [("blk.0.weight", array.shape[::-1], 8, q8_0(array)), ("b", array.shape[::-1], 0, array.tobytes())]
    body = binary_models.gguf(tensors)
    header = gguf.read_header(io.BytesIO(body), size_bytes=len(body))
    taken = sketches.take([source(raw), Source(header.tensors, lambda start, stop: body[start:stop])])
    exact = array.reshape(-1)[sketches.places(array.size)]
    assert taken.shapes == (array.shape,) * 4
    for dtype, numbers in zip(taken.dtypes, taken.samples, strict=True):
        bound = {"F32": 0, "F16": 1e-3, "BF16": 1e-2, "Q8_0": 2e-2}[dtype]
        assert np.linalg.norm(numbers - exact) <= bound * np.linalg.norm(exact), dtype


@pytest.mark.parametrize("dtype", sorted(blocks.BLOCK_BYTES))
def test_blocks_are_decoded_as_the_runtime_does(dtype: str):
    from smallhub.runtimes import _dequantise

    raw = np.random.default_rng(5).integers(0, 256, (40, blocks.BLOCK_BYTES[dtype]), dtype=np.uint8)
    raw[:, 1] &= 0x3B  # Scales are finite.
    raw[:, 3] &= 0x3B
    expected = _dequantise._TYPES[dtype](raw).reshape(-1)
    assert np.array_equal(blocks.decode_blocks(raw.tobytes(), dtype), expected)


def test_a_file_that_ends_too_soon_is_refused():
    raw = safetensors_of(drawn(1))
    header = safetensors.read_header(io.BytesIO(raw), size_bytes=len(raw))
    with pytest.raises(BadFormat):
        sketches.take([Source(header.tensors, lambda start, stop: raw[start : min(stop, len(raw) - 4000)])])
