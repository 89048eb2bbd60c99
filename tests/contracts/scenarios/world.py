"""What a scenario works with: clients of two people, names that are not taken, and an own folder."""

import hashlib
import itertools
import json
import os
import struct
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

_numbers = itertools.count(1)


class World:
    """One scenario's view of the hub.

    Attributes:
        api, other, anonymous: ada's client, eve's, and that of nobody.
        organisation: where ada administers.
        home: an empty folder.
    """

    def __init__(self, home: Path) -> None:
        self.endpoint = os.environ["HF_ENDPOINT"]
        self.ada, self.eve, self.organisation = "ada", "eve", "harbour"
        self.ada_token, self.eve_token = os.environ["ADA_TOKEN"], os.environ["EVE_TOKEN"]
        self.api = HfApi(token=self.ada_token)
        self.other = HfApi(token=self.eve_token)
        self.anonymous = HfApi(token=False)
        self.home = home
        self.cache = home / "cache"

    def name(self, owner: str = "ada") -> str:
        return f"{owner}/{os.environ['SCENARIOS']}-{next(_numbers)}"

    def repo(self, kind: str = "model", files: dict[str, bytes] | None = None, **options: Any) -> str:
        """A new repository of ada's with these files."""
        name = self.name()
        extra = {"space_sdk": "static"} if kind == "space" else {}
        self.api.create_repo(name, repo_type=kind, **extra, **options)
        if files:
            self.put(name, files, kind)
        return name

    def put(self, name: str, files: dict[str, bytes], kind: str = "model", **options: Any) -> Any:
        from huggingface_hub import CommitOperationAdd

        operations = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=body) for path, body in files.items()]
        options.setdefault("commit_message", "Put")
        return self.api.create_commit(name, operations, repo_type=kind, **options)

    def folder(self, files: dict[str, bytes]) -> Path:
        """The files on the disk."""
        root = self.home / f"folder-{next(_numbers)}"
        for path, body in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(body)
        return root

    def raw(self, address: str, token: str | None = None) -> bytes:
        """What the hub gives without the client between."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + address, headers=headers)) as answer:
            return bytes(answer.read())

    def sha256(self, address: str, token: str | None = None) -> str:
        return hashlib.sha256(self.raw(address, token)).hexdigest()


def refusal(call: Callable[[], Any]) -> str:
    """The name of the exception that a call ends with, "" when it does not."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - its kind is what is asked for.
        return type(error).__name__
    return ""


def status(call: Callable[[], Any]) -> int:
    """The HTTP status that a call is refused with, 0 when it is not; errors of other kinds are its caller's."""
    try:
        call()
    except Exception as error:
        response = getattr(error, "response", None)
        if response is None:
            raise
        return int(response.status_code)
    return 0


def noise(size: int, seed: str = "") -> bytes:
    """Bytes that nothing compresses."""
    return hashlib.shake_256(seed.encode()).digest(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def weights(**tensors: int) -> bytes:
    """A safetensors file with F32 tensors of so many elements."""
    header, at = {}, 0
    for name, elements in tensors.items():
        header[name] = {"dtype": "F32", "shape": [elements], "data_offsets": [at, at + 4 * elements]}
        at += 4 * elements
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + noise(at, "weights")


def tries(*methods: str, only: str = "") -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Says which methods of `HfApi` a scenario tries, and of which release line it is, if of one alone."""

    def mark(scenario: Callable[[World], None]) -> Callable[[World], None]:
        scenario.methods, scenario.only = methods, only  # type: ignore[attr-defined]
        return scenario

    return mark
