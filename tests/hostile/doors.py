"""Every door by which a path comes into a repository. Each tries to bring one in, and says with which status."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.test import Client

from accounts.models import User
from hub.core.exceptions import HubError
from hub.core.rawpath import path_info
from models_registry.git.packing import write_pack
from models_registry.git.pktline import FLUSH, packet
from models_registry.models import Repository
from models_registry.services import imports
from models_registry.services.pull_requests import open_pull_request
from tests.factories.content import noise, sha256
from tests.models_registry.git import packs

LARGE = noise(3000, seed=5)  # Uploaded to the repository before a door is tried.
ZERO = "0" * 40


class Place:
    """A repository of ada's, seen from outside: a signed-in browser and a token."""

    def __init__(self, repository: Repository, user: User, secret: str, folder: Path) -> None:
        self.repository, self.user, self.folder = repository, user, folder
        self.pull_request = open_pull_request(repository=repository, user=user, title="Try").discussion.number
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.wire = Client(raise_request_exception=False)
        self.browser = Client(raise_request_exception=False)
        self.browser.force_login(user)
        self.before: tuple[Any, ...] = ()  # What is there before a door is tried.
        self.files: dict[str, bytes] = {}  # The small files at the head.

    def head(self) -> str:
        return str(self.repository.refs.get(name="refs/heads/main").target)

    def post(self, address: str, body: str | bytes, content_type: str = "application/json") -> Any:
        known = {"PATH_INFO": path_info(address)} if "%" in address else {}
        return self.wire.generic("POST", address, body, content_type=content_type, headers=self.headers, **known)

    def commit(self, *operations: tuple[str, dict[str, Any]], to: str = "main", query: str = "") -> int:
        rows = [("header", {"summary": "Try"}), *operations]
        body = "\n".join(json.dumps({"key": key, "value": value}) for key, value in rows)
        address = f"/api/models/{self.repository.full_name}/commit/{to}{query}"
        return int(self.post(address, body, "application/x-ndjson").status_code)

    def form(self, address: str, **fields: str) -> int:
        fields = {"head": self.head(), "title": "", "description": "", "way": "commit"} | fields
        sent = {name: value.encode("utf-8", "surrogatepass") for name, value in fields.items()}
        answer = self.browser.post(
            f"/{self.repository.full_name}/{address}", urlencode(sent), content_type="application/x-www-form-urlencoded"
        )
        return int(answer.status_code)


def small(path: str) -> tuple[str, dict[str, Any]]:
    return "file", {"path": path, "content": base64.b64encode(b"x").decode(), "encoding": "base64"}


def by_file(place: Place, path: str) -> int:
    return place.commit(small(path))


def by_large_file(place: Place, path: str) -> int:
    return place.commit(("lfsFile", {"path": path, "algo": "sha256", "oid": sha256(LARGE), "size": len(LARGE)}))


def by_copy(place: Place, path: str) -> int:
    return place.commit(("copyFile", {"path": path, "srcPath": "seed.txt"}))


def by_copy_of_a_revision(place: Place, path: str) -> int:
    return place.commit(("copyFile", {"path": path, "srcPath": "seed.txt", "srcRevision": "main"}))


def by_new_pull_request(place: Place, path: str) -> int:
    cache.clear()  # So many in an hour are refused whatever they hold.
    return place.commit(small(path), query="?create_pr=1")


def by_pull_request(place: Place, path: str) -> int:
    """A commit on the ref of one that is open."""
    return place.commit(small(path), to=f"refs%2Fpr%2F{place.pull_request}")


def by_new_page(place: Place, path: str) -> int:
    return place.form("new/main", path=path, content="x")


def by_edit_page(place: Place, path: str) -> int:
    return place.form("edit/main/seed.txt", path=path, content="x")


def by_move_page(place: Place, path: str) -> int:
    return place.form("move/main/seed.txt", to=path)


def by_push(place: Place, path: str) -> int:
    return push(place, history(path, parent=place.head()), "refs/heads/pushed")


def push(place: Place, made: tuple[str, list[tuple[int, bytes]]], name: str) -> int:
    """Status of the door, and 422 for a ref that was refused in the report."""
    head, objects = made
    answer = place.post(
        f"/{place.repository.full_name}/git-receive-pack",
        packet(f"{ZERO} {head} {name}\0report-status".encode()) + FLUSH + b"".join(write_pack(len(objects), objects)),
        "application/x-git-receive-pack-request",
    )
    if answer.status_code != 200:
        return int(answer.status_code)
    return 200 if f"ok {name}\n".encode() in answer.content else 422


def by_folder(place: Place, path: str) -> int:
    """A folder of the operator's. What Linux cannot hold under that name never comes to this door."""
    source = os.fsencode(place.folder / "source")
    for name, body in place.files.items():
        write(source, name.encode(), body)
    try:
        write(source, as_bytes(path), b"x")
    except (OSError, ValueError):
        return 422
    before = place.head()
    try:
        made = imports.import_folder(repository=place.repository, user=place.user, folder=place.folder / "source")
    except HubError as error:
        str(error).encode()  # What is printed for the operator can be printed.
        return 422
    return 422 if made.oid == before else 200  # Left out, as the folders of version control are.


def write(source: bytes, path: bytes, body: bytes) -> None:
    """A file below a folder.

    Raises:
        OSError, ValueError: the system would not take it for that path.
    """
    file = source + b"/" + path
    if os.path.normpath(file) != file:
        raise ValueError
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as stream:
        stream.write(body)


WRITING: dict[str, Callable[[Place, str], int]] = {
    "commit: file": by_file,
    "commit: lfsFile": by_large_file,
    "commit: copyFile": by_copy,
    "commit: copyFile of a revision": by_copy_of_a_revision,
    "new pull request": by_new_pull_request,
    "pull request": by_pull_request,
    "page: new file": by_new_page,
    "page: edit": by_edit_page,
    "page: move": by_move_page,
    "git push": by_push,
    "import of a folder": by_folder,
}


def as_bytes(path: str) -> bytes:
    """As a file system or a tree would hold it; lone surrogates stand for bytes that are no UTF-8."""
    return path.encode("utf-8", "surrogatepass")


def history(*paths: str, parent: str = "") -> tuple[str, list[tuple[int, bytes]]]:
    """A commit of files of these paths and nothing beside them, with all its objects. Each part is a tree's entry."""
    objects = [(packs.BLOB, b"pushed")]
    tree = _tree([as_bytes(path).split(b"/") for path in paths], objects)
    named = f"parent {parent}\n" if parent else ""
    who = "A <a@b> 1700000000 +0000"
    commit = f"tree {tree.hex()}\n{named}author {who}\ncommitter {who}\n\nTry\n".encode()
    objects.append((packs.COMMIT, commit))
    return packs.object_id(b"commit", commit).hex(), objects


def _tree(paths: list[list[bytes]], objects: list[tuple[int, bytes]]) -> bytes:
    rows = [(parts[0], b"100644", packs.blob_id(b"pushed")) for parts in paths if len(parts) == 1]
    for name in {parts[0] for parts in paths if len(parts) > 1}:
        below = [parts[1:] for parts in paths if len(parts) > 1 and parts[0] == name]
        rows.append((name + b"/", b"40000", _tree(below, objects)))
    body = b"".join(b"%s %s\0%s" % (mode, name.removesuffix(b"/"), oid) for name, mode, oid in sorted(rows))
    objects.append((packs.TREE, body))
    return packs.object_id(b"tree", body)
