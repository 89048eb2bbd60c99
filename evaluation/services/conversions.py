"""The import lane: weights in formats that can run code become safetensors, proposed as a pull request.

The file is scanned first, and read behind the walls of the sandbox. The parent writes the safetensors itself from
names, shapes and bytes, and compares every tensor's hash with the one that was told.
"""

import hashlib
import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from evaluation import sandbox, tasks
from evaluation.exceptions import LeaseLost, NothingToConvert
from evaluation.models import Conversion
from evaluation.services import conversion_leases as leases
from evaluation.services import files
from evaluation.steps.walled_scan import WalledReader
from hub.core.exceptions import HubError, Unavailable
from models_registry.formats import safetensors
from models_registry.formats.errors import BadFormat
from models_registry.manifests import listing_of
from models_registry.models import Commit, Content, Repository
from models_registry.permissions import Action, require
from models_registry.services import content, pull_requests
from models_registry.storage.digests import Sha256
from models_registry.types import AddLarge, Entry

logger = logging.getLogger("evaluation.conversions")

TARGET = "model.safetensors"
# In this order the first that exists is converted.
_NAMES = ("pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.keras", "model.h5")
_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".keras", ".h5", ".hdf5")
_PART_BYTES = 8 << 20
_SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_MAX_BYTES = 3 << 30
_LIMITS = sandbox.Limits(memory_bytes=8 << 30, cpu_s=900, wall_s=900.0, call_s=120.0, load_s=300.0, compute_threads=1)


def source_of(commit: Commit) -> Entry | None:
    """The file at the top of a commit that the lane would read; None if there is none, or safetensors are there."""
    files = listing_of(commit).files
    if any(path.endswith(".safetensors") for path in files if "/" not in path):
        return None
    known = [files[name] for name in _NAMES if name in files]
    others = [entry for path, entry in sorted(files.items()) if "/" not in path and path.endswith(_SUFFIXES)]
    found = known or (others if len(others) == 1 else [])
    return found[0] if found and found[0].is_large else None


def request_conversion(*, repository: Repository, commit: Commit, user: User) -> Conversion:
    """Ask for a commit's weights as safetensors. Asked again, the same answer comes; one that failed begins anew.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall
        NothingToConvert: there are safetensors already, or no single file that the lane reads.
    """
    require(user, Action.WRITE, repository)
    source = source_of(commit)
    if source is None:
        raise NothingToConvert(commit=commit.oid[:12])
    try:
        with transaction.atomic():
            row, made = Conversion.objects.get_or_create(
                commit=commit, path=source.path, defaults={"repository": repository, "requested_by": user}
            )
    except IntegrityError:  # Somebody else asked in this very moment.
        row, made = Conversion.objects.get(commit=commit, path=source.path), False
    if made or _begin_anew(row, user):
        transaction.on_commit(partial(tasks.dispatch_conversion, row.pk))
    row.refresh_from_db()
    return row


def perform(*, conversion_id: int) -> None:
    """Convert. A row that a living worker works on, or that has ended, is left alone."""
    row = leases.claim(conversion_id)
    if row is None:
        return
    with leases.Keeper(row) as keeper:
        try:
            _attempt(row, keeper)
        except LeaseLost:
            logger.warning("conversion %s: attempt %s is no longer wanted", row.pk, row.attempt)


def _attempt(row: Conversion, keeper: leases.Keeper) -> None:
    """One attempt, to its end in the row.

    Raises:
        LeaseLost: somebody else has it now.
    """
    try:
        _propose(row, _convert(row, keeper))
    except LeaseLost:
        raise
    except (Unavailable, sandbox.SandboxUnavailable) as error:  # What it needs comes back.
        leases.give_back(row, str(error), at=timezone.now())
    except (_Refused, HubError) as error:
        leases.end(row, Conversion.State.FAILED, reason=str(error))
    except sandbox.SandboxError as error:
        leases.end(row, Conversion.State.FAILED, reason=f"{row.path}: {error}")
    except Exception:
        logger.exception("conversion %s failed", row.pk)
        leases.end(row, Conversion.State.FAILED, reason="The conversion failed inside the hub. Ask again later.")


def tell_again() -> int:
    """Find what was lost: rows that wait, and those whose worker is gone. Returns how many were told."""
    return leases.tell_again(tasks.dispatch_conversion)


@dataclass(frozen=True)
class Offer:
    """What could be converted of a commit, and where that stands if somebody has asked."""

    path: str
    row: Conversion | None


def offer_of(commit: Commit) -> Offer | None:
    """What a page shows beside a commit; None where there is nothing to convert."""
    source = source_of(commit)
    return Offer(source.path, Conversion.objects.filter(commit=commit, path=source.path).first()) if source else None


class _Refused(Exception):
    """The file is not one that may be converted, with the reason for people."""


@dataclass(frozen=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    sha256: str


def _begin_anew(row: Conversion, user: User) -> bool:
    again: dict[str, Any] = {"state": Conversion.State.QUEUED, "reason": "", "requested_by": user, "finished_at": None}
    again |= {"losses": 0, "dispatched_at": timezone.now()}
    return bool(Conversion.objects.filter(pk=row.pk, state=Conversion.State.FAILED).update(**again))


@dataclass(frozen=True)
class _Made:
    """The safetensors, stored, with what tells that they are the same numbers."""

    sha256: Sha256
    size_bytes: int
    tensors: list[_Tensor]
    evidence: dict[str, Any]


def _convert(row: Conversion, keeper: leases.Keeper) -> _Made:
    """Read the file behind the walls and store its tensors. Done twice, the second time finds the content there."""
    entry = listing_of(row.commit).files[row.path]
    with open(content.materialise(Content.objects.get(sha256=entry.sha256)), "rb") as source:
        _check(row, keeper, entry.size)
        with (
            sandbox.open_weights(source.fileno(), limits=_LIMITS) as session,
            tempfile.TemporaryFile(prefix="smallhub-conversion-") as target,
        ):
            keeper.stop = session.stop
            described = session.load()["description"]
            tensors = _tensors(described)
            size_bytes = _write(target, tensors, session)
            _compare(target, tensors, size_bytes)
            target.seek(0)
            stored = content.ingest(
                repository=row.repository, user=row.requested_by, stream=target, size_bytes=size_bytes
            )
    evidence = {
        "source": {"path": row.path, "sha256": entry.sha256, "format": str(described.get("source"))[:20]},
        "target": {"path": TARGET, "sha256": stored.sha256, "bytes": size_bytes},
        "tensors": len(tensors),
        "tensors_sha256": _digest(tensors),
        "left_out": [str(name)[:200] for name in described.get("left_out") or ()][:50],
    }
    return _Made(Sha256(stored.sha256), size_bytes, tensors, evidence)


@transaction.atomic
def _propose(row: Conversion, made: _Made) -> None:
    """Open the pull request and end the row, both or neither.

    Raises:
        LeaseLost: this attempt no longer holds it; there is no pull request of it either.
    """
    opened = pull_requests.open_pull_request(
        repository=row.repository,
        user=row.requested_by,
        title=f"Convert {row.path} to safetensors",
        description=_description(made.evidence, made.tensors),
        operations=[AddLarge(TARGET, made.sha256, made.size_bytes)],
        start=row.commit.oid,
    )
    leases.end(row, Conversion.State.DONE, pull_request=opened.discussion.number, evidence=made.evidence)


def _check(row: Conversion, keeper: leases.Keeper, size_bytes: int) -> None:
    """What the scan says of the file decides whether it may come near a loader, even behind the walls."""
    if size_bytes > _MAX_BYTES:
        raise _Refused(f"{row.path} is larger than {_MAX_BYTES >> 30} GiB.")

    def opened(within: Path, limits: sandbox.Limits) -> sandbox.Session:
        session = sandbox.open_files(within, limits=limits)
        keeper.stop = session.stop
        return session

    alone = files.laid_out(commit=row.commit, job=f"conversion-{row.pk}", wanted=lambda path: path == row.path)
    with alone as folder, WalledReader(folder, largest_bytes=size_bytes, open_session=opened) as reader:
        kind, findings = reader.file(row.path)
    for finding in findings:
        if finding.is_held_back and not finding.can_convert and not (kind == "zip" and finding.kind == "archive"):
            raise _Refused(finding.detail)


def _tensors(described: Mapping[str, Any]) -> list[_Tensor]:
    """The list that came out of the sandbox, checked: names once, known types, sizes that follow from shapes."""
    found: dict[str, _Tensor] = {}
    for each in described.get("tensors") or ():
        name, dtype, shape, sha256 = (each.get(key) for key in ("name", "dtype", "shape", "sha256"))
        sides = tuple(shape) if isinstance(shape, list) and all(type(s) is int and s >= 0 for s in shape) else None
        is_sound = isinstance(name, str) and name not in found and 0 < len(name) <= 500 and isinstance(sha256, str)
        if not is_sound or dtype not in _SIZES or sides is None:
            raise _Refused("What the sandbox told of the tensors does not add up.")
        size = _SIZES[dtype]
        for side in sides:
            size *= side
        found[name] = _Tensor(name, dtype, sides, size, sha256)
    if not found or sum(tensor.size_bytes for tensor in found.values()) > _MAX_BYTES:
        raise _Refused("There are no tensors in it, or more than can be converted.")
    return sorted(found.values(), key=lambda tensor: tensor.name)


def _write(target: BinaryIO, tensors: list[_Tensor], session: sandbox.Session) -> int:
    """Write the file from the parts that the sandbox hands over. Returns its size."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for tensor in tensors:
        offsets = [position, position + tensor.size_bytes]
        header[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        position += tensor.size_bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write(len(text).to_bytes(8, "little") + text)
    for tensor in tensors:
        done = 0
        while done < tensor.size_bytes:
            wanted = min(_PART_BYTES, tensor.size_bytes - done)
            part: bytes = session.call("weights_part", name=tensor.name, start=done, limit=wanted)
            if len(part) != wanted:
                raise _Refused(f"{tensor.name[:100]} ends too early.")
            target.write(part)
            done += wanted
    target.flush()
    return 8 + len(text) + position


def _compare(target: BinaryIO, tensors: list[_Tensor], size_bytes: int) -> None:
    """Read the written file by our own reader, and hash each tensor as it now lies there."""
    target.seek(0)
    try:
        header = safetensors.read_header(target, size_bytes=size_bytes)
    except BadFormat as error:
        raise _Refused(f"The safetensors would not be sound: {error.detail}") from error
    placed = {tensor.name: tensor for tensor in header.tensors}
    for tensor in tensors:
        target.seek(placed[tensor.name].start)
        found = hashlib.sha256()
        left = tensor.size_bytes
        while left:
            block = target.read(min(1 << 20, left))
            found.update(block)
            left -= len(block)
        if found.hexdigest() != tensor.sha256:
            raise _Refused(f"{tensor.name[:100]} changed on its way.")


def _digest(tensors: list[_Tensor]) -> str:
    """One hash over names, types, shapes and hashes of all tensors."""
    rows = [[tensor.name, tensor.dtype, list(tensor.shape), tensor.sha256] for tensor in tensors]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def _description(evidence: Mapping[str, Any], tensors: list[_Tensor]) -> str:
    """What the pull request says: why, from what, and that every tensor is the same."""
    source, left_out = evidence["source"], evidence["left_out"]
    shown = "\n".join(f"| `{_cell(t.name)}` | {t.dtype} | {list(t.shape)} | `{t.sha256[:16]}` |" for t in tensors[:40])
    more = f"\n\n… and {len(tensors) - 40:,} more." if len(tensors) > 40 else ""
    others = f"\n\nNot tensors, and left out: {', '.join(f'`{_cell(name)}`' for name in left_out)}." if left_out else ""
    return (
        f"`{source['path']}` can run code when it is opened, so nobody is given it unasked, and it is not measured. "
        f"These are its {len(tensors):,} tensors as safetensors, which hold numbers alone.\n\n"
        f"It was read in the sandbox. Names, types, shapes and the SHA-256 of every tensor are equal on both sides.\n\n"
        f"- from: SHA-256 `{source['sha256']}`\n- to: SHA-256 `{evidence['target']['sha256']}`\n"
        f"- all tensors: SHA-256 `{evidence['tensors_sha256']}`\n\n"
        f"| tensor | type | shape | SHA-256 |\n|---|---|---|---|\n{shown}{more}{others}"
    )


def _cell(text: str) -> str:
    return text.replace("`", "'").replace("|", "/").replace("\n", " ")[:120]
