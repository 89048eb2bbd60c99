import hashlib
import os
import threading
import time

import pytest

from models_registry.storage.cache import WholeFileCache
from models_registry.storage.digests import Sha256
from models_registry.storage.exceptions import CorruptContent


@pytest.fixture
def cache(tmp_path):
    return WholeFileCache(tmp_path, limit_bytes=2500)


def fill(cache, data, pieces=None):
    digest = Sha256(hashlib.sha256(data).hexdigest())
    return digest, cache.fill(digest, pieces or [data], size_bytes=len(data))


def age(path, seconds):
    os.utime(path, ns=(int((time.time() - seconds) * 1e9), path.stat().st_mtime_ns))


def test_a_file_is_found_once_it_was_filled(cache):
    digest, path = fill(cache, b"abc", [b"a", b"bc"])

    assert path.read_bytes() == b"abc"
    assert cache.find(digest, size_bytes=3) == path
    assert cache.find(Sha256("0" * 64), size_bytes=3) is None


def test_wrong_bytes_are_never_kept(cache):
    digest = Sha256(hashlib.sha256(b"abc").hexdigest())

    with pytest.raises(CorruptContent):
        cache.fill(digest, [b"abd"], size_bytes=3)

    assert cache.find(digest, size_bytes=3) is None
    assert list(cache._tmp.iterdir()) == []


def test_a_touched_entry_is_thrown_away(cache):
    digest, path = fill(cache, b"abc")
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(b"x")

    assert cache.find(digest, size_bytes=3) is None
    assert not path.exists()


def test_an_entry_of_another_size_is_thrown_away(cache):
    digest, path = fill(cache, b"abc")

    assert cache.find(digest, size_bytes=4) is None
    assert not path.exists()


def test_the_least_recently_used_goes_first(cache):
    (one, first), (two, second) = fill(cache, b"1" * 1000), fill(cache, b"2" * 1000)
    age(first, 900)
    age(second, 1000)
    assert cache.find(two, size_bytes=1000) is not None  # A use makes the older one younger.

    fill(cache, b"3" * 1000)

    assert cache.find(one, size_bytes=1000) is None
    assert cache.find(two, size_bytes=1000) == second


def test_an_entry_in_use_stays_even_over_the_limit(cache):
    entries = [fill(cache, bytes([value]) * 1000) for value in range(4)]

    assert all(path.exists() for _, path in entries)


def test_of_many_at_once_one_writes(cache):
    data = os.urandom(1_000_000)
    digest, written = Sha256(hashlib.sha256(data).hexdigest()), []

    def pieces():
        written.append(1)
        for at in range(0, len(data), 50_000):
            time.sleep(0.001)
            yield data[at : at + 50_000]

    threads = [
        threading.Thread(target=cache.fill, args=(digest, pieces()), kwargs={"size_bytes": len(data)}) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(written) == 1
    assert cache.find(digest, size_bytes=len(data)).read_bytes() == data


def test_a_check_finds_what_rotted_without_a_trace(cache):
    digest, path = fill(cache, b"abc")
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(b"abx")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert list(cache.check()) == [path]
    assert cache.find(digest, size_bytes=3) is None


def test_half_written_files_are_cleaned_by_age(cache):
    left = cache._tmp / "left"
    left.write_bytes(b"x")
    os.utime(left, (time.time() - 5000,) * 2)

    assert cache.clean(older_than_s=3600) == 1
    assert list(cache._tmp.iterdir()) == []
