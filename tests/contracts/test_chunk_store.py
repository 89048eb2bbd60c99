"""The public client's chunk protocol against a running hub: what is sent twice is stored once."""

from pathlib import Path

import numpy as np
import pytest

from models_registry.models import Repository
from models_registry.storage.blobs import blob_store
from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import UserFactory, token
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)

TENSOR = 400_000
COUNT = 60


@pytest.fixture
def secret(hub: Hub) -> str:
    require("huggingface_hub", "hf_xet")
    return token(UserFactory(username="ada"))


def model(path: Path, *, changed: dict[int, int], header: bytes = b"header") -> Path:
    """A file of 60 tensors of 400 kB; `changed` gives some of them another seed."""
    path.mkdir(parents=True, exist_ok=True)
    tensors = [np.random.default_rng(changed.get(index, index)).bytes(TENSOR) for index in range(COUNT)]
    (path / "model.safetensors").write_bytes(header + b"".join(tensors))
    return path


def stored_bytes(hub: Hub) -> int:
    return sum(blob.size_bytes for blob in blob_store().iterate())


def push(hub: Hub, secret: str, repository: str, folder: Path, home: Path) -> None:
    lines = [
        f'api.create_repo("{repository}", exist_ok=True)',
        f'api.upload_folder(repo_id="{repository}", folder_path="{folder}")',
    ]
    client(hub, secret, "\n".join(lines), home)


@pytest.mark.parametrize(
    ("changed", "header", "most"),
    [({30: 1000}, b"header", 3 * TENSOR), ({0: 1000}, b"another header", 3 * TENSOR)],
    ids=["a tensor in the middle", "the first tensor and the header"],
)
def test_a_second_version_from_a_fresh_machine_stores_what_changed(
    hub: Hub, secret: str, tmp_path: Path, changed: dict[int, int], header: bytes, most: int
) -> None:
    push(hub, secret, "ada/tiny", model(tmp_path / "one", changed={}), tmp_path / "home-a")
    before = stored_bytes(hub)
    second = model(tmp_path / "two", changed=changed, header=header)

    push(hub, secret, "ada/tiny", second, tmp_path / "home-b")
    client(hub, secret, f'snapshot_download("ada/tiny", local_dir="{tmp_path / "down"}")\n', tmp_path / "home-c")

    assert before > COUNT * TENSOR
    assert stored_bytes(hub) - before <= most
    assert (tmp_path / "down" / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()


def test_a_fine_tune_in_another_repository_stores_what_changed(hub: Hub, secret: str, tmp_path: Path) -> None:
    push(hub, secret, "ada/base", model(tmp_path / "one", changed={}), tmp_path / "home-a")
    before = stored_bytes(hub)

    push(hub, secret, "ada/tuned", model(tmp_path / "two", changed={50: 1000}), tmp_path / "home-b")

    assert stored_bytes(hub) - before <= 3 * TENSOR


def test_a_repository_made_anew_takes_what_the_client_remembers_as_sent(hub: Hub, secret: str, tmp_path: Path) -> None:
    """Clients keep for weeks which chunks they uploaded where; the deleted repository's must not be relied upon."""
    folder, home = model(tmp_path / "one", changed={}), tmp_path / "home"
    push(hub, secret, "ada/tiny", folder, home)
    client(hub, secret, 'api.delete_repo("ada/tiny")\n', home)
    assert not Repository.objects.exists()

    push(hub, secret, "ada/tiny", folder, home)
    client(hub, secret, f'snapshot_download("ada/tiny", local_dir="{tmp_path / "down"}")\n', tmp_path / "home-b")

    assert (tmp_path / "down" / "model.safetensors").stat().st_size == COUNT * TENSOR + len(b"header")
