import io

import pytest

from models_registry.storage.exceptions import SizeMismatch
from models_registry.storage.reading import Window, exactly


@pytest.mark.parametrize("announced", [0, 4, 6, 100])
def test_a_stream_must_have_the_announced_length(announced):
    with pytest.raises(SizeMismatch):
        list(exactly(io.BytesIO(b"12345"), announced))


def test_a_stream_of_the_announced_length_comes_whole():
    assert b"".join(exactly(io.BytesIO(b"12345"), 5)) == b"12345"


def test_a_window_never_reads_past_its_size():
    stream = io.BytesIO(b"1234567890")
    window = Window(stream, 4)

    assert (window.take(1), window.peek(9), window.take(3), window.left) == (b"1", b"234", b"234", 0)
    with pytest.raises(SizeMismatch):
        window.take(1)
    assert stream.tell() == 4
