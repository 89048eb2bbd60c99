"""What can be wrong with what a Git client sends. Each says it in words that a person can act on."""

from hub.core.exceptions import Invalid, OverLimit


class MalformedRequest(Invalid):
    code = "malformed_git_request"
    message = "This is not a Git request: {reason}"


class MalformedPack(Invalid):
    code = "malformed_pack"
    message = "The pack is damaged: {reason}"


class MalformedObject(Invalid):
    code = "malformed_git_object"
    message = "{kind} {oid}: {reason}"


class MissingObject(Invalid):
    code = "missing_git_object"
    message = "The push is incomplete: {kind} {oid} is neither in it nor in the repository."


class PackTooLarge(OverLimit):
    code = "pack_too_large"
    message = "{reason}"
