"""Holds a receipt to its word: signature, hashes, the score from the kept outputs, and the model run again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import _measuring
from ._exceptions import IntegrityError, Invalid, NotFound
from ._names import Reference, is_sha256
from ._receipts import Receipt, canonical

if TYPE_CHECKING:
    from ._client import Hub

# Exit statuses of the command line beside those of errors.
DIFFERENT = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """How a receipt is to be verified.

    Attributes:
        sample: how many items to ask, drawn by `seed`; None for all.
        run: False leaves the model alone: signature, hashes, and the score from the kept outputs.
        key: the key to trust, by its id or in base64; without it, those pinned at the first use.
        allow_unsigned: go on with a receipt that nobody signed.
    """

    sample: int | None = None
    seed: int = 0
    run: bool = True
    threads: int | None = None
    key: str | None = None
    allow_unsigned: bool = False
    progress: bool | None = None


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What came of it.

    Attributes:
        verdict: equal, within_noise or different. Where the model was left alone: not_run if the kept outputs give the
            stated score, unknown if they cannot be read.
    """

    receipt: str
    repository: str
    commit: str
    benchmark: str
    metric: str
    verdict: str
    key_id: str
    there: float | None = None
    here: float | None = None
    items: int = 0
    rescored: bool | None = None
    sandbox: bool | None = None
    reasons: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    differing_count: int = 0
    environment: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Does the receipt keep its word, as far as it was asked to?"""
        return self.verdict not in ("different", "unknown")


def is_receipt(target: str | os.PathLike[str]) -> bool:
    """Does this mean a receipt: its hash, its address, or a file of it?"""
    text = os.fspath(target)
    return (
        is_sha256(text) or text.startswith(("http://", "https://")) or (text.endswith(".json") and Path(text).is_file())
    )


def endpoint_of(target: str) -> tuple[str | None, str]:
    """The hub that an address leads to, and the receipt's hash.

    Raises:
        Invalid: it is no address of a receipt.
    """
    if is_sha256(target):
        return None, target
    parts = urlsplit(target)
    before, _, after = parts.path.partition("/api/v1/receipts/")
    sha256 = (after or parts.path.rpartition("/receipts/")[2]).split("/")[0]
    if not is_sha256(sha256):
        raise Invalid(f"{target!r} is not the address of a receipt.", code="not_a_receipt")
    return f"{parts.scheme}://{parts.netloc}{before if after else ''}", sha256


def verify_receipt(hub: Hub, target: str | os.PathLike[str], wish: Wish) -> ReceiptReport:
    """Verify one receipt, given by hash, address or file.

    Raises:
        IntegrityError: signature, hash or files are not what they should be, or nobody signed.
        NotFound, AccessDenied, Offline: what it takes cannot be had.
        NotMeasurable, Refused: the model cannot be run here.
    """
    text = os.fspath(target)
    if text.endswith(".json") and Path(text).is_file():
        envelope, wanted = _read_file(hub, Path(text))
    else:
        wanted = endpoint_of(text)[1]
        envelope = hub.receipts.envelope(wanted)
    receipt = hub.receipts.check(envelope, pin=wish.key)
    if wanted and receipt.sha256 != wanted:
        raise IntegrityError("The content is not what its hash names.", code="bad_content", sha256=receipt.sha256)
    if not receipt.key_id and not wish.allow_unsigned:
        raise IntegrityError("Nobody signed this receipt. To go on all the same: --allow-unsigned", code="unsigned")
    return _held_to_its_word(hub, receipt, wish)


def _read_file(hub: Hub, path: Path) -> tuple[dict[str, Any], str]:
    """An envelope from a file; a bare receipt is asked for by its hash, since its signature lies in the envelope."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} cannot be read: {error}.", code="not_a_receipt") from error
    if not isinstance(document, dict):
        raise Invalid(f"{path} holds no receipt.", code="not_a_receipt")
    if "payload" in document:
        return document, ""
    sha256 = hashlib.sha256(canonical(document)).hexdigest()
    return hub.receipts.envelope(sha256), sha256


def _held_to_its_word(hub: Hub, receipt: Receipt, wish: Wish) -> ReceiptReport:
    record = receipt.record
    model, stated = record["model"], record["benchmark"]
    declared = hub.receipts.definition(str(stated["id"]), int(stated["version"]))
    if declared.get("commit") != stated["dataset_commit"]:
        raise IntegrityError("The hub measures this version with other data than the receipt names.", code="bad_data")
    threads = int(wish.threads or record["env"].get("threads") or 1)
    job: dict[str, Any] = {
        "record": record,
        "definition": declared["definition"],
        "rows": hub.receipts.items(receipt.sha256),
        "threads": threads,
        "sample": wish.sample,
        "seed": wish.seed,
        "run": wish.run,
    }
    if wish.run:
        job["model"] = str(_model_folder(hub, model, wish))
        data = Reference.parse(str(declared["dataset"]), kind="dataset", revision=stated["dataset_commit"])
        job["data"] = str(hub.downloads.pull(data, progress=wish.progress, verify=True))
    found = _measuring.rerun(job, threads=threads)
    verdict = str(found["verdict"])
    return ReceiptReport(
        receipt=receipt.sha256,
        repository=str(model["repository"]),
        commit=str(model["commit"]),
        benchmark=f"{stated['id']} v{stated['version']}",
        metric=str(record["result"]["main_metric"]),
        verdict="not_run" if verdict == "equal" and not wish.run else verdict,
        key_id=receipt.key_id,
        there=found["there"],
        here=found["here"],
        items=int(found["items"]),
        rescored=found["rescored"],
        sandbox=found["sandbox"],
        reasons=tuple(found["reasons"]),
        differing=tuple(found["differing"]["first"]),
        differing_count=int(found["differing"]["count"]),
        environment=tuple(found["environment"]),
    )


def _model_folder(hub: Hub, model: dict[str, Any], wish: Wish) -> Path:
    """The model at its commit, once its files are known to be those of the receipt."""
    reference = Reference.parse(str(model["repository"]), revision=str(model["commit"]))
    known = {file.path: file.sha256 for file in hub.downloads.manifest(reference).files}
    wrong = [file["path"] for file in model["files"] if known.get(file["path"]) != file["sha256"]]
    if wrong:
        raise IntegrityError(
            f"The hub has other files at this commit than the receipt names: {', '.join(wrong[:3])}.", code="bad_files"
        )
    return hub.downloads.pull(reference, progress=wish.progress, verify=True)


def receipts_of(hub: Hub, reference: Reference, *, benchmark: str | None) -> list[str]:
    """The receipts of a version.

    Raises:
        NotFound: it has none.
    """
    found = hub.receipts.of(reference, benchmark=benchmark)
    if not found:
        which = f" of {benchmark}" if benchmark else ""
        raise NotFound(f"{reference} has no receipt{which}.", code="no_receipt")
    return found
