"""Headers of safetensors files, read without the tensors."""

import json
from typing import Any

from models_registry.exceptions import BadWeights, EntryNotFound
from models_registry.models import Commit, GitObject, Repository
from models_registry.services import content
from models_registry.services.revisions import find_entry
from models_registry.types import Entry

MAX_INDEX_BYTES = 25_000_000
MAX_HEADER_BYTES = 25_000_000
MAX_ALL_HEADERS_BYTES = 100_000_000
MAX_SHARDS = 1000
INDEX_ENDING = ".index.json"


def read_headers(*, repository: Repository, commit: Commit, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The index, {} for a single file, and the header of each shard by path.

    Args:
        path: a safetensors file, or the index of sharded ones.

    Raises:
        EntryNotFound: the file or one that the index names is missing.
        BadWeights: not what its name says, or too large.
    """
    if not path.endswith(INDEX_ENDING):
        entry = find_entry(repository, commit, path)
        return {}, {path: _header(repository, entry, MAX_HEADER_BYTES)}
    index = _object(repository, find_entry(repository, commit, path))
    weight_map = index.get("weight_map")
    named = weight_map.values() if isinstance(weight_map, dict) else ()
    shards = sorted({shard for shard in named if isinstance(shard, str)})
    if not shards or len(shards) > MAX_SHARDS:
        raise BadWeights(path=path, reason=f"It names no shards, or more than {MAX_SHARDS}.")
    folder = path.rpartition("/")[0]
    headers: dict[str, Any] = {}
    left = MAX_ALL_HEADERS_BYTES
    for shard in shards:
        entry = find_entry(repository, commit, f"{folder}/{shard}" if folder else shard)
        headers[shard] = _header(repository, entry, min(left, MAX_HEADER_BYTES))
        left -= int.from_bytes(read_range(repository, entry, 0, 8), "little")
    return index, headers


def _header(repository: Repository, entry: Entry, limit: int) -> dict[str, Any]:
    length = int.from_bytes(read_range(repository, entry, 0, 8), "little")
    if entry.size < 8 or length > min(limit, entry.size - 8):
        raise BadWeights(path=entry.path, reason="Its header is too large.")
    return _parsed(read_range(repository, entry, 8, 8 + length), entry.path)


def _object(repository: Repository, entry: Entry) -> dict[str, Any]:
    if entry.size > MAX_INDEX_BYTES:
        raise BadWeights(path=entry.path, reason="It is too large.")
    return _parsed(read_range(repository, entry, 0, entry.size), entry.path)


def _parsed(raw: bytes, path: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadWeights(path=path, reason="It is not valid JSON.") from error
    if not isinstance(value, dict):
        raise BadWeights(path=path, reason="It holds no JSON object.")
    return value


def read_range(repository: Repository, entry: Entry, start: int, stop: int) -> bytes:
    """A range of a file, whichever way it is stored."""
    if entry.is_large:
        held = content.find_linked(repository=repository, sha256=entry.sha256)
        if held is None:
            raise EntryNotFound(path=entry.path, revision="this commit")
        return b"".join(content.read(held, start, stop))
    body = GitObject.objects.filter(repository=repository, oid=entry.oid).values_list("body", flat=True).get()
    return bytes(body)[start:stop]
