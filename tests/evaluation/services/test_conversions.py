"""The import lane: real pickles and Keras files become safetensors with the same numbers, as one pull request."""

import io
import os
import pickle
import signal
import sys
import time
import zipfile
from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from evaluation.exceptions import LeaseLost, NothingToConvert
from evaluation.models import Conversion
from evaluation.services import conversion_leases as leases
from evaluation.services import conversions
from models_registry.exceptions import RepositoryForbidden
from models_registry.manifests import listing_of
from models_registry.models import Content, Discussion
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.types import AddLarge
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory
from tests.requirements import require

# The lease is kept by a thread with a connection of its own, which sees what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


def model_with(path: str, body: bytes, repository=None):
    repository = repository or RepositoryFactory()
    user = repository.creator
    found = content.ingest(repository=repository, user=user, stream=io.BytesIO(body), size_bytes=len(body))
    operation = AddLarge(path, found.sha256, len(body))
    return repository, commit(repository=repository, user=user, branch="main", title="Weights", operations=[operation])


def torch_file(value) -> bytes:
    torch = pytest.importorskip("torch")
    body = io.BytesIO()
    torch.save(value, body)
    return body.getvalue()


def converted(repository, head):
    row = conversions.request_conversion(repository=repository, commit=head, user=repository.creator)
    conversions.perform(conversion_id=row.pk)
    row.refresh_from_db()
    return row


def proposed(row):
    """The tensors of the pull request's safetensors, as the usual library reads them."""
    from safetensors import safe_open

    number = row.pull_request
    head = row.repository.refs.get(name=f"refs/pr/{number}").commit
    entry = listing_of(row.repository.commits.get(oid=head)).files["model.safetensors"]
    path = content.materialise(Content.objects.get(sha256=entry.sha256))
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary.


def test_a_pytorch_pickle_becomes_a_pull_request_with_the_same_tensors():
    require("torch")
    import torch

    tensors = {
        "layer.weight": torch.randn(3, 4),
        "layer.bias": torch.randn(3).to(torch.bfloat16),
        "turned": torch.arange(6).reshape(2, 3).t(),
        "empty": torch.zeros(0, 2),
        "one": torch.tensor(2.5, dtype=torch.float64),
    }
    repository, head = model_with("pytorch_model.bin", torch_file({"state_dict": tensors, "epoch": 3}))

    row = converted(repository, head)

    assert (row.state, row.reason) == ("done", "")
    found = proposed(row)
    assert set(found) == set(tensors)
    assert all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in tensors.items()
    )
    discussion = Discussion.objects.get(repository=repository, number=row.pull_request)
    assert (discussion.title, discussion.author) == ("Convert pytorch_model.bin to safetensors", repository.creator)
    assert row.evidence["tensors"] == 5
    assert listing_of(head).files["pytorch_model.bin"].sha256 == row.evidence["source"]["sha256"]


def test_asking_again_changes_nothing():
    require("torch")
    import torch

    repository, head = model_with("pytorch_model.bin", torch_file({"w": torch.ones(2, 2)}))
    first = converted(repository, head)

    second = converted(repository, head)
    conversions.perform(conversion_id=first.pk)

    assert (second.pk, second.pull_request, Conversion.objects.count()) == (first.pk, first.pull_request, 1)
    assert Discussion.objects.filter(repository=repository).count() == 1


class Evil:
    def __reduce__(self):
        return (print, ("never",))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pytorch_model.bin", lambda: torch_file({"w": Evil()})),
        ("model.pt", lambda: pickle.dumps({"w": Evil()})),
        ("model.pt", lambda: b"PK\x03\x04 and then nothing"),
        ("model.h5", lambda: b"\x89HDF\r\n\x1a\n and then nothing"),
        ("model.bin", lambda: b"\x00\x01\x02" * 50),
    ],
)
def test_what_is_no_plain_file_of_weights_is_refused_with_a_reason(path, body):
    require("torch")
    repository, head = model_with(path, body())

    row = converted(repository, head)

    assert row.state == "failed"
    assert row.reason
    assert not Discussion.objects.filter(repository=repository).exists()


def test_keras_files_give_their_arrays():
    h5py = pytest.importorskip("h5py")
    body, kernel = io.BytesIO(), np.arange(6, dtype=np.float32).reshape(2, 3)
    with h5py.File(body, "w") as file:
        file["dense/kernel"] = kernel
        file["dense/bias"] = np.ones(3, dtype=">f4")
        file["outside"] = h5py.ExternalLink("/etc/hostname", "/x")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("config.json", '{"class_name": "Sequential"}')
        zipped.writestr("model.weights.h5", body.getvalue())
    for path, content_of in (("model.h5", body.getvalue()), ("model.keras", archive.getvalue())):
        repository, head = model_with(path, content_of)

        row = converted(repository, head)

        assert (row.state, row.reason) == ("done", "")
        found = {name: tensor.numpy() for name, tensor in proposed(row).items()}
        assert set(found) == {"dense/kernel", "dense/bias"}
        assert np.array_equal(found["dense/kernel"], kernel)
        assert np.array_equal(found["dense/bias"], np.ones(3))


def test_a_keras_file_with_code_is_refused():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("config.json", '{"class_name": "Lambda"}')
        zipped.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    repository, head = model_with("model.keras", archive.getvalue())

    row = converted(repository, head)

    assert row.state == "failed"
    assert "Lambda" in row.reason


def test_only_writers_ask_and_only_where_there_is_something():
    repository, head = model_with("weights.bin", b"\x00" * 2000)
    with pytest.raises(RepositoryForbidden):
        conversions.request_conversion(repository=repository, commit=head, user=UserFactory())
    repository, head = model_with("model.safetensors", b"\x00" * 2000, repository=repository)
    with pytest.raises(NothingToConvert):
        conversions.request_conversion(repository=repository, commit=head, user=repository.creator)


def waiting():
    """A conversion that was asked for, of a file that the scan lets through."""
    repository, head = model_with("pytorch_model.bin", torch_file({"w": [1.0]}))
    return conversions.request_conversion(repository=repository, commit=head, user=repository.creator)


def fresh(row):
    return Conversion.objects.get(pk=row.pk)


def test_what_waits_is_told_again_after_a_while_and_not_all_the_time():
    row = waiting()
    assert conversions.tell_again() == 0

    Conversion.objects.update(created_at=timezone.now() - 2 * leases.SILENCE)

    assert conversions.tell_again() == 1
    assert conversions.tell_again() == 0
    assert fresh(row).state == "queued"


def test_a_living_worker_is_left_alone_and_a_silent_one_is_not():
    row = waiting()
    first = leases.claim(row.pk)

    assert leases.claim(row.pk) is None
    assert conversions.tell_again() == 0
    Conversion.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = leases.claim(row.pk)

    assert (first.attempt, second.attempt, fresh(row).losses) == (1, 2, 1)
    with pytest.raises(LeaseLost):
        leases.end(first, Conversion.State.FAILED, reason="late")
    assert fresh(row).state == "running"


def test_what_comes_late_opens_no_second_pull_request(monkeypatch):
    require("torch")
    import torch

    repository, head = model_with("pytorch_model.bin", torch_file({"w": torch.ones(2, 2)}))
    row = conversions.request_conversion(repository=repository, commit=head, user=repository.creator)
    convert = conversions._convert

    def slowly(claimed, keeper):
        made = convert(claimed, keeper)
        if claimed.attempt == 1:  # It was thought dead, and somebody else was quicker.
            Conversion.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            conversions.perform(conversion_id=row.pk)
        return made

    monkeypatch.setattr(conversions, "_convert", slowly)
    conversions.perform(conversion_id=row.pk)

    assert (fresh(row).state, fresh(row).attempt) == ("done", 2)
    assert list(Discussion.objects.values_list("number", flat=True)) == [fresh(row).pull_request]


def fork_and_kill(row, until):
    """A worker process that takes the conversion, killed outright once `until` holds."""
    connections.close_all()  # No connection may be shared with the child.
    pid = os.fork()
    if not pid:
        try:
            os.setsid()
            conversions.perform(conversion_id=row.pk)
            time.sleep(60)
        finally:
            os._exit(1)
    ends_at = time.monotonic() + 60
    while not until() and time.monotonic() < ends_at:
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="Workers run on Linux.")
def test_a_conversion_whose_worker_was_killed_is_taken_again_and_ends_once():
    require("torch")
    import torch

    repository, head = model_with("pytorch_model.bin", torch_file({"w": torch.ones(2, 2)}))
    row = conversions.request_conversion(repository=repository, commit=head, user=repository.creator)

    fork_and_kill(row, lambda: fresh(row).state == "running")
    assert fresh(row).state == "running"
    assert conversions.tell_again() == 1
    conversions.perform(conversion_id=row.pk)
    assert conversions.tell_again() == 0
    conversions.perform(conversion_id=row.pk)

    assert (fresh(row).state, fresh(row).attempt, fresh(row).losses) == ("done", 2, 1)
    assert Discussion.objects.filter(repository=repository).count() == 1


@pytest.mark.skipif(sys.platform != "linux", reason="Workers run on Linux.")
def test_a_file_over_which_three_workers_died_is_given_up():
    row = waiting()

    for _ in range(leases.MAX_LOSSES):
        fork_and_kill(row, lambda: fresh(row).state == "running")
        conversions.tell_again()

    assert fresh(row).state == "failed"
    assert "Given up after 3 attempts" in fresh(row).reason
    conversions.request_conversion(repository=row.repository, commit=row.commit, user=row.requested_by)
    assert (fresh(row).state, fresh(row).losses) == ("queued", 0)


def test_the_api_and_the_command_are_doors_to_the_same_row(client):
    require("torch")
    import torch

    from tests.factories.accounts import bearer

    repository, head = model_with("pytorch_model.bin", torch_file({"w": torch.ones(2, 2)}))
    address = f"/api/v1/models/{repository.full_name}/conversions/main"

    asked = client.post(address, headers=bearer(repository.creator))
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    call_command("convert_weights", repository.full_name, user=repository.creator.username, verbosity=0)

    (row,) = client.get(address).json()["conversions"]
    assert (row["state"], row["commit"], row["pull_request"]) == ("done", head.oid, 1)
    with pytest.raises(CommandError, match="no such model"):
        call_command("convert_weights", "nobody/nothing", user=repository.creator.username)
