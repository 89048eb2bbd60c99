"""The files of a repository: folders, and one file as people can read it."""

import io
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from hub.core import markdown
from hub.core.exceptions import OverLimit
from hub.core.highlight import highlight_file
from hub.pages.changes import ways_of
from hub.pages.repository import Opened, find_repository, open_repository, places, scan_wait
from models_registry import addresses
from models_registry.blame import folder_commits
from models_registry.exceptions import EntryNotFound
from models_registry.formats import safetensors
from models_registry.formats.errors import BadFormat
from models_registry.git.objects import Pointer
from models_registry.models import Commit
from models_registry.permissions import Action, require
from models_registry.services import content
from models_registry.services.heads import read_small_file
from models_registry.services.licensing.of_files import of_commit
from models_registry.types import BRANCH, TAG, Entry, Listing

MAX_ROWS = 1_000
MAX_TEXT_BYTES = 512 * 1024
MAX_LINES = 10_000
MAX_TENSOR_ROWS = 400
IMAGES = {"png", "jpg", "jpeg", "gif", "webp"}  # Never SVG: it is a document that may hold scripts.


@dataclass(frozen=True)
class TreeRow:
    """One folder or file of a listing."""

    name: str
    path: str
    is_folder: bool
    size_bytes: int
    files: int
    entry: Entry | None
    commit: Commit | None
    held: str
    licence: str = ""


@require_safe
def tree_start(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The files of the default branch."""
    repository = find_repository(request, kind, namespace, name)
    return HttpResponseRedirect(addresses.at(repository, "tree", repository.default_branch))


@require_safe
def tree(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str = "") -> HttpResponse:
    """One folder at one revision."""
    opened = open_repository(request, kind, namespace, name, revision)
    path = path.strip("/")
    rows = tree_rows(opened, path)
    if path and not rows:
        raise EntryNotFound(path=path[:300], revision=revision)
    context = opened.context("files") | {
        "rows": rows[:MAX_ROWS],
        "scan_wait": scan_wait(opened),
        "left_out": max(0, len(rows) - MAX_ROWS),
        "crumbs": crumbs(path),
        "path": path,
        "refs": _refs(opened),
        "total_bytes": opened.listing.total_bytes,
        "file_count": len(opened.listing.files),
        "parent": path.rpartition("/")[0],
        "ways": ways_of(opened.repository, revision, request.user),
    }
    return render(request, "models_registry/tree.html", context)


def tree_rows(opened: Opened, path: str) -> list[TreeRow]:
    """Folders first, then files, each with the commit that last changed it."""
    folders, files = _children(opened.listing, path)
    changed_by = folder_commits(opened.repository, opened.commit) if folders else {}
    oids = {entry.last_commit for entry in files} | {changed_by.get(name, "") for name in folders}
    commits = {commit.oid: commit for commit in opened.repository.commits.filter(oid__in=oids)}
    held = opened.commit.held
    licences = of_commit(opened.repository, opened.commit)
    rows = [
        TreeRow(name.rpartition("/")[2], name, True, size, count, None, commits.get(changed_by.get(name, "")), "")
        for name, (size, count) in sorted(folders.items())
    ]
    return rows + [
        TreeRow(
            name=entry.path.rpartition("/")[2],
            path=entry.path,
            is_folder=False,
            size_bytes=entry.size,
            files=1,
            entry=entry,
            commit=commits.get(entry.last_commit),
            held=held.get(entry.path, ""),
            licence=own.licence if (own := licences.of(entry.path)) else "",
        )
        for entry in files
    ]


def _children(listing: Listing, path: str) -> tuple[dict[str, tuple[int, int]], list[Entry]]:
    """Folders directly inside `path` with their bytes and files, and the files directly inside."""
    prefix = f"{path}/" if path else ""
    folders: dict[str, tuple[int, int]] = {}
    files = []
    for name in sorted(listing.files):
        if not name.startswith(prefix):
            continue
        entry, inner = listing.files[name], name[len(prefix) :]
        head, slash, _ = inner.partition("/")
        if slash:
            size, count = folders.get(prefix + head, (0, 0))
            folders[prefix + head] = (size + entry.size, count + 1)
        else:
            files.append(entry)
    return folders, files


def crumbs(path: str) -> list[tuple[str, str]]:
    """The folders on the way to a path: (name, path)."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


def _refs(opened: Opened) -> dict[str, list[str]]:
    """Branches and tags to choose from, the hundred newest tags."""
    names = list(opened.repository.refs.values_list("name", flat=True)[:200])
    return {
        "branches": [name.removeprefix(BRANCH) for name in names if name.startswith(BRANCH)],
        "tags": [name.removeprefix(TAG) for name in names if name.startswith(TAG)],
    }


@require_safe
def blob(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str) -> HttpResponse:
    """One file: text with numbered lines, a picture, the header of weights, or how to download it."""
    opened = open_repository(request, kind, namespace, name, revision)
    require(request.user, Action.DOWNLOAD, opened.repository)
    entry = opened.listing.files.get(path)
    if entry is None:
        raise EntryNotFound(path=path[:300], revision=revision)
    held = opened.commit.held.get(path, "")
    context = opened.context("files") | {
        "entry": entry,
        "path": path,
        "crumbs": crumbs(path),
        "held": held,
        "scan_wait": scan_wait(opened),
        "last_commit": opened.repository.commits.filter(oid=entry.last_commit).first(),
        "ways": ways_of(opened.repository, revision, request.user),
        "permalink": addresses.at(opened.repository, "blob", opened.commit.oid, path),
        "own_licence": of_commit(opened.repository, opened.commit).of(path),
        "pointer": Pointer(sha256=entry.sha256, size=entry.size).text().decode() if entry.is_large else "",
        "raw_url": addresses.resolve(opened.repository, revision, path),
        "download_url": addresses.resolve(opened.repository, revision, path, download=True),
    }
    context |= {"view": "held"} if held else _view(request, opened, entry)
    return render(request, "models_registry/blob.html", context)


def _view(request: HttpRequest, opened: Opened, entry: Entry) -> dict[str, Any]:
    """How a file is best shown."""
    suffix = entry.path.rpartition(".")[2].lower()
    if suffix in IMAGES:
        return {"view": "image"}
    if suffix == "safetensors":
        return _tensors(opened, entry)
    text = text_of(opened, entry)
    if text is None:
        return {"view": "download"}
    if suffix == "md" and request.GET.get("plain") != "1":
        try:
            folder = entry.path.rpartition("/")[0]
            return {"view": "markdown", "is_editable": True, "html": markdown.render(text, places(opened, folder))}
        except OverLimit:
            return {"view": "text"} | _lines(text, entry.path)
    return {"view": "text", "is_markdown": suffix == "md", "is_editable": True} | _lines(text, entry.path)


def text_of(opened: Opened, entry: Entry) -> str | None:
    """The text of a small file; None for large ones and for what is not UTF-8."""
    body = read_small_file(opened.repository, opened.listing, entry.path, limit=MAX_TEXT_BYTES)
    if body is None or b"\0" in body:
        return None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _lines(text: str, path: str) -> dict[str, Any]:
    lines = highlight_file(text, path)
    if lines and not lines[-1]:
        lines.pop()  # The end of the last line is not a line of its own.
    shown: list[SafeString] = [mark_safe(line) for line in lines[:MAX_LINES]]  # noqa: S308 - escaped by highlight_file
    return {"lines": shown, "line_count": len(lines), "lines_left_out": max(0, len(lines) - MAX_LINES)}


def _tensors(opened: Opened, entry: Entry) -> dict[str, Any]:
    """The header of a safetensors file: names, shapes and types; the weights themselves stay where they are."""
    try:
        header = safetensors.read_header(_head(opened, entry), size_bytes=entry.size)
    except BadFormat as error:
        return {"view": "tensors", "fault": error.detail}
    most = max((tensor.elements for tensor in header.tensors), default=1) or 1
    rows = [
        {
            "name": tensor.name,
            "shape": " × ".join(f"{axis:,}" for axis in tensor.shape) or gettext("scalar"),
            "dtype": tensor.dtype,
            "elements": tensor.elements,
            "percent": round(100 * tensor.elements / most, 1),
        }
        for tensor in header.tensors[:MAX_TENSOR_ROWS]
    ]
    return {
        "view": "tensors",
        "tensors": rows,
        "tensor_count": len(header.tensors),
        "tensors_left_out": max(0, len(header.tensors) - MAX_TENSOR_ROWS),
        "parameters": header.parameters,
        "dtypes": sorted(header.by_dtype()),
        "metadata": sorted(header.metadata.items())[:20],
    }


def _head(opened: Opened, entry: Entry) -> io.BytesIO:
    """The first bytes of a file: as much as its header says it takes, never the weights."""
    if not entry.is_large:
        return io.BytesIO(read_small_file(opened.repository, opened.listing, entry.path, limit=entry.size) or b"")
    found = content.Content.objects.get(sha256=entry.sha256)
    first = _joined(content.read(found, 0, 8))
    length = int.from_bytes(first, "little") if len(first) == 8 else 0
    stop = min(entry.size, 8 + min(length, safetensors.MAX_HEADER_BYTES))
    return io.BytesIO(_joined(content.read(found, 0, stop)))


def _joined(pieces: Any) -> bytes:
    return b"".join(pieces)
