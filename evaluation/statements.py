"""What is signed: an in-toto statement about a model's files, in a DSSE envelope. Pure; keys come from the caller.

A signature is made over the envelope's payload with the payload's type before it, so that what was signed as one kind
of thing can never be shown as another.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.receipts import canonical

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:smallhub:receipt:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
ENDORSEMENT_TYPE = "application/vnd.smallhub.key+json"


@dataclass(frozen=True)
class Signature:
    """64 bytes by the key of this id."""

    key_id: str
    value: bytes


def statement(body: str) -> dict[str, Any]:
    """The statement of a receipt: its subjects are the model's files, its predicate is the receipt itself.

    Args:
        body: the receipt's canonical JSON.
    """
    record = json.loads(body)
    files = (record.get("model") or {}).get("files") or []
    subjects = [{"name": file["path"], "digest": {"sha256": file["sha256"]}} for file in files]
    itself = {"name": "receipt.json", "digest": {"sha256": hashlib.sha256(body.encode()).hexdigest()}}
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects or [itself],
        "predicateType": PREDICATE_TYPE,
        "predicate": record,
    }


def payload(body: str) -> bytes:
    """The statement as the bytes that an envelope carries."""
    return canonical(statement(body)).encode()


def signed_bytes(payload_type: str, content: bytes) -> bytes:
    """What a signature is made over: DSSE's pre-authentication encoding, version 1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)


def envelope(body: str, signatures: Iterable[Signature]) -> dict[str, Any]:
    """A receipt's envelope, as it is handed out."""
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload(body)).decode(),
        "signatures": [{"keyid": one.key_id, "sig": base64.b64encode(one.value).decode()} for one in signatures],
    }


def key_id(public_key: bytes) -> str:
    """The name of a key: SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()


def endorsement(public_key: bytes) -> bytes:
    """What a key signs of its successor, under `ENDORSEMENT_TYPE`: whoever trusts the one may trust the other."""
    named: Mapping[str, str] = {
        "algorithm": "ed25519",
        "key_id": key_id(public_key),
        "public_key": base64.b64encode(public_key).decode(),
    }
    return canonical(named).encode()
