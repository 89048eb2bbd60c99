"""From a folder to one commit, over the Hugging Face wire: preupload, LFS batch, commit.

Small text travels inside the commit; everything else is uploaded before by its SHA-256, and only what the hub lacks.
The commit then names all changed files at once: readers see the old version or the new one, nothing between.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from ._exceptions import Conflict, Invalid, ServerError, UnsafePath
from ._http import Http, TemporaryFailureError, raise_refusal
from ._licence import declare
from ._names import Reference, check_path, segment
from ._progress import Progress
from ._types import PushReport

_PREUPLOAD_FILES = 256  # The wire's limit for one request.
_BATCH_OBJECTS = 100
_SAMPLE_BYTES = 512
_BLOCK_BYTES = 1024 * 1024
_UPLOADS_AT_ONCE = 3
_LFS_JSON = {"Accept": "application/vnd.git-lfs+json", "Content-Type": "application/vnd.git-lfs+json"}
_SKIPPED_FOLDERS = {".git", ".smallhub", ".cache", "__pycache__", ".ipynb_checkpoints"}
_SKIPPED_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to push, as it was when the push began."""

    source: Path
    path: str
    size: int
    modified_ns: int

    def is_unchanged(self) -> bool:
        """Is it still the file that was hashed?"""
        status = self.source.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified_ns)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A file that the commit will name."""

    file: LocalFile
    is_lfs: bool
    sha256: str = ""


class Uploads:
    """Pushes folders."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(self, reference: Reference, *, private: bool) -> bool:
        """Make the repository if it is not there yet. Returns whether it is new."""
        body = {
            "name": reference.name,
            "organization": reference.namespace,
            "type": "space" if reference.kind == "app" else reference.kind,
            "visibility": "private" if private else "public",
            "private": private,
        }
        if reference.kind == "app":
            body["sdk"] = "static"
        return self._http.call("POST", "/api/repos/create", json_body=body, accept=frozenset({409})).status != 409

    def push(
        self,
        reference: Reference,
        folder: Path,
        *,
        message: str,
        create: bool,
        private: bool,
        licence: str | None = None,
        progress: bool | None = None,
    ) -> PushReport:
        """Make the branch hold the folder's files, in one commit; see `smallhub.push`."""
        files = collect(folder)
        if licence is not None and declare(folder, licence):
            files = collect(folder)
        if create:
            self.create(reference, private=private)
        self._check_card(reference, files)
        branch = reference.revision or "main"
        planned = self._plan(reference, branch, files)
        large = [plan for plan in planned if plan.is_lfs]
        with Progress(
            label=reference.repository, total_bytes=sum(plan.file.size for plan in large), visible=progress
        ) as bar:
            uploaded_bytes = self._upload(reference, branch, large, bar)
        for plan in planned:
            if not plan.file.is_unchanged():
                raise Conflict(f"{plan.file.path} changed while it was pushed. Push again.", code="file_changed")
        commit, url = self._commit(reference, branch, planned, message) if planned else self._head(reference, branch)
        return PushReport(
            repository=reference.repository,
            commit=commit,
            url=url,
            is_new=bool(planned),
            changed=tuple(plan.file.path for plan in planned),
            unchanged=len(files) - len(planned),
            uploaded_bytes=uploaded_bytes,
            is_draft=self._is_draft(reference),
        )

    def _is_draft(self, reference: Reference) -> bool:
        """Whether the hub keeps it out of lists. A hub that does not say so lists everything."""
        path = f"/api/v1/repositories/{reference.api_kind}/{reference.repository}"
        answer = self._http.call("GET", path, accept=frozenset({404}))
        return isinstance(answer.data, dict) and answer.data.get("draft") is True

    def _check_card(self, reference: Reference, files: Sequence[LocalFile]) -> None:
        """Let the hub check the card's front matter before anything is sent.

        Raises:
            Invalid: with the hub's reasons.
        """
        card = next((file for file in files if file.path == "README.md"), None)
        if card is None:
            return
        body = {"content": card.source.read_text(encoding="utf-8", errors="replace"), "repoType": reference.kind}
        answer = self._http.call("POST", "/api/validate-yaml", json_body=body, accept=frozenset({400})).data
        errors = [str(item.get("message", item)) for item in (answer or {}).get("errors", [])]
        if errors:
            raise Invalid(f"README.md: its front matter is not valid: {'; '.join(errors)}", code="bad_card")

    def _plan(self, reference: Reference, branch: str, files: Sequence[LocalFile]) -> list[_Planned]:
        """Ask how each file is to travel, and leave out those that the branch holds already."""
        planned: list[_Planned] = []
        ignore = next((file for file in files if file.path == ".gitignore"), None)
        for group in _groups(files, _PREUPLOAD_FILES):
            body: dict[str, Any] = {"files": [_describe(file) for file in group]}
            if ignore is not None:
                body["gitIgnore"] = ignore.source.read_text(encoding="utf-8", errors="replace")
            path = f"/api/{reference.wire_kind}/{reference.repository}/preupload/{segment(branch)}"
            answers = {row["path"]: row for row in self._http.call("POST", path, json_body=body).data["files"]}
            planned += [plan for file in group if (plan := _decide(file, answers.get(file.path)))]
        return planned

    def _upload(self, reference: Reference, branch: str, plans: Sequence[_Planned], bar: Progress) -> int:
        """Send the contents that the hub lacks. Returns their bytes."""
        contents = {plan.sha256: plan for plan in plans}
        uploaded_bytes = 0
        for group in _groups(list(contents.values()), _BATCH_OBJECTS):
            actions = self._batch(reference, branch, group)
            wanted = [plan for plan in group if actions.get(plan.sha256)]
            bar.advance(sum(plan.file.size for plan in plans if plan in group and plan not in wanted))
            with ThreadPoolExecutor(_UPLOADS_AT_ONCE, thread_name_prefix="smallhub") as pool:
                futures = [pool.submit(self._send, plan, actions[plan.sha256], bar) for plan in wanted]
                try:
                    for future in futures:
                        future.result()
                except BaseException:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
            uploaded_bytes += sum(plan.file.size for plan in wanted)
        return uploaded_bytes

    def _batch(self, reference: Reference, branch: str, plans: Sequence[_Planned]) -> dict[str, dict[str, Any]]:
        """Which contents are to be uploaded, and where: SHA-256 → actions; empty when the hub has it."""
        body = {
            "operation": "upload",
            "transfers": ["basic"],
            "objects": [{"oid": plan.sha256, "size": plan.file.size} for plan in plans],
            "hash_algo": "sha256",
            "ref": {"name": f"refs/heads/{branch}"},
        }
        path = f"/{reference.wire_prefix}{reference.repository}.git/info/lfs/objects/batch"
        answer = self._http.call("POST", path, json_body=body, headers=_LFS_JSON).data
        names = {plan.sha256: plan.file.path for plan in plans}
        for row in answer["objects"]:
            if row.get("error"):
                reason = f"{row['error'].get('message', 'no reason given')}"
                raise Invalid(f"{names.get(row['oid'], row['oid'])}: the hub does not take it: {reason}")
        return {row["oid"]: row.get("actions") or {} for row in answer["objects"]}

    def _send(self, plan: _Planned, actions: dict[str, Any], bar: Progress) -> None:
        action = actions.get("upload")
        if not action or not isinstance(action.get("href"), str):
            raise ServerError(f"{plan.file.path}: the hub gave no address to upload to.", code="bad_batch")
        headers = {str(key): str(value) for key, value in (action.get("header") or {}).items()}
        headers["Content-Length"] = str(plan.file.size)  # Else it would go in chunks, which few servers take.
        headers.setdefault("Content-Type", "application/octet-stream")

        def once() -> None:
            sent = _Counted(plan.file.source, bar)
            try:
                # The address is signed; the token has no business at an object store, nor is it needed at the hub.
                with self._http.stream(
                    "PUT", action["href"], headers=headers, content=sent.blocks, with_token=False
                ) as response:
                    if response.status_code >= 400:
                        raise_refusal(response)
            except TemporaryFailureError:
                bar.advance(-sent.count)
                raise

        self._http.with_retries(once)
        if verify := actions.get("verify"):
            body = {"oid": plan.sha256, "size": plan.file.size}
            self._http.call(
                "POST", verify["href"], json_body=body, headers={**_LFS_JSON, **(verify.get("header") or {})}
            )

    def _commit(self, reference: Reference, branch: str, plans: Sequence[_Planned], message: str) -> tuple[str, str]:
        path = f"/api/{reference.wire_kind}/{reference.repository}/commit/{segment(branch)}"
        with tempfile.SpooledTemporaryFile(max_size=8 * _BLOCK_BYTES) as body:
            _write_commit(body, plans, message)
            size = body.tell()
            answer = self._http.call(
                "POST",
                path,
                content=_rewound(body),
                headers={"Content-Type": "application/x-ndjson", "Content-Length": str(size)},
                tries=1,  # A commit whose answer was lost may have happened; the next push finds out.
            ).data
        return str(answer["commitOid"]), str(answer.get("commitUrl") or "")

    def _head(self, reference: Reference, branch: str) -> tuple[str, str]:
        path = f"/api/{reference.wire_kind}/{reference.repository}/revision/{segment(branch)}"
        commit = str(self._http.call("GET", path).data["sha"])
        return commit, f"{self._http.config.endpoint}/{reference.wire_prefix}{reference.repository}/commit/{commit}"


class _Counted:
    """A file's bytes in blocks, counted as they leave."""

    def __init__(self, source: Path, bar: Progress) -> None:
        self._source = source
        self._bar = bar
        self.count = 0

    def blocks(self) -> Iterator[bytes]:
        with self._source.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
                self.count += len(block)
                self._bar.advance(len(block))


def collect(folder: Path) -> list[LocalFile]:
    """List the files of a folder, sorted by path. State of tools (`.git`, `.smallhub`, `.cache` …) is left out.

    Raises:
        Invalid: there is no such folder, or nothing in it.
        UnsafePath: a name that others could not pull.
    """
    if not folder.is_dir():
        raise Invalid(f"{folder} is not a folder.", code="no_folder")
    found: list[LocalFile] = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            source = Path(base) / name
            if name in _SKIPPED_FILES or not source.is_file():
                continue
            path = source.relative_to(folder).as_posix()
            try:
                check_path(path)
            except UnsafePath as error:
                raise UnsafePath(error.message.replace("The server named", "The folder holds"), path=path) from error
            status = source.stat()
            found.append(LocalFile(source, path, status.st_size, status.st_mtime_ns))
    if not found:
        raise Invalid(f"{folder} holds no files to push.", code="empty_folder")
    return sorted(found, key=lambda file: file.path)


def git_blob_id(file: LocalFile) -> str:
    """The id that Git gives to this content: SHA-1 over a header and the bytes."""
    digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    return _digest_of(file, digest)


def content_sha256(file: LocalFile) -> str:
    """SHA-256 of the content, which names it in LFS."""
    return _digest_of(file, hashlib.sha256())


def _digest_of(file: LocalFile, digest: Any) -> str:
    with file.source.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return str(digest.hexdigest())


def _describe(file: LocalFile) -> dict[str, Any]:
    with file.source.open("rb") as stream:
        sample = stream.read(_SAMPLE_BYTES)
    return {"path": file.path, "size": file.size, "sample": base64.b64encode(sample).decode()}


def _decide(file: LocalFile, answer: dict[str, Any] | None) -> _Planned | None:
    """How this file travels; None when it is ignored or unchanged."""
    if answer is None:
        raise ServerError(f"{file.path}: the hub did not say how to upload it.", code="bad_preupload")
    if answer.get("shouldIgnore"):
        return None
    if answer.get("uploadMode") == "lfs" and file.size:
        sha256 = content_sha256(file)
        return None if sha256 == answer.get("oid") else _Planned(file, is_lfs=True, sha256=sha256)
    return None if git_blob_id(file) == answer.get("oid") else _Planned(file, is_lfs=False)


def _write_commit(body: IO[bytes], plans: Iterable[_Planned], message: str) -> None:
    summary, _, description = message.strip().partition("\n")
    _write_line(body, "header", {"summary": summary or "Upload", "description": description.strip()})
    for plan in plans:
        if plan.is_lfs:
            value = {"path": plan.file.path, "algo": "sha256", "oid": plan.sha256, "size": plan.file.size}
            _write_line(body, "lfsFile", value)
        else:
            content = base64.b64encode(plan.file.source.read_bytes()).decode()
            _write_line(body, "file", {"path": plan.file.path, "content": content, "encoding": "base64"})


def _write_line(body: IO[bytes], key: str, value: dict[str, Any]) -> None:
    body.write(json.dumps({"key": key, "value": value}).encode() + b"\n")


def _rewound(body: IO[bytes]) -> Callable[[], Iterator[bytes]]:
    def blocks() -> Iterator[bytes]:
        body.seek(0)
        while block := body.read(_BLOCK_BYTES):
            yield block

    return blocks


def _groups(items: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
