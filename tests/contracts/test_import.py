"""A second hub of our own imports from the first, mirrors it, and passes on what it does not have."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models_registry.models import DiscussionStatus, Gated, Visibility
from models_registry.services import discussions
from models_registry.services.commits import commit
from models_registry.services.pull_requests import merge_pull_request, open_pull_request
from models_registry.services.refs import create_branch, create_tag
from models_registry.types import AddFile, AddLarge
from tests.contracts.conftest import ROOT, Hub
from tests.factories.accounts import UserFactory, token
from tests.factories.content import noise
from tests.factories.registry import RepositoryFactory, put
from tests.models_registry.services.test_imports import Elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
BODY = noise(3_000_000, 7)
SHA256 = hashlib.sha256(BODY).hexdigest()


class Second(Hub):
    """Another hub with data of its own."""

    def manage(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=check,
        )

    def refresh_mirrors(self) -> None:
        """What the worker does for `refresh_mirrors`."""
        code = (
            "from models_registry.services import imports\n"
            "for record in imports.due_mirrors(): imports.refresh(record_id=record.pk)"
        )
        self.manage("shell", "-c", code)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database that holds bob, made once."""
    place = tmp_path_factory.mktemp("empty") / "hub.sqlite3"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
        "SMALLHUB_DATA": str(place.parent),
        "SMALLHUB_SECRET_KEY": "another" * 8,
        "DATABASE_URL": f"sqlite:///{place}",
    }
    code = "from accounts.services import create_user; create_user(username='bob')"
    for words in (("migrate", "-v", "0"), ("shell", "-v", "0", "-c", code)):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, timeout=240)
    return place


@pytest.fixture
def second(tmp_path: Path, hub: Hub, empty_database: Path) -> Iterator[Second]:
    data = tmp_path / "second"
    data.mkdir()
    shutil.copy(empty_database, data / "hub.sqlite3")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
        "SMALLHUB_DATA": str(data),
        "SMALLHUB_BLOBS": f"file://{data}/blobs",
        "SMALLHUB_SECRET_KEY": "another" * 8,
        "SMALLHUB_SEED": "0",
        "SMALLHUB_UPSTREAM": hub.url,
        "DATABASE_URL": f"sqlite:///{data}/hub.sqlite3",
        "CELERY_BROKER_URL": "filesystem://",
    }
    made = Second(data=data, environment=environment)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def tides():
    """A repository of the first hub with history, a branch, a tag and large content."""
    repository = RepositoryFactory(user=UserFactory(username="ada"), name="tides")
    user = repository.creator
    put(repository, {"config.json": "{}", "notes/üml aut.txt": "x"})
    large(repository)
    create_branch(repository=repository, user=user, name="trial/one")
    create_tag(repository=repository, user=user, name="v1", revision="main", message="First")
    repository.refresh_from_db()
    return repository


def large(repository, path: str = "model.bin", body: bytes = BODY):
    import io

    from models_registry.services import content

    user = repository.creator
    found = content.ingest(repository=repository, user=user, stream=io.BytesIO(body), size_bytes=len(body))
    return commit(
        repository=repository,
        user=user,
        branch="main",
        title="Weights",
        operations=[AddLarge(path, found.sha256, len(body))],
    )


def refs_of(url: str, name: str, **headers: str) -> dict[str, str]:
    answer = httpx.get(f"{url}/api/models/{name}/refs", headers=headers).json()
    return {ref["ref"]: ref["targetCommit"] for ref in [*answer["branches"], *answer["tags"]]}


def test_a_repository_of_another_hub_comes_with_all_refs_ids_and_bytes(hub, second, tides):
    done = second.manage("import_repo", "ada/tides", "bob/tides", "--hub", hub.url)
    second.start()

    assert "1 large files" in done.stdout
    assert refs_of(second.url, "bob/tides") == refs_of(hub.url, "ada/tides")
    commits = [
        httpx.get(f"{at}/commits/main").json()
        for at in (f"{hub.url}/api/models/ada/tides", f"{second.url}/api/models/bob/tides")
    ]
    assert [each["id"] for each in commits[0]] == [each["id"] for each in commits[1]]
    fetched = httpx.get(f"{second.url}/bob/tides/resolve/v1/model.bin")
    assert hashlib.sha256(fetched.content).hexdigest() == SHA256
    assert second.manage("fsck", "--deep").returncode == 0


def talked_about(repository) -> None:
    """Threads in every state: an open discussion, one merged, one closed and one open pull request."""
    ada, eve = repository.creator, UserFactory(username="eve")
    talk = discussions.open_discussion(repository=repository, user=eve, title="Why tides?", text="Tell **me**.")
    discussions.comment(discussion=talk, user=ada, text="Because of the moon, @eve. See #2.")
    for name in ("merged.txt", "closed.txt", "open.txt"):
        operations = [AddFile(name, name.encode())]
        opened = open_pull_request(repository=repository, user=eve, title=f"Add {name}", operations=operations)
        if name == "merged.txt":
            merge_pull_request(discussion=opened.discussion, user=ada)
        if name == "closed.txt":
            discussions.set_status(discussion=opened.discussion, user=ada, status=DiscussionStatus.CLOSED)


def threads_of(url: str, name: str) -> list[dict]:
    """Every thread without what each hub gives by itself: ids, and where the repository is."""
    listed = httpx.get(f"{url}/api/models/{name}/discussions").json()["discussions"]
    threads = []
    for item in listed:
        told = httpx.get(f"{url}/api/models/{name}/discussions/{item['num']}").json()
        told.pop("repo")
        for event in told["events"]:
            event.pop("id")
            latest = event["data"].get("latest", {})
            latest.pop("html", None)
            event["author"] = event["author"]["name"]
            latest["author"] = event["author"]
        threads.append(told | {"author": told["author"]["name"]})
    return threads


def pulls_of(url: str, name: str) -> dict[str, str]:
    answer = httpx.get(f"{url}/api/models/{name}/refs?include_prs=1").json()
    return {ref["ref"]: ref["targetCommit"] for ref in answer["pullRequests"]}


def test_discussions_and_pull_requests_come_with_their_numbers_refs_and_writers(hub, second, tides):
    talked_about(tides)
    second.manage("import_repo", "ada/tides", "bob/tides", "--hub", hub.url, "--mirror", "1m")
    second.start()

    there, here = threads_of(hub.url, "ada/tides"), threads_of(second.url, "bob/tides")
    assert [thread["status"] for thread in here] == ["open", "closed", "merged", "open"]
    assert here == there
    assert pulls_of(second.url, "bob/tides") == pulls_of(hub.url, "ada/tides")
    assert set(pulls_of(second.url, "bob/tides")) == {"refs/pr/2", "refs/pr/3", "refs/pr/4"}
    page = httpx.get(f"{second.url}/bob/tides/discussions/1").text
    assert "Because of the moon" in page
    assert "at another hub" in page

    talk = tides.discussions.get(number=1)
    discussions.comment(discussion=talk, user=tides.creator, text="And the sun.")
    discussions.set_status(discussion=talk, user=tides.creator, status=DiscussionStatus.CLOSED)
    second.manage("shell", "-c", "from models_registry.models import *; RepositoryImport.objects.update(next_at=None)")
    second.refresh_mirrors()

    assert threads_of(second.url, "bob/tides") == threads_of(hub.url, "ada/tides")
    assert second.manage("fsck", "--deep").returncode == 0


def test_private_repositories_need_the_token_and_stay_private(hub, second, tides):
    tides.visibility = Visibility.PRIVATE
    tides.save()
    command = ("import_repo", "ada/tides", "bob/tides", "--hub", hub.url)

    refused = second.manage(*command, check=False)
    second.manage(*command, "--token-variable", "ORIGIN_TOKEN", ORIGIN_TOKEN=token(tides.creator))
    second.start()

    assert refused.returncode == 1
    assert "origin_refused" in refused.stderr
    assert httpx.get(f"{second.url}/api/models/bob/tides").status_code == 401


def test_a_mirror_follows_the_other_hub(hub, second, tides):
    second.manage("import_repo", "ada/tides", "bob/tides", "--hub", hub.url, "--mirror", "1m")
    put(tides, {"more.txt": "more"})
    second.manage("shell", "-c", "from models_registry.models import *; RepositoryImport.objects.update(next_at=None)")
    second.refresh_mirrors()
    second.start()

    assert refs_of(second.url, "bob/tides") == refs_of(hub.url, "ada/tides")


def test_a_git_address_is_imported_with_git_lfs(hub, second, tides):
    done = second.manage("import_repo", f"{hub.url}/ada/tides", "bob/tides")
    second.start()

    assert "1 large files" in done.stdout
    assert refs_of(second.url, "bob/tides") == refs_of(hub.url, "ada/tides")


def test_a_folder_of_git_is_imported_by_the_command(second, tmp_path):
    made = Elsewhere(tmp_path / "elsewhere")
    head = made.commit({"README.md": b"# Hi\n"}, large={"a.bin": noise(100_000)})

    second.manage("import_repo", str(made.folder), "bob/local", "--kind", "dataset")
    wrong = second.manage("import_repo", str(tmp_path / "nothing"), "bob/other", check=False)
    second.start()

    assert httpx.get(f"{second.url}/api/datasets/bob/local").json()["sha"] == head
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr


PULL = """
import sys
from huggingface_hub import HfApi, snapshot_download
print(HfApi().model_info(sys.argv[1]).sha)
print(snapshot_download(sys.argv[1]))
"""


def test_what_is_not_here_is_passed_on_and_then_copied(hub, second, tides, tmp_path):
    second.start()
    client = os.environ | {
        "HF_ENDPOINT": second.url,
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", PULL, "ada/tides"], env=client, capture_output=True, text=True, timeout=240
    )

    assert done.returncode == 0, done.stderr[-3000:]
    sha, folder = done.stdout.split()
    assert sha == tides.head
    assert hashlib.sha256((Path(folder) / "model.bin").read_bytes()).hexdigest() == SHA256
    part = httpx.get(f"{second.url}/ada/tides/resolve/main/model.bin", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, BODY[10:20])
    assert "X-Smallhub-Upstream" in part.headers

    second.refresh_mirrors()
    hub.stop()
    copied = httpx.get(f"{second.url}/ada/tides/resolve/main/model.bin")

    assert "X-Smallhub-Upstream" not in copied.headers
    assert hashlib.sha256(copied.content).hexdigest() == SHA256


def test_only_what_anybody_may_read_is_passed_on(hub, second, tides):
    secret = RepositoryFactory(user=tides.creator, name="secret", private=True)
    gated = RepositoryFactory(user=tides.creator, name="gated")
    gated.gated = Gated.AUTO
    gated.save()
    second.start()
    headers = {"Authorization": f"Bearer {token(tides.creator)}"}

    for name in ("ada/secret", "ada/gated", "ada/never", "bob/x"):
        assert httpx.get(f"{second.url}/api/models/{name}").status_code in (401, 404), name
    assert httpx.get(f"{second.url}/api/models/{secret.full_name}", headers=headers).status_code == 401
    for path in ("/api/models/ada/tides/settings", "/api/models/ada/tides/resolve/../../../../metrics"):
        assert "X-Smallhub-Upstream" not in httpx.get(second.url + path).headers
    assert httpx.post(f"{second.url}/api/models/ada/tides/branch/x", json={}).status_code in (401, 404)


def test_a_silent_upstream_is_told_from_a_missing_repository(hub, second):
    second.start()
    hub.stop()

    answer = httpx.get(f"{second.url}/api/models/ada/tides")

    assert answer.status_code == 503
    assert answer.json()["code"] == "origin_unreachable"
