import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.storage.chunking import MAX_BYTES, MIN_BYTES, Chunker
from models_registry.storage.gear import TABLE


def cut(data, sizes=(1 << 20,)):
    """Chunk `data`, feeding pieces of the given sizes in turn."""
    chunker, chunks, at, turn = Chunker(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        chunks += chunker.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    return chunks + list(chunker.finish())


def cut_slowly(data):
    """The definition, byte by byte."""
    table = [int(value) for value in TABLE]
    lengths, value, length = [], 0, 0
    for byte in data:
        value = ((value << 1) + table[byte]) & (1 << 64) - 1
        length += 1
        if length == MAX_BYTES or (length >= MIN_BYTES and value >> 48 == 0):
            lengths.append(length)
            value = length = 0
    return lengths + ([length] if length else [])


@pytest.mark.parametrize("seed", range(4))
def test_cuts_are_those_of_the_definition(seed):
    data = np.random.default_rng(seed).bytes(700_000 + seed)

    assert [len(chunk) for chunk in cut(data)] == cut_slowly(data)


@pytest.mark.parametrize("data", [b"", b"x", bytes(MAX_BYTES), bytes(MAX_BYTES + 1), bytes(400_000), b"ab" * 250_000])
def test_even_data_is_cut_at_the_longest(data):
    assert [len(chunk) for chunk in cut(data)] == cut_slowly(data)


@given(st.integers(0, 2**32 - 1), st.integers(0, 600_000), st.lists(st.integers(1, 200_000), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_cuts_do_not_depend_on_how_the_bytes_arrive(seed, size, pieces):
    data = np.random.default_rng(seed).bytes(size)

    whole = cut(data)

    assert cut(data, pieces) == whole
    assert b"".join(whole) == data
    assert all(MIN_BYTES <= len(chunk) <= MAX_BYTES for chunk in whole[:-1])


def test_bytes_put_in_front_move_the_cuts_along():
    data = np.random.default_rng(7).bytes(3_000_000)

    before, after = set(cut(data)), set(cut(b"a header" * 5 + data))

    assert len(before - after) <= 2


def test_memory_does_not_grow_with_the_stream():
    piece = np.random.default_rng(3).bytes(1 << 20)
    chunker = Chunker()
    tracemalloc.start()
    for _ in range(24):
        for _chunk in chunker.feed(piece):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 6 << 20


def test_chunking_keeps_up_with_a_disk():
    """A floor far under what one free core does (over 150 MB/s), so that only a blunder trips it."""
    data = np.random.default_rng(3).bytes(8 << 20)
    best = min(_seconds(data) for _ in range(3))

    assert len(data) / best > 30e6


def _seconds(data):
    start = time.process_time()
    cut(data)
    return time.process_time() - start
