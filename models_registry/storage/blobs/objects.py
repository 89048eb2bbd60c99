"""Blobs in a bucket of an S3 server: any that speaks S3's own protocol, with or without its newer parts.

Trust is our own. Every body goes with its MD5, so that a server notices what a line garbled, and is read back and
hashed before it counts as stored, whatever checksums the server knows. A blob is written only if nothing has its key
(`If-None-Match`). A server that does not know this condition writes the same bytes once more, which harms nobody; one
that refuses the condition is asked first what it holds.

Servers without read-after-write give what was just written some seconds later; so a missing key is asked for again.
"""

import base64
import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from models_registry.storage.blobs.protocol import Scratch, ScratchFolder, StoredBlob, digest_of
from models_registry.storage.blobs.remote_file import RemoteFile
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import BadDigest, BlobConflict, CorruptContent, StoreFull, StoreUnavailable

PART_BYTES = 8 * 2**20
MAX_LINK_LIFETIME_S = 60
_ASK_AGAIN_AFTER_S = (0.1, 0.4, 1.0, 2.0)  # For a key that must be there: in all longer than such servers lag behind.
_MISSING = {"404", "NoSuchKey", "NotFound"}
_TAKEN = {"412", "PreconditionFailed"}
_BUSY = {"409", "ConditionalRequestConflict", "OperationAborted"}
_CONDITION_UNKNOWN = {"501", "NotImplemented", "InvalidArgument"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity", "507"}
_OPTIONS = {"endpoint_url", "region", "path_style", "create", "public_url"}


@dataclass(frozen=True)
class S3Place:
    """Where blobs live: `s3://bucket/prefix?endpoint_url=…&region=…&path_style=1&create=1&public_url=…`.

    Attributes:
        create: make the bucket when it is missing.
        public_url: where clients reach the server, if not at `endpoint_url`; used in signed links.
    """

    bucket: str
    prefix: str
    endpoint_url: str | None = None
    region: str | None = None
    path_style: bool = False
    create: bool = False
    public_url: str | None = None

    @classmethod
    def of(cls, url: str) -> "S3Place":
        """Read an address.

        Raises:
            ValueError: it names no bucket, or an option that does not exist.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise ValueError(f"there is no option {', '.join(sorted(unknown))}.")
        if not parts.netloc or "@" in parts.netloc:
            raise ValueError("it names no bucket. Keys belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
        prefix = unquote(parts.path).strip("/")
        return cls(
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            endpoint_url=options.get("endpoint_url"),
            region=options.get("region"),
            path_style=options.get("path_style", "0") in {"1", "true", "yes"},
            create=options.get("create", "0") in {"1", "true", "yes"},
            public_url=options.get("public_url"),
        )


class S3BlobStore:
    """Blobs as objects `<prefix>objects/<digest>`."""

    is_local = False

    def __init__(self, place: S3Place, scratch: ScratchFolder) -> None:
        self.place = place
        self._scratch = scratch
        self._clients: dict[tuple[int, str | None], Any] = {}
        self._lock = threading.Lock()
        self._knows_conditions = True
        self._checked = _Checked()

    def scratch(self) -> Scratch:
        return self._scratch.new()

    def put(self, scratch: Scratch) -> BlobDigest:
        digest = scratch.digest()
        scratch.seal()
        with _store_errors(digest):
            self._write(scratch, digest, only_if_new=True)
            # Read back in either case: a garbled line shows now, and the time tells nobody what was there before.
            if self._stored_digest(digest) != digest:  # A damaged copy of before; the good bytes are at hand.
                self._write(scratch, digest, only_if_new=False)
                actual = self._stored_digest(digest)
                if actual != digest:
                    raise BlobConflict(key=digest, actual=actual)
        return digest

    def open(self, digest: BlobDigest) -> BinaryIO:
        with _store_errors(digest):
            size_bytes = self._head_patiently(digest)["ContentLength"]
        raw = RemoteFile(lambda start, stop: self._range(digest, start, stop), size_bytes)
        return io.BufferedReader(raw, buffer_size=64 * 1024)

    def open_checked(self, digest: BlobDigest) -> BinaryIO:
        with _store_errors(digest):
            head = self._head_patiently(digest)
            state = (digest, str(head.get("ETag")), str(head["LastModified"]), int(head["ContentLength"]))
            if not self._checked.holds(state):
                if self._stored_digest(digest) != digest:
                    raise CorruptContent(hash=digest)
                self._checked.add(state)
        return self.open(digest)

    def address(self, digest: BlobDigest, *, start: int, stop: int, lifetime_s: int) -> str | None:
        """A signed link to one range. The request must carry this very Range, for the signature covers it."""
        wanted = {"Bucket": self.place.bucket, "Key": self._key(digest), "Range": f"bytes={start}-{stop - 1}"}
        client = self._client(self.place.public_url or self.place.endpoint_url)
        lifetime_s = min(lifetime_s, MAX_LINK_LIFETIME_S)
        return str(client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=lifetime_s))

    def size(self, digest: BlobDigest) -> int | None:
        with _store_errors(digest):
            head = self._head(digest)
        return None if head is None else int(head["ContentLength"])

    def delete(self, digest: BlobDigest) -> bool:
        with _store_errors(digest):
            was_there = self._head(digest) is not None
            self._client().delete_object(**self._at(digest))
        return was_there

    def iterate(self) -> Iterator[StoredBlob]:
        pages = self._client().get_paginator("list_objects_v2")
        prefix = f"{self.place.prefix}objects/"
        with _store_errors("the listing"):
            for page in pages.paginate(Bucket=self.place.bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    try:
                        digest = BlobDigest(entry["Key"].removeprefix(prefix))
                    except BadDigest:
                        continue  # Not ours.
                    yield StoredBlob(digest, int(entry["Size"]), entry["LastModified"].timestamp())

    def clean_scratch(self, *, older_than_s: float) -> int:
        """Remove scratch files and unfinished uploads of killed processes. Returns how many."""
        removed = self._scratch.clean(older_than_s=older_than_s)
        client = self._client()
        with _store_errors("the uploads"):
            pages = client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.place.bucket, Prefix=f"{self.place.prefix}objects/"):
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] < datetime.fromtimestamp(time.time() - older_than_s, UTC):
                        self._abort(upload["Key"], upload["UploadId"])
                        removed += 1
        return removed

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────

    def _write(self, scratch: Scratch, digest: BlobDigest, *, only_if_new: bool) -> None:
        """Send the bytes, unless the key is taken."""
        for _ in _ASK_AGAIN_AFTER_S:
            condition: dict[str, str] = {}
            if only_if_new and self._knows_conditions:
                condition = {"IfNoneMatch": "*"}
            elif only_if_new and self._head(digest) is not None:
                return
            try:
                self._send(scratch, digest, condition)
                return
            except ClientError as error:
                if condition and _code(error) in _CONDITION_UNKNOWN:
                    self._knows_conditions = False
                elif _code(error) in _TAKEN:
                    return
                elif _code(error) not in _BUSY:
                    raise
        raise StoreUnavailable(reason="others write the same key")

    def _send(self, scratch: Scratch, digest: BlobDigest, condition: dict[str, str]) -> None:
        with scratch.path.open("rb") as file:
            if scratch.size_bytes <= PART_BYTES:
                body = file.read()
                self._client().put_object(**self._at(digest), Body=body, ContentMD5=_md5(body), **condition)
                return
            self._send_parts(file, digest, condition)

    def _send_parts(self, file: BinaryIO, digest: BlobDigest, condition: dict[str, str]) -> None:
        client, at = self._client(), self._at(digest)
        upload: str = client.create_multipart_upload(**at)["UploadId"]
        try:
            parts = []
            for number, body in enumerate(iter(lambda: file.read(PART_BYTES), b""), start=1):
                sent = client.upload_part(**at, UploadId=upload, PartNumber=number, Body=body, ContentMD5=_md5(body))
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            client.complete_multipart_upload(**at, UploadId=upload, MultipartUpload={"Parts": parts}, **condition)
        except BaseException:
            self._abort(at["Key"], upload)
            raise

    def _abort(self, key: str, upload: str) -> None:
        try:
            self._client().abort_multipart_upload(Bucket=self.place.bucket, Key=key, UploadId=upload)
        except (ClientError, BotoCoreError):
            return  # Completed after all, or the server is away: the next clean-up finds what is left.

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────

    def _head(self, digest: BlobDigest) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client().head_object(**self._at(digest))
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        return found

    def _head_patiently(self, digest: BlobDigest) -> dict[str, Any]:
        for pause_s in (0.0, *_ASK_AGAIN_AFTER_S):
            time.sleep(pause_s)
            head = self._head(digest)
            if head is not None:
                return head
        raise CorruptContent(hash=digest)

    def _stored_digest(self, digest: BlobDigest) -> BlobDigest:
        """What the stored bytes hash to."""
        self._head_patiently(digest)
        body = self._client().get_object(**self._at(digest))["Body"]
        try:
            return digest_of(body)
        finally:
            body.close()

    def _range(self, digest: BlobDigest, start: int, stop: int) -> bytes:
        with _store_errors(digest):
            for pause_s in (0.2, 0.8, None):
                try:
                    answer = self._client().get_object(**self._at(digest), Range=f"bytes={start}-{stop - 1}")
                    data: bytes = answer["Body"].read()
                    break
                except BotoCoreError:  # The line broke in the middle of the body, which the client does not repeat.
                    if pause_s is None:
                        raise
                    time.sleep(pause_s)
        if len(data) != stop - start:
            raise CorruptContent(hash=digest)
        return data

    # ── The server ───────────────────────────────────────────────────────────────────────────────

    def _key(self, digest: BlobDigest) -> str:
        return f"{self.place.prefix}objects/{digest}"

    def _at(self, digest: BlobDigest) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self._key(digest)}

    def _client(self, endpoint_url: str | None = None) -> Any:
        """The client of this process: connections do not survive a fork."""
        name = (os.getpid(), endpoint_url or self.place.endpoint_url)
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._connect(name[1])
            return self._clients[name]

    def _connect(self, endpoint_url: str | None) -> Any:
        style = "path" if self.place.path_style else "auto"
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=self.place.region,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": style},
                connect_timeout=3,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=32,
                # Newer checksums are not understood by every server; ours do not depend on them.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        client.meta.events.register("before-send.s3.PutObject", _without_expect)
        if self.place.create and endpoint_url == self.place.endpoint_url:
            _make_bucket(client, self.place.bucket)
        return client


class _Checked:
    """Remembers for a while which objects were found good, by what changes when one is written again."""

    KEEP_S = 600.0
    MOST = 4096

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str, int], float] = {}

    def holds(self, state: tuple[str, str, str, int]) -> bool:
        return self._seen.get(state, float("-inf")) > time.monotonic() - self.KEEP_S

    def add(self, state: tuple[str, str, str, int]) -> None:
        if len(self._seen) >= self.MOST:
            self._seen.clear()
        self._seen[state] = time.monotonic()


@contextmanager
def _store_errors(name: str) -> Iterator[None]:
    """Errors of the server in the hub's own words."""
    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in _MISSING:
            raise CorruptContent(hash=name) from error
        if code in _FULL:
            raise StoreFull from error
        raise StoreUnavailable(reason=code) from error
    except BotoCoreError as error:
        raise StoreUnavailable(reason=type(error).__name__) from error


def _make_bucket(client: Any, bucket: str) -> None:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if _code(error) in {*_MISSING, "NoSuchBucket"}:
            client.create_bucket(Bucket=bucket)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) or "an unnamed error"


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _without_expect(request: Any, **_: Any) -> None:
    """Always send the body before the answer: its time must not tell whether the key was taken."""
    request.headers.pop("Expect", None)
