import numpy as np
import pytest

from models_registry.storage import hashing
from models_registry.storage.table import ChunkTable


@pytest.fixture
def table():
    return ChunkTable.build([(hashing.chunk_hash(bytes([value])), 10 + value, 100 + value) for value in range(5)])


def test_a_table_survives_its_bytes(table):
    again = ChunkTable.from_bytes(table.to_bytes())

    assert again.leaves() == table.leaves()
    assert again.xorb_hash() == table.xorb_hash()
    assert len(table.to_bytes()) == 40 * 5


def test_offsets_are_sums(table):
    assert [table.stored_offset(index) for index in range(6)] == [0, 10, 21, 33, 46, 60]
    assert table.raw_length(1, 3) == 101 + 102
    assert table.leaves(3) == [(table.hash_at(3), 103), (table.hash_at(4), 104)]


def test_a_byte_is_found_in_its_chunk(table):
    assert [table.index_at_raw(offset) for offset in (0, 99, 100, 200, 201, 509)] == [0, 0, 1, 1, 2, 4]


def test_an_empty_range_has_no_leaves(table):
    assert table.leaves(2, 2) == []
    assert isinstance(table.records, np.ndarray)
