"""A small real hub for tests: manifest, ranged files and the upload wire, over a socket, misbehaving on command."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_test_token_0123456789"
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def commit_of(files: dict[str, bytes]) -> str:
    """A commit id that follows from the files, so that equal trees have equal ids."""
    return hashlib.sha1(
        repr(sorted((path, sha256_of(content)) for path, content in files.items())).encode()
    ).hexdigest()


@lru_cache(maxsize=1000)
def sha256_of(content: bytes) -> str:
    """SHA-256 in hex; remembered, since some test files are large."""
    return hashlib.sha256(content).hexdigest()


@lru_cache(maxsize=1000)
def git_oid_of(content: bytes) -> str:
    """The id of the content as a Git blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """Branches and tags of one repository, each a mapping of paths to bytes."""

    revisions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    is_private: bool = False
    is_quarantined: bool = False
    scan: str | Iterator[str] = "clean"  # What a manifest says of it; the next word each time it is asked for.


@dataclass
class TestHub:
    """State and behaviour. Tests change its fields between requests."""

    __test__ = False

    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)  # LFS contents by SHA-256.
    bytes_sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ranges: list[tuple[str, int, int]] = field(default_factory=list)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)  # Method, path, Authorization.
    commits: list[list[dict[str, Any]]] = field(default_factory=list)
    # Misbehaviour.
    extra_manifest_rows: list[dict[str, Any]] = field(default_factory=list)
    flip: dict[str, int] = field(default_factory=dict)  # path → how many more times a byte is wrong (-1: always).
    cut_after: dict[str, list[int]] = field(default_factory=dict)  # path → bytes after which connections are cut.
    lie_about_length: set[str] = field(default_factory=set)
    notes: dict[str, str] = field(default_factory=dict)  # Revisions that are releases, and their notes.
    yanked: dict[str, str] = field(default_factory=dict)  # Releases that were withdrawn, and why.
    held: dict[str, str] = field(default_factory=dict)  # Paths that the scan holds back, and why.
    licences: dict[str, tuple[str, str]] = field(default_factory=dict)  # Licence and class by commit.
    forgotten: set[str] = field(default_factory=set)  # Repositories that the hub does not show any more.
    rules: dict[str, list[str]] = field(default_factory=dict)  # What organisations allow.
    damaged: set[str] = field(default_factory=set)  # Paths whose stored bytes the hub itself found to be wrong.
    ignore_ranges: bool = False
    redirect_files_to: str | None = None
    files_live_at: str | None = None  # Another server that manifests name.
    latest_held: set[str] = field(default_factory=set)  # Repositories that have releases of which none may be `latest`.
    status: dict[str, list[int]] = field(default_factory=dict)  # path → statuses to answer first.
    delay_s_per_block: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def add(self, name: str, files: dict[str, bytes], revision: str = "main", **traits: Any) -> str:
        """Publish files. Returns the commit."""
        repository = self.repositories.setdefault(name, Repository(**traits))
        repository.revisions[revision] = files
        return commit_of(files)

    def manifest(self, name: str, revision: str) -> dict[str, Any] | None:
        repository = self.repositories[name]
        files = repository.revisions.get(revision)
        if files is None:
            files = next((tree for tree in repository.revisions.values() if commit_of(tree) == revision), None)
        if files is None:
            return None
        rows = [
            {
                "path": path,
                "size": len(content),
                "sha256": sha256_of(content),
                "url": f"{self.files_live_at or self.url}/files/{name}/{commit_of(files)}/{path}",
                "oid": git_oid_of(content),
                "held": self.held.get(path),
            }
            for path, content in sorted(files.items())
        ]
        return {
            "repository": name,
            "kind": "model",
            "commit": commit_of(files),
            "revision": revision,
            "files": rows + self.extra_manifest_rows,
            "total_bytes": sum(map(len, files.values())),
            **self.terms(commit_of(files)),
            "verdict": {"scan": repository.scan if isinstance(repository.scan, str) else next(repository.scan)},
            "quarantined": repository.is_quarantined,
            **self.release(name, commit_of(files)),
            "created_at": "2025-01-01T00:00:00.000Z",
        }

    def terms(self, commit: str) -> dict[str, Any]:
        """The licence of a commit, as manifests and reports carry it."""
        text, kind = self.licences.get(commit, ("apache-2.0", "permissive"))
        choices = [dict.fromkeys(part.strip("()").split(" AND "), kind) for part in text.split(" OR ")]
        return {"licence": text, "licence_class": kind, "licence_choices": choices if text else []}

    def report(self, item: dict[str, str]) -> dict[str, Any]:
        """What the hub says of one locked commit."""
        if item["repository"] in self.forgotten:
            return {**item, "found": False}
        terms = self.terms(item["commit"])
        keep = {"term": "keep-notice", "text": "Keep the notice.", "because": [item["repository"]]}
        clash = {"rule": "sold", "text": "The base may not be sold."}
        is_clash = terms["licence_class"] == "non-commercial"
        return {
            **item,
            **terms,
            "found": True,
            "verdict": "conflict" if is_clash else "obligations",
            "obligations": [keep],
            "conflicts": [clash] if is_clash else [],
            "unknowns": [],
        }

    def releases_of(self, name: str) -> list[dict[str, Any]]:
        trees = self.repositories[name].revisions
        return [
            {
                "name": each,
                "commit": commit_of(trees[each]),
                "notes": notes,
                "created_at": "2025-01-01T00:00:00Z",
                "yanked": {"reason": self.yanked[each]} if each in self.yanked else None,
                "latest": each not in self.yanked,
            }
            for each, notes in self.notes.items()
        ]

    def release(self, name: str, commit: str) -> dict[str, Any]:
        """What a manifest says of releases."""
        trees = self.repositories[name].revisions
        found = next((each for each in self.notes if each in trees and commit_of(trees[each]) == commit), None)
        return {
            "release": {"name": found, "notes": self.notes[found]} if found else None,
            "yanked": {"reason": self.yanked[found]} if found in self.yanked else None,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: TestHub

    def do_GET(self) -> None:
        path = self._begin()
        if match := re.fullmatch(r"/api/v1/repositories/models/([^/]+/[^/]+)/manifest/(.+)", path):
            self._manifest(match[1], unquote(match[2]))
        elif match := re.fullmatch(r"/api/v1/repositories/models/([^/]+/[^/]+)/releases", path):
            self._json({"items": self.hub.releases_of(match[1]), "next_cursor": None})
        elif match := re.fullmatch(r"/api/v1/repositories/models/([^/]+/[^/]+)", path):
            card = self.hub.repositories[match[1]].revisions.get("main", {}).get("README.md", b"")
            self._json({"repository": match[1], "draft": b"license:" not in card})
        elif match := re.fullmatch(r"/files/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)", path):
            self._file(match[1], match[2], unquote(match[3]))
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(match[1], unquote(match[2] or "main"))
        elif path == "/api/models":
            self._json([{"id": name, "pipeline_tag": "text-generation"} for name in sorted(self.hub.repositories)])
        elif path == "/api/whoami-v2":
            self._whoami()
        elif path == "/api/v1/licence-rules":
            wanted = parse_qs(urlsplit(self.path).query)["organisation"][0]
            found = self.hub.rules.get(wanted) if self._is_known else None
            row = {"organisation": wanted, "allow": found, "for_pulls": True, "for_uploads": True}
            self._json({"items": [row] if found is not None else []})
        elif match := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/sbom", path):
            self._json({"of": match[1], "query": urlsplit(self.path).query})
        elif match := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/evaluations/(.+)", path):
            score = {
                "benchmark": "core-text-en",
                "metric": "bits_per_byte",
                "value": 1.5,
                "interval": [1.4, 1.6],
                "n": 9,
            }
            self._json({"repository": match[1], "commit": "0" * 40, "state": "done", "steps": [], "scores": [score]})
        else:
            self._refuse(404, "not_found", "Nothing here.")

    def do_POST(self) -> None:
        path = self._begin()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "/api/v1/licences":
            asked = json.loads(body)
            rows = [self.hub.report(item) for item in asked["items"]]
            notice = "".join(f"{row['repository']}\n" for row in rows)
            self._json({"items": rows, **({"notice": notice} if asked.get("notice") else {})})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            bad = "broken: [" in json.loads(body)["content"]
            self._json({"errors": [{"message": "bad YAML"}] if bad else [], "warnings": []}, 400 if bad else 200)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/(.+)", path):
            self._preupload(match[1], unquote(match[2]), json.loads(body))
        elif match := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            self._batch(json.loads(body))
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", path):
            self._commit(match[1], unquote(match[2]), body)
        elif path == "/verify":
            row = json.loads(body)
            self._json({}, 200 if len(self.hub.large.get(row["oid"], b"")) == row["size"] else 404)
        else:
            self._refuse(404, "not_found", "Nothing here.")

    def do_PUT(self) -> None:
        path = self._begin()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        oid = path.rsplit("/", 1)[1]
        if statuses := self.hub.status.get("PUT"):
            self._refuse(statuses.pop(0), "unavailable", "Come back later.")
        elif hashlib.sha256(body).hexdigest() != oid:
            self._refuse(422, "hash_mismatch", "These bytes have another SHA-256.")
        else:
            self.hub.large[oid] = body
            self._json({})

    def _begin(self) -> str:
        with self.hub.lock:
            self.hub.seen.append((self.command, self.path, self.headers.get("Authorization")))
        return urlsplit(self.path).path

    @property
    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _visible(self, name: str) -> bool:
        repository = self.hub.repositories.get(name)
        return repository is not None and (self._is_known or not repository.is_private)

    def _manifest(self, name: str, revision: str) -> None:
        if statuses := self.hub.status.get("manifest"):
            self._refuse(statuses.pop(0), "unavailable", "Come back later.")
        elif not self._visible(name):
            self._refuse(404, "repository_not_found", f"There is no repository {name}.")
        elif revision == "latest" and name in self.hub.latest_held:
            self._refuse(404, "latest_held", f"No release of {name} may be `latest` now: v1 is held.")
        elif (manifest := self.hub.manifest(name, revision)) is None:
            self._refuse(404, "revision_not_found", f"There is no revision {revision}.")
        else:
            self._json(manifest)

    def _info(self, name: str, revision: str) -> None:
        if not self._visible(name):
            self.send_response(401)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("X-Error-Message", "Repository not found")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        files = self.hub.repositories[name].revisions.get(revision, {})
        siblings = [{"rfilename": path, "size": len(content)} for path, content in files.items()]
        self._json({"id": name, "sha": commit_of(files), "siblings": siblings, "tags": [], "private": False})

    def _whoami(self) -> None:
        if self._is_known:
            self._json({"type": "user", "name": "ada", "orgs": [{"name": "lab"}]})
        else:
            self._refuse(401, "invalid_token", "Invalid credentials in Authorization header")

    def _file(self, name: str, commit: str, path: str) -> None:
        if path in self.hub.damaged:
            self._refuse(500, "corrupt_content", "Stored bytes are damaged.")
            return
        if statuses := self.hub.status.get(path):
            self._refuse(statuses.pop(0), "unavailable", "Come back later.")
            return
        if self.hub.redirect_files_to is not None:
            self.send_response(302)
            self.send_header("Location", self.hub.redirect_files_to + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        manifest = self.hub.manifest(name, commit) if self._visible(name) else None
        if manifest is None:
            self._refuse(404, "not_found", "No such file.")
            return
        trees = self.hub.repositories[name].revisions.values()
        content = next(tree[path] for tree in trees if commit_of(tree) == commit)
        self._send_range(path, content)

    def _send_range(self, path: str, content: bytes) -> None:
        match = None if self.hub.ignore_ranges else RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        stop = min(int(match[2]) + 1 if match and match[2] else len(content), len(content))
        body = bytearray(content[start:stop])
        with self.hub.lock:
            self.hub.ranges.append((path, start, stop))
            if body and self.hub.flip.get(path, 0):
                self.hub.flip[path] -= 1
                body[len(body) // 2] ^= 1
            cut = self.hub.cut_after.get(path)
            cut_after = cut.pop(0) if cut else None
        if path in self.hub.lie_about_length:
            body += b"more"
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send_slowly(path, bytes(body if cut_after is None else body[:cut_after]))
        if cut_after is not None:
            self.close_connection = True

    def _send_slowly(self, path: str, body: bytes) -> None:
        for start in range(0, len(body), 65536):
            block = body[start : start + 65536]
            try:
                self.wfile.write(block)
            except OSError:  # The client was killed: that is what some tests are about.
                self.close_connection = True
                return
            with self.hub.lock:
                self.hub.bytes_sent[path] += len(block)
            if self.hub.delay_s_per_block:
                time.sleep(self.hub.delay_s_per_block)

    def _create(self, body: dict[str, Any]) -> None:
        name = f"{body['organization']}/{body['name']}"
        if not self._is_known:
            self._refuse(401, "invalid_token", "Log in first.")
        elif name in self.hub.repositories:
            self._json({"error": "You already created this model repo", "url": f"{self.hub.url}/{name}"}, 409)
        else:
            self.hub.add(name, {}, is_private=body["visibility"] == "private")
            self._json({"url": f"{self.hub.url}/{name}", "name": name, "id": "0" * 24})

    def _preupload(self, name: str, branch: str, body: dict[str, Any]) -> None:
        if not self._visible(name):
            self._refuse(404, "repository_not_found", f"There is no repository {name}.")
            return
        files = self.hub.repositories[name].revisions.get(branch, {})
        rows = []
        for row in body["files"]:
            sample = base64.b64decode(row["sample"])
            is_lfs = b"\0" in sample or row["size"] > 1024 * 1024
            content, oid = files.get(row["path"]), None
            if content is not None and is_lfs:
                oid = sha256_of(content)
            elif content is not None:
                oid = git_oid_of(content)
            ignored = row["path"] in body.get("gitIgnore", "").split()
            mode = "lfs" if is_lfs else "regular"
            rows.append({"path": row["path"], "uploadMode": mode, "shouldIgnore": ignored, "oid": oid})
        self._json({"files": rows})

    def _batch(self, body: dict[str, Any]) -> None:
        rows = []
        for item in body["objects"]:
            row: dict[str, Any] = dict(item)
            if item["oid"] not in self.hub.large:
                row["actions"] = {
                    "upload": {"href": f"{self.hub.url}/upload/{item['oid']}", "header": {"X-Signed": "yes"}},
                    "verify": {"href": f"{self.hub.url}/verify"},
                }
            rows.append(row)
        self._json({"transfer": "basic", "objects": rows})

    def _commit(self, name: str, branch: str, body: bytes) -> None:
        lines = [json.loads(line) for line in body.splitlines()]
        files = dict(self.hub.repositories[name].revisions.get(branch, {}))
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
        self.hub.commits.append(lines)
        commit = self.hub.add(name, files, branch)
        self._json({"success": True, "commitOid": commit, "commitUrl": f"{self.hub.url}/{name}/commit/{commit}"})

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._json({"code": code, "message": message, "details": {}}, status)

    def _json(self, data: Any, status: int = 200) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep quiet; tests look at `seen`."""


@contextmanager
def running_hub() -> Iterator[TestHub]:
    """Start a hub on a free port of loopback."""
    hub = TestHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
