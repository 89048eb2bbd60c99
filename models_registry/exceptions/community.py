"""The refusals of discussions, pull requests and collections."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from hub.core.exceptions import Conflict, Forbidden, Invalid, NotFound, OverLimit


class CollectionNotFound(NotFound):
    """Missing, or not to be seen: nobody can tell which."""

    code = "collection_not_found"
    message = "Collection not found"


class CollectionForbidden(Forbidden):
    code = "collection_forbidden"
    message = "Forbidden: you don't have the rights to change collections of {namespace}."


class CollectionExists(Conflict):
    """Clients that take an existing one read its slug from the answer."""

    code = "collection_exists"
    message = "{namespace} already has a collection of this title."

    @property
    def wire_body(self) -> dict[str, str]:
        return {"slug": str(self.details["slug"])}


class CollectionItemExists(Conflict):
    code = "collection_item_exists"
    message = "{item} is in this collection already."


class CollectionItemNotFound(NotFound):
    code = "collection_item_not_found"
    message = "There is no such item in this collection."


class InvalidCollection(Invalid):
    code = "invalid_collection"
    message = "{reason}"


class CollectionFull(OverLimit):
    code = "collection_full"
    message = "A collection holds at most {limit} items."


class DiscussionNotFound(NotFound):
    code = "discussion_not_found"
    message = "There is no discussion #{number} here."
    wire_code = ""


class CommentNotFound(NotFound):
    code = "comment_not_found"
    message = "There is no such comment in this discussion."
    wire_code = ""


class DiscussionsDisabled(Forbidden):
    code = "discussions_disabled"
    message = "Discussions are disabled for this repository."
    wire_code = ""


class DiscussionLocked(Forbidden):
    code = "discussion_locked"
    message = "This discussion is locked: only those who may write here can add to it."
    wire_code = ""


class NotYours(Forbidden):
    code = "not_yours"
    message = "Only its author, or those who may write here, can change this."
    wire_code = ""


class NotTheAuthor(Forbidden):
    code = "not_the_author"
    message = "Only its author can edit a comment."
    wire_code = ""


class InvalidDiscussion(Invalid):
    code = "invalid_discussion"
    message = "{reason}"


class WrongStatus(Conflict):
    code = "wrong_status"
    message = "This cannot be done while the {what} is {status}. {advice}"
    wire_code = ""


class MergeConflict(Conflict):
    """Both sides changed the same files. The body lists their paths."""

    code = "merge_conflict"
    message = "This pull request cannot be merged: {count} files were changed on both sides, first {first}."
    wire_code = ""

    def __init__(self, *, paths: Sequence[str], **details: str | int) -> None:
        super().__init__(**(details or {"count": len(paths), "first": paths[0]}))
        self.paths = tuple(paths)

    @property
    def wire_body(self) -> dict[str, list[str]]:
        return {"filesWithConflicts": list(self.paths)}

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return partial(type(self), paths=self.paths, **self.details), ()


class TooOften(OverLimit):
    """A limit over time. `Retry-After` says when it is worth trying again."""

    code = "too_often"
    message = "That was too much in a short time. Try again in {seconds} seconds."
    wire_status = 429
    wire_code = ""

    @property
    def wire_headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.details["seconds"])}


class AttachmentNotFound(NotFound):
    code = "attachment_not_found"
    message = "There is no such attachment."
    wire_code = ""


class NotAPicture(Invalid):
    code = "not_a_picture"
    message = "Attachments are pictures: PNG, JPEG, GIF or WebP."
    wire_status = 415
    wire_code = ""
