"""Receipts: fetched, taken out of their envelopes, and held against the keys that this user trusts.

A hub's keys are pinned when it is first asked, in the cache folder. Later keys are trusted if one that is pinned
vouches for them. `--key` names a key that the user knows by another way, and then no other is a beginning.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import _ed25519
from ._cache import write_durably
from ._exceptions import IntegrityError, Invalid, NotFound, Offline, ServerError
from ._http import Http, raise_refusal
from ._names import Reference, is_sha256, segment

log = logging.getLogger("smallhub")

NOTICE = 25
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:smallhub:receipt:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
ENDORSEMENT_TYPE = "application/vnd.smallhub.key+json"
_MOST_ITEM_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt whose envelope was checked. `key_id` is empty for one that nobody signed."""

    sha256: str
    record: dict[str, Any]
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the hub publishes it."""

    key_id: str
    public: bytes
    state: str = "current"
    endorsed_by: str = ""
    endorsement: bytes = b""


class Receipts:
    """Fetches receipts and decides whom to believe."""

    def __init__(self, http: Http, cache: Path) -> None:
        self._http = http
        host = segment(urlsplit(http.config.endpoint).netloc.lower().replace(":", "_"))
        self._pins = cache / "keys" / f"{host}.json"

    def envelope(self, sha256: str) -> dict[str, Any]:
        """The signed statement of this receipt."""
        return dict(self._http.call("GET", f"/api/v1/receipts/{sha256}/envelope").data)

    def items(self, sha256: str) -> list[Any] | None:
        """The outputs behind a receipt; None where the hub does not hand them out."""

        def once() -> bytes:
            with self._http.stream("GET", f"/api/v1/receipts/{sha256}/items") as response:
                if response.status_code >= 400:
                    raise_refusal(response)
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _MOST_ITEM_BYTES:
                        raise ServerError("The outputs of this receipt are too large to be read.", code="too_large")
                return bytes(body)

        try:
            return [json.loads(line) for line in self._http.with_retries(once).splitlines()]
        except NotFound:
            return None
        except ValueError as error:
            raise ServerError(f"The outputs cannot be read: {error}.", code="bad_items") from error

    def definition(self, benchmark: str, version: int) -> dict[str, Any]:
        """What a benchmark declares, and which data set at which commit it measures with."""
        return dict(self._http.call("GET", f"/api/v1/benchmarks/{segment(benchmark)}/{version}").data)

    def of(self, reference: Reference, *, benchmark: str | None = None) -> list[str]:
        """The receipts of a version, by their hashes."""
        revision = segment(reference.revision or "latest")
        found = self._http.call("GET", f"/api/v1/models/{reference.repository}/evaluations/{revision}").data
        scores = [row for row in found.get("scores") or [] if row.get("receipt")]
        chosen = [row for row in scores if benchmark in (None, row.get("benchmark"))]
        return [str(row["receipt"]).rsplit("/", 1)[-1] for row in chosen]

    def check(self, envelope: dict[str, Any], *, pin: str | None = None) -> Receipt:
        """Take a receipt out of its envelope.

        Args:
            pin: the only key to begin with: its id, or its 32 bytes in base64.

        Raises:
            IntegrityError: the envelope is broken, or none of its signatures is by a key that is trusted.
        """
        record, content = _opened(envelope)
        signatures = envelope.get("signatures") or []
        sha256 = hashlib.sha256(canonical(record)).hexdigest()
        if not signatures:
            return Receipt(sha256, record)
        trusted = self.trusted(pin)
        unknown = []
        for row in signatures:
            key = trusted.get(str(row.get("keyid")))
            if key is None:
                unknown.append(str(row.get("keyid"))[:16])
            elif _ed25519.verify(key.public, signed_bytes(PAYLOAD_TYPE, content), _base64(row.get("sig"))):
                return Receipt(sha256, record, key.key_id)
            else:
                raise IntegrityError("The signature does not fit the receipt: it was changed.", code="bad_signature")
        raise IntegrityError(
            f"The receipt is signed with a key that is not trusted here ({', '.join(unknown)}). A hub whose key was"
            " stolen begins with a new one: ask its operator for the whole id, and name it with --key.",
            code="unknown_key",
        )

    def trusted(self, pin: str | None = None) -> dict[str, Key]:
        """The keys to believe, by their ids: those that were pinned, and those that they vouch for."""
        pinned = _given(pin) if pin is not None else self._pinned()
        try:
            published = self._published()
        except Offline:
            if not pinned:
                raise
            return {key_id: Key(key_id, public) for key_id, public in pinned.items() if public}
        if not pinned:
            current = next((key for key in published.values() if key.state == "current"), None)
            if current is None:
                return {}
            log.log(NOTICE, "Pinned the key %s of %s.", current.key_id[:16], self._http.config.endpoint)
            pinned = {key.key_id: key.public for key in published.values() if key.state != "revoked"}
        found = _followed(pinned, published)
        if pin is None:
            self._pin({key.key_id: key.public for key in found.values()})
        return found

    def _published(self) -> dict[str, Key]:
        rows = self._http.call("GET", "/api/v1/keys").data.get("keys") or []
        keys = [_read_key(row) for row in rows]
        return {key.key_id: key for key in keys}

    def _pinned(self) -> dict[str, bytes]:
        try:
            rows = json.loads(self._pins.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {str(key_id): _base64(public) for key_id, public in rows.items()}

    def _pin(self, keys: dict[str, bytes]) -> None:
        self._pins.parent.mkdir(parents=True, exist_ok=True)
        rows = {key_id: base64.b64encode(public).decode() for key_id, public in sorted(keys.items())}
        write_durably(self._pins, json.dumps(rows, indent=1))


def canonical(value: Any) -> bytes:
    """The one form of a JSON value that hashes are made of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def signed_bytes(payload_type: str, content: bytes) -> bytes:
    """What a signature in a DSSE envelope is made over."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)


def _opened(envelope: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The receipt in an envelope, and the bytes that were signed."""
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise Invalid("This is not the envelope of a receipt.", code="not_a_receipt")
    content = _base64(envelope.get("payload"))
    try:
        statement = json.loads(content)
        record = statement["predicate"]
        right = statement["_type"] == STATEMENT_TYPE and statement["predicateType"] == PREDICATE_TYPE
        subjects = {row["name"]: row["digest"]["sha256"] for row in statement["subject"]}
        files = {row["path"]: row["sha256"] for row in record["model"]["files"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"The envelope holds no receipt that can be read: {error!r}.", code="not_a_receipt") from error
    if not right:
        raise Invalid("The envelope holds another kind of statement.", code="not_a_receipt")
    if subjects != files:
        raise IntegrityError("The statement speaks of other files than its receipt.", code="bad_statement")
    return record, content


def _followed(pinned: dict[str, bytes], published: dict[str, Key]) -> dict[str, Key]:
    """The pinned keys that the hub has not revoked, and all that these vouch for, one after the other."""
    found = {
        key_id: published.get(key_id, Key(key_id, public))
        for key_id, public in pinned.items()
        if key_id in published or public
    }
    found = {key_id: key for key_id, key in found.items() if key.state != "revoked"}
    for key in published.values():  # In the order in which they were made.
        endorser = found.get(key.endorsed_by)
        if key.key_id in found or key.state == "revoked" or endorser is None:
            continue
        named = {
            "algorithm": "ed25519",
            "key_id": key.key_id,
            "public_key": base64.b64encode(key.public).decode(),
        }
        if _ed25519.verify(endorser.public, signed_bytes(ENDORSEMENT_TYPE, canonical(named)), key.endorsement):
            found[key.key_id] = key
    return found


def _given(pin: str) -> dict[str, bytes]:
    """A key that the user named: by its id, or in full."""
    text = pin.strip()
    if is_sha256(text.lower()):
        return {text.lower(): b""}
    try:
        public = base64.b64decode(text, validate=True)
    except binascii.Error:
        public = b""
    if len(public) != 32:
        raise Invalid("A key is given by its id (64 hex digits) or its 32 bytes in base64.", code="invalid_key")
    return {hashlib.sha256(public).hexdigest(): public}


def _read_key(row: Any) -> Key:
    """One key of the hub's list; its id must be the hash of its bytes."""
    try:
        public = _base64(row["public_key"])
        key = Key(
            key_id=str(row["key_id"]),
            public=public,
            state=str(row["state"]),
            endorsed_by=str(row.get("endorsed_by") or ""),
            endorsement=_base64(row.get("endorsement") or ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ServerError(f"The hub's list of keys cannot be read: {error!r}.", code="bad_keys") from error
    if hashlib.sha256(public).hexdigest() != key.key_id:
        raise IntegrityError("The hub names a key by a hash that is not its own.", code="bad_keys")
    return key


def _base64(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("A part of the envelope is not base64.", code="not_a_receipt") from error
