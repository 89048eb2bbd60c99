"""The public client, unmodified, against a running hub: upload, download, list, delete, and its error classes.

The client runs in a process of its own with nothing but HF_ENDPOINT and a token, as a user would run it.
"""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Scope
from tests.contracts.conftest import Hub
from tests.factories.accounts import UserFactory, token
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(hub: Hub) -> tuple[str, str]:
    """A user's name and her write token."""
    require("huggingface_hub", "hf_xet")
    user = UserFactory(username="ada")
    return "ada", token(user)


def client(hub: Hub, secret: str, code: str, home: Path, **extra: str) -> Any:
    """Run `code` in a fresh Python with the client configured; returns what it printed as JSON."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": secret,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    } | extra
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "LD_LIBRARY_PATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    home.mkdir(parents=True, exist_ok=True)
    program = "import json\nfrom huggingface_hub import *\nfrom huggingface_hub.errors import *\napi = HfApi()\n"
    done = subprocess.run(
        [sys.executable, "-c", program + textwrap.dedent(code)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else None


def folder(path: Path, *, large: int = 3_000_000) -> dict[str, str]:
    """A model-like folder; returns the SHA-256 of each file."""
    bodies = {
        "README.md": b"---\nlicense: apache-2.0\nlanguage: en\n---\n# Tiny\n\nA tiny model.\n",
        "config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
        "sub/notes with space.txt": "Grüße, 你好\n".encode(),
        "model.safetensors": bytes(hashlib.shake_256(b"weights").digest(large)),
        "empty.txt": b"",
    }
    for name, body in bodies.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(body)
    return {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}


def hashes(path: Path) -> dict[str, str]:
    files = [file for file in path.rglob("*") if file.is_file() and ".cache" not in file.parts]
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("xet", ["0", "1"])
def test_a_folder_comes_back_byte_for_byte(hub: Hub, ada: tuple[str, str], tmp_path: Path, xet: str) -> None:
    """Uploaded through the chunk store; downloaded through it and, with HF_HUB_DISABLE_XET=1, without it."""
    expected = folder(tmp_path / "up")
    name, secret = ada

    client(
        hub,
        secret,
        f"""
        api.create_repo("{name}/tiny")
        api.upload_folder(repo_id="{name}/tiny", folder_path="{tmp_path / "up"}")
    """,
        tmp_path / "home-a",
    )
    client(hub, secret, f"""
        snapshot_download("{name}/tiny", local_dir="{tmp_path / 'down'}")
    """, tmp_path / "home-b", HF_HUB_DISABLE_XET=xet)  # fmt: skip

    found = hashes(tmp_path / "down")
    assert {path: found.get(path) for path in expected} == expected


def test_upload_without_the_chunk_protocol_goes_through_lfs(hub: Hub, ada: tuple[str, str], tmp_path: Path) -> None:
    expected = folder(tmp_path / "up")
    name, secret = ada

    client(hub, secret, f"""
        api.create_repo("{name}/plain")
        api.upload_folder(repo_id="{name}/plain", folder_path="{tmp_path / 'up'}")
        snapshot_download("{name}/plain", local_dir="{tmp_path / 'down'}")
    """, tmp_path / "home", HF_HUB_DISABLE_XET="1")  # fmt: skip

    found = hashes(tmp_path / "down")
    assert {path: found.get(path) for path in expected} == expected


def test_a_repository_is_described_listed_and_deleted(hub: Hub, ada: tuple[str, str], tmp_path: Path) -> None:
    folder(tmp_path / "up", large=200_000)
    name, secret = ada

    seen = client(hub, secret, f"""
        url = api.create_repo("{name}/tiny", private=True)
        again = api.create_repo("{name}/tiny", exist_ok=True)
        done = api.upload_folder(repo_id="{name}/tiny", folder_path="{tmp_path / 'up'}", commit_message="First")
        info = api.model_info("{name}/tiny", files_metadata=True)
        tree = list(api.list_repo_tree("{name}/tiny", recursive=True, expand=True))
        paths = api.get_paths_info("{name}/tiny", ["model.safetensors", "nothing", "sub"])
        commits = api.list_repo_commits("{name}/tiny")
        api.create_branch("{name}/tiny", branch="side/line")
        api.create_tag("{name}/tiny", tag="v1", tag_message="One")
        refs = api.list_repo_refs("{name}/tiny")
        side = api.list_repo_files("{name}/tiny", revision="side/line")
        listed = [model.id for model in api.list_models(author="{name}")]
        api.delete_file("empty.txt", "{name}/tiny")
        files = api.list_repo_files("{name}/tiny")
        api.delete_tag("{name}/tiny", tag="v1")
        api.delete_branch("{name}/tiny", branch="side/line")
        api.delete_repo("{name}/tiny")
        print(json.dumps({{
            "url": str(url), "again": str(again), "private": info.private, "license": info.card_data.license,
            "library": info.library_name, "task": info.pipeline_tag, "sha_is_commit": info.sha == done.oid,
            "lfs": next(file.lfs.sha256 for file in info.siblings if file.rfilename == "model.safetensors"),
            "tree": sorted(item.path for item in tree), "dated": all(item.last_commit.title for item in tree),
            "paths": sorted(item.path for item in paths), "titles": [commit.title for commit in commits],
            "branches": sorted(ref.name for ref in refs.branches), "tags": [ref.name for ref in refs.tags],
            "side": len(side), "listed": listed, "files": files, "gone": not api.repo_exists("{name}/tiny"),
        }}))
    """, tmp_path / "home")  # fmt: skip

    assert seen["url"] == seen["again"] == f"{hub.url}/{name}/tiny"
    assert seen["private"]
    assert seen["license"] == "apache-2.0"
    assert (seen["library"], seen["task"]) == ("transformers", "text-generation")
    assert seen["sha_is_commit"]
    assert seen["lfs"] == hashlib.sha256((tmp_path / "up" / "model.safetensors").read_bytes()).hexdigest()
    assert "sub" in seen["tree"]
    assert "sub/notes with space.txt" in seen["tree"]
    assert seen["dated"]
    assert seen["paths"] == ["model.safetensors", "sub"]
    assert seen["titles"] == ["First", "initial commit"]
    assert seen["branches"] == ["main", "side/line"]
    assert seen["tags"] == ["v1"]
    assert seen["side"] == 6
    assert seen["listed"] == [f"{name}/tiny"]
    assert "empty.txt" not in seen["files"]
    assert seen["gone"]


def test_refusals_become_the_clients_own_exceptions(hub: Hub, ada: tuple[str, str], tmp_path: Path) -> None:
    name, secret = ada
    stranger = token(UserFactory(username="eve"))
    reader = token(UserFactory(username="rea"), Scope.READ)
    client(
        hub, secret, f'api.create_repo("{name}/secret", private=True); api.create_repo("{name}/open")', tmp_path / "a"
    )

    attempts = f"""
        def outcome(call):
            try:
                call()
            except Exception as error:
                return type(error).__name__
            return "nothing"
        print(json.dumps([
            outcome(lambda: api.model_info("{name}/secret")),
            outcome(lambda: hf_hub_download("{name}/secret", "config.json")),
            outcome(lambda: api.model_info("{name}/open", revision="nowhere")),
            outcome(lambda: hf_hub_download("{name}/open", "nothing.txt")),
            outcome(lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="{name}/open")),
            outcome(lambda: api.delete_repo("{name}/missing")),
        ]))
    """
    missing = [
        "RepositoryNotFoundError",
        "RepositoryNotFoundError",
        "RevisionNotFoundError",
        "RemoteEntryNotFoundError",
    ]

    assert client(hub, stranger, attempts, tmp_path / "b") == [*missing, "HfHubHTTPError", "RepositoryNotFoundError"]
    assert client(hub, reader, attempts, tmp_path / "c") == [*missing, "HfHubHTTPError", "RepositoryNotFoundError"]
    assert client(hub, "", attempts, tmp_path / "d", HF_HUB_DISABLE_IMPLICIT_TOKEN="1")[:4] == missing


def test_a_stale_parent_is_refused_with_the_words_the_client_knows(
    hub: Hub, ada: tuple[str, str], tmp_path: Path
) -> None:
    name, secret = ada

    said = client(hub, secret, f"""
        api.create_repo("{name}/race")
        first = api.model_info("{name}/race").sha
        api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id="{name}/race", parent_commit=first)
        try:
            api.upload_file(path_or_fileobj=b"2", path_in_repo="a.txt", repo_id="{name}/race", parent_commit=first)
            print(json.dumps("nothing"))
        except HfHubHTTPError as error:
            print(json.dumps([error.response.status_code, str(error)]))
    """, tmp_path / "home")  # fmt: skip

    assert said[0] == 412
    assert "The branch was updated since you opened this page" in said[1]


def test_the_command_line_logs_in_and_uploads(hub: Hub, ada: tuple[str, str], tmp_path: Path) -> None:
    expected = folder(tmp_path / "up", large=100_000)
    name, secret = ada
    hf = str(Path(sys.executable).with_name("hf"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url}

    for arguments in (
        ["auth", "login", "--token", secret],
        ["auth", "whoami"],
        ["upload", f"{name}/tiny", str(tmp_path / "up")],
        ["download", f"{name}/tiny", "--local-dir", str(tmp_path / "down")],
    ):
        done = subprocess.run([hf, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    found = hashes(tmp_path / "down")
    assert {path: found.get(path) for path in expected} == expected
