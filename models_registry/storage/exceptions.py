"""The refusals of the content store. All are `HubError` kinds, so each door turns them into its own answer."""

from hub.core.exceptions import Conflict, Invalid, NotFound, OverLimit, Unavailable


class BadDigest(Invalid):
    code = "bad_digest"
    message = "“{value}” is not a digest: 64 lower-case hexadecimal digits are expected."


class MalformedXorb(Invalid):
    code = "malformed_xorb"
    message = "The xorb cannot be read: {reason}."


class MalformedShard(Invalid):
    code = "malformed_shard"
    message = "The shard cannot be read: {reason}."


class HashMismatch(Invalid):
    """The bytes are not what their sender said they are. Nothing of them is kept."""

    code = "hash_mismatch"
    message = "The {what} hashes to {actual}, not to {expected}."


class SizeMismatch(Invalid):
    code = "size_mismatch"
    message = "{expected} bytes were announced, {actual} arrived."


class MissingPart(Invalid):
    code = "missing_part"
    message = "Part {number} is not here, or is not the one that you name. Send it again."


class UnknownXorb(Invalid):
    """Said alike of a xorb that does not exist and of one that the caller may not use."""

    code = "unknown_xorb"
    message = "The xorb {hash} was not uploaded to this repository. Upload it, then register the shard again."


class ContentNotFound(NotFound):
    code = "content_not_found"
    message = "This repository holds no content {hash}."


class FileTooLarge(OverLimit):
    code = "file_too_large"
    message = "The file has {size_bytes} bytes; this hub takes files of at most {limit_bytes} bytes."


class BodyTooLarge(OverLimit):
    code = "body_too_large"
    message = "The {what} has {size_bytes} bytes; at most {limit_bytes} are taken."


class LengthRequired(Invalid):
    code = "length_required"
    message = "The request must say how long its body is (Content-Length)."
    wire_status = 411


class RangeNotSatisfiable(Invalid):
    code = "range_not_satisfiable"
    message = "The range lies outside of the {size_bytes} bytes of this content."
    wire_status = 416

    @property
    def wire_headers(self) -> dict[str, str]:
        return {"Content-Range": f"bytes */{self.details['size_bytes']}"}


class CorruptContent(Unavailable):
    """Stored bytes no longer match their hash, or are gone. They are never sent."""

    code = "corrupt_content"
    message = "Stored bytes of {hash} are damaged. The operator can find out more with `manage.py fsck`."
    wire_status = 500


class StoreFull(Unavailable):
    code = "store_full"
    message = "The disk of this hub is full. Nothing was kept of the upload."
    wire_status = 507


class BlobConflict(Conflict):
    """A write-once key was about to get other bytes. It keeps those it has."""

    code = "blob_conflict"
    message = "The bytes offered for {key} hash to {actual}."


class StoreUnavailable(Unavailable):
    """The store on the network does not do what it is asked. The same request may succeed in a moment."""

    code = "store_unavailable"
    message = "The store of this hub cannot be reached now ({reason}). Try again in a moment."


class BeingCollected(Unavailable):
    """The bytes that somebody brings are being deleted this very moment, for nobody had needed them for a long time."""

    code = "being_collected"
    message = "This content is being removed at this moment. Send it again."
