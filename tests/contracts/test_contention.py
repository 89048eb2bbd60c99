"""Many at once, against a running hub: one commit of many wins, and the same bytes sent by many are kept once."""

import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from models_registry.models import Xorb
from models_registry.services.collection import collect
from models_registry.services.fsck import check_all
from models_registry.services.revisions import find_commit
from models_registry.storage.blobs import blob_store
from tests.contracts.conftest import Hub
from tests.contracts.test_faults import ndjson
from tests.factories.accounts import UserFactory, bearer, token
from tests.factories.content import noise, sha256
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS = 64
ROUNDS = int(os.environ.get("SMALLHUB_CONTENTION_ROUNDS", "3"))


def test_of_64_commits_on_one_head_exactly_one_wins_each_round(hub: Hub) -> None:
    repository = RepositoryFactory()
    headers = bearer(repository.creator) | {"Content-Type": "application/x-ndjson"}
    address = f"{hub.url}/api/models/{repository.full_name}/commit/main"

    with httpx.Client(limits=httpx.Limits(max_connections=CALLERS), timeout=120) as client:
        for number in range(ROUNDS):
            head = find_commit(repository, "main").oid
            start = threading.Barrier(CALLERS)

            def one(caller: int, *, number: int = number, head: str = head, start: threading.Barrier = start):
                body = ndjson({f"{number}-{caller}.txt": b"x"}).replace(
                    '"summary"', f'"parentCommit": "{head}", "summary"'
                )
                start.wait()
                return client.post(address, content=body, headers=headers)

            with ThreadPoolExecutor(CALLERS) as pool:
                answers = list(pool.map(one, range(CALLERS)))

            assert Counter(answer.status_code for answer in answers) == {200: 1, 412: CALLERS - 1}
            won = next(answer for answer in answers if answer.status_code == 200).json()["commitOid"]
            assert find_commit(repository, "main").oid == won
            assert find_commit(repository, "main").parents == [head]
            lost = next(answer for answer in answers if answer.status_code == 412)
            assert "The branch was updated since you opened this page" in lost.json()["error"]

    assert list(check_all()) == []


SEND = """
import sys
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=sys.argv[2], path_in_repo="model.bin", repo_id=sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_200_mb_sent_eight_times_at_once_are_kept_once(hub: Hub, tmp_path: Path) -> None:
    body = noise(200_000_000)
    file = tmp_path / "model.bin"
    file.write_bytes(body)
    repositories = [RepositoryFactory(user=UserFactory()) for _ in range(8)]

    def send(repository) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": token(repository.creator),
            "HF_HOME": str(tmp_path / f"home-{repository.pk}"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-c", SEND, repository.full_name, str(file)], env=environment, stderr=subprocess.PIPE
        )

    senders = [send(repository) for repository in repositories]
    for sender in senders:
        _, errors = sender.communicate(timeout=800)
        assert sender.returncode == 0, errors.decode()[-2000:]

    # Whose packs were told to whom while they came is a matter of moments; what is kept in the end is not.
    collect(grace=timedelta(0))
    collect(grace=timedelta(0))
    stored = sum(blob.size_bytes for blob in blob_store().iterate())
    assert stored < 1.02 * len(body)
    assert sum(Xorb.objects.values_list("raw_bytes", flat=True)) < 1.02 * len(body)
    last = repositories[-1]
    with httpx.stream("GET", f"{hub.url}/{last.full_name}/resolve/main/model.bin", timeout=120) as answer:
        assert sha256(answer.read()) == sha256(body)
