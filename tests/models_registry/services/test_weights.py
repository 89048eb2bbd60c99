import json
import struct

import numpy as np
import pytest

from models_registry.formats.tensor_diff import compare_tensor
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository, WeightsDiff
from models_registry.services import weights
from models_registry.services.commits import commit
from models_registry.services.content import Content
from models_registry.services.content.chunk_maps import chunk_map, unequal_spans
from models_registry.services.weights import perform_weights_diff, request_weights_diff, weights_change
from models_registry.types import AddFile, AddLarge
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def packed(**tensors: np.ndarray) -> bytes:
    """A safetensors file of float32."""
    header, position = {}, 0
    singles = {name: values.astype("<f4") for name, values in tensors.items()}
    for name, values in singles.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [position, position + values.nbytes],
        }
        position += values.nbytes
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for values in singles.values())


def weight(seed: int, size: int = 300_000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size).astype("<f4")


def put_large(repository: Repository, body: bytes, path: str = "model.safetensors") -> Commit:
    found = put_plain(repository, body)
    return commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Train",
        operations=[AddLarge(path, found.sha256)],
    )


def entries(before: Commit, after: Commit):
    return (listing_of(each).files["model.safetensors"] for each in (before, after))


def test_a_fine_tune_shows_which_tensors_it_moved_and_how_far() -> None:
    repository = RepositoryFactory()
    a, b, c = weight(1), weight(2), weight(3)
    moved = b.copy()
    moved[1234] += 0.5
    old, new = entries(put_large(repository, packed(a=a, b=b, c=c)), put_large(repository, packed(a=a, b=moved, d=c)))

    found = weights_change(repository, "model.safetensors", old, new)

    assert found.state == "done"
    assert found.result["counts"] == {"added": 1, "removed": 1, "changed": 1, "reshaped": 0, "same": 1}
    row = found.result["tensors"][0]
    assert (row["name"], row["changed"]) == ("b", 1)
    assert row["max_abs"] == pytest.approx(abs(float(moved[1234]) - float(b[1234])))
    assert row["relative"] == pytest.approx(np.linalg.norm(moved - b) / np.linalg.norm(b), rel=1e-5)


def test_shared_chunks_are_not_read(monkeypatch) -> None:
    repository = RepositoryFactory()
    a, b = weight(1, 1_000_000), weight(2, 1_000_000)
    moved = b.copy()
    moved[-1] += 1
    old, new = entries(put_large(repository, packed(a=a, b=b)), put_large(repository, packed(a=a, b=moved)))
    sources = [weights.open_weights(repository, entry) for entry in (old, new)]
    read: list[int] = []

    def counted(start: int, stop: int) -> bytes:
        read.append(stop - start)
        return sources[1].read(start, stop)

    found = [
        compare_tensor(
            name,
            before,
            after,
            read_before=sources[0].read,
            read_after=counted,
            unequal=lambda x, y: weights._unequal(*sources, x, y),
        ).way
        for name, before, after in weights.pairs(sources[0].header, sources[1].header)
    ]
    assert found == ["same", "changed"]
    assert sum(read) < 4_000_000 / 4


def test_what_is_said_to_be_equal_is_equal() -> None:
    repository = RepositoryFactory()
    body = noise(900_000, 1)
    other = body[:300_000] + noise(100, 2) + body[300_100:700_000] + body[650_000:]
    maps = [chunk_map(put_plain(repository, each)) for each in (body, other)]
    assert [int(each.ends[-1]) for each in maps] == [len(body), len(other)]
    for start, shift, length in ((0, 0, 900_000), (1_000, 0, 500_000), (650_000, 50_000, 200_000), (10, 0, 0)):
        spans = unequal_spans(*maps, before_start=start, after_start=start + shift, length=length)
        position = 0
        for low, high in [*spans, (length, length)]:
            assert body[start + position : start + low] == other[start + shift + position : start + shift + low]
            position = high
        assert sum(high - low for low, high in spans) < max(length, 1)
        assert all(0 <= low < high <= length for low, high in spans)


def test_large_comparisons_are_left_to_a_worker(monkeypatch, django_capture_on_commit_callbacks) -> None:
    monkeypatch.setattr(weights, "INLINE_BYTES", 1000)
    queued = []
    monkeypatch.setattr(weights.tasks.compare_weights, "delay", queued.append)
    repository = RepositoryFactory()
    old, new = entries(put_large(repository, packed(a=weight(1))), put_large(repository, packed(a=weight(2))))
    assert weights_change(repository, "m", old, new).state == "large"

    with django_capture_on_commit_callbacks(execute=True):
        row = request_weights_diff(repository=repository, user=repository.creator, before=old, after=new)
        request_weights_diff(repository=repository, user=repository.creator, before=old, after=new)
    assert set(queued) == {row.pk}
    assert weights_change(repository, "m", old, new).state == "queued"

    perform_weights_diff(row.pk)
    perform_weights_diff(row.pk)

    found = weights_change(repository, "m", old, new)
    assert found.state == "done"
    assert found.result["counts"]["changed"] == 1
    expected = np.abs(weight(2).astype(float) - weight(1).astype(float)).max()
    assert found.result["max_abs"] == pytest.approx(expected)


def test_a_worker_leaves_alone_what_another_is_at_and_takes_over_from_the_silent(monkeypatch) -> None:
    monkeypatch.setattr(weights.tasks.compare_weights, "delay", lambda pk: None)
    repository = RepositoryFactory()
    old, new = entries(put_large(repository, packed(a=weight(1))), put_large(repository, packed(a=weight(2))))
    row = request_weights_diff(repository=repository, user=repository.creator, before=old, after=new)
    WeightsDiff.objects.filter(pk=row.pk).update(state="running")
    perform_weights_diff(row.pk)
    row.refresh_from_db()
    assert row.state == "running"
    WeightsDiff.objects.filter(pk=row.pk).update(heard_at=row.heard_at - 2 * weights.SILENCE)
    perform_weights_diff(row.pk)
    row.refresh_from_db()
    assert row.state == "done"
    perform_weights_diff(row.pk + 1)


def test_files_that_are_no_weights_say_so(monkeypatch) -> None:
    repository = RepositoryFactory()
    small = put(repository, {"model.safetensors": b"no such thing"})
    old, new = entries(small, put_large(repository, noise(2_000_000)))
    found = weights_change(repository, "m", old, new)
    assert found.state == "failed"
    assert found.reason
    monkeypatch.setattr(weights.tasks.compare_weights, "delay", lambda pk: None)
    row = request_weights_diff(repository=repository, user=repository.creator, before=new, after=new)
    perform_weights_diff(row.pk)
    row.refresh_from_db()
    assert (row.state, bool(row.reason)) == ("failed", True)


def test_small_weights_in_git_are_compared_as_well() -> None:
    repository = RepositoryFactory()
    first = put(repository, {"model.safetensors": packed(a=np.zeros(4))})
    second = commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="x",
        operations=[AddFile("model.safetensors", packed(a=np.array([0, 0, 2.5, 0])))],
    )
    found = weights_change(repository, "m", *entries(first, second))
    assert found.result["tensors"][0]["max_abs"] == 2.5
    assert found.result["tensors"][0]["relative"] is None
    assert Content.objects.count() == 0
