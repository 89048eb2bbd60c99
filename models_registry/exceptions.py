"""The refusals of the registry.

`wire_code` is the `X-Error-Code` that the public client matches on, `wire_status` the status it expects where that
differs from the kind's own.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from hub.core.exceptions import Conflict, Forbidden, Invalid, Moved, NotFound, OverLimit


class RepositoryNotFound(NotFound):
    """Missing, or not to be seen: nobody can tell which."""

    code = "repository_not_found"
    message = "Repository not found"
    wire_code = "RepoNotFound"

    @property
    def wire_status(self) -> int:
        """Strangers hear 401, as on the public hub: signing in may help."""
        return 401 if self.details.get("anonymous") else 404


class RepositoryMoved(Moved):
    code = "repository_moved"


class RepositoryForbidden(Forbidden):
    code = "repository_forbidden"
    message = "Forbidden: you don't have the rights to do this in {name}."
    wire_code = ""

    @property
    def wire_status(self) -> int:
        return 401 if self.details.get("anonymous") else 403


class GatedRepository(Forbidden):
    """To be seen, but its files go to who was given access. Clients match on the code."""

    code = "gated_repository"
    message = (
        "Access to {kind} {name} is restricted and you are not in the authorized list. "
        "Sign in and ask for access at {where}."
    )
    wire_code = "GatedRepo"

    @property
    def wire_status(self) -> int:
        return 401 if self.details.get("anonymous") else 403


class NotGated(Invalid):
    code = "not_gated"
    message = "{name} is not gated: its files are open to all that see it."


class AlreadyHasAccess(Invalid):
    code = "already_has_access"
    message = "{user} already has access to {name}."


class AlreadyAsked(Conflict):
    code = "already_asked"
    message = "You asked for access to {name} already. Its owner has to decide."


class AccessRejected(Conflict):
    code = "access_rejected"
    message = "Your request for access to {name} was rejected. {reason}"


class FormChanged(Conflict):
    """What somebody agreed to must be what is asked now."""

    code = "form_changed"
    message = "The owner changed this form since you opened it. Read it again, then ask."


class AnswersIncomplete(Invalid):
    code = "answers_incomplete"
    message = "{problems}"


class AccessRequestNotFound(NotFound):
    code = "access_request_not_found"
    message = "There is no such access request."


class SameAccessState(Conflict):
    code = "same_access_state"
    message = "This access request is {state} already."


class InvalidGate(Invalid):
    code = "invalid_gate"
    message = "{reason}"


class WebhookNotFound(NotFound):
    code = "webhook_not_found"
    message = "There is no such webhook."


class InvalidWebhook(Invalid):
    code = "invalid_webhook"
    message = "{reason}"


class TooManyWebhooks(OverLimit):
    code = "too_many_webhooks"
    message = "One person may have {limit} webhooks."
    wire_status = 400


class RevisionNotFound(NotFound):
    code = "revision_not_found"
    message = "Invalid rev id: {revision}"
    wire_code = "RevisionNotFound"


class EntryNotFound(NotFound):
    code = "entry_not_found"
    message = "{path} does not exist on “{revision}”"
    wire_code = "EntryNotFound"

    @property
    def wire_headers(self) -> dict[str, str]:
        """The commit lets the client remember that this file is not there."""
        commit = str(self.details.get("commit", ""))
        return {"X-Repo-Commit": commit} if commit else {}


class ErasedFile(EntryNotFound):
    code = "erased_file"
    message = "The content of {path} was deleted from this repository for good."


class UnknownLargeFile(NotFound):
    code = "unknown_large_file"
    message = "This repository holds no large file with the id {file_oid}."


class HistoryTooLong(OverLimit):
    code = "history_too_long"
    message = "The history has more than {limit} commits, too many to rewrite at once. Squash it first."


class FileToDeleteMissing(NotFound):
    code = "file_to_delete_missing"
    message = "A file with this name doesn't exist: {path}"
    wire_code = "EntryNotFound"


class InvalidRepositoryName(Invalid):
    code = "invalid_repository_name"
    message = "“{name}” cannot be a repository's name. {reason}"


class InvalidSdk(Invalid):
    code = "invalid_sdk"
    message = "An app needs an “sdk”, one of {known}."


class RepositoryExists(Conflict):
    code = "repository_exists"
    message = "You already created this {kind} repo"
    wire_code = ""


class RepositoryNameTaken(Conflict):
    """The name that a move or a restored repository should get belongs to another one."""

    code = "repository_name_taken"
    message = "A {kind} repository called `{name}` already exists"
    wire_code = ""


class NameReserved(Conflict):
    """The name leads to a repository that was called so, or was another owner's."""

    code = "repository_name_reserved"
    message = (
        "The name {name} is kept for a repository that was called so and has moved. Those who administer it can free "
        "the name in its settings."
    )
    wire_code = ""


class InvalidDescription(Invalid):
    code = "invalid_description"
    message = "A description may have {limit} characters."


class PrivateSource(Forbidden):
    code = "private_source"
    message = "{name} does not show its files to everybody, so a copy of it must be private."


class NotDeleted(NotFound):
    code = "not_deleted"
    message = "No repository called {name} was deleted lately."


class RepositoryInUse(Conflict):
    code = "repository_in_use"
    message = "{name} cannot be deleted: other records of this hub, such as benchmarks and their scores, stand on it."
    wire_code = ""


class RefExists(Conflict):
    code = "ref_exists"
    message = "Reference {name} already exists"
    wire_code = ""


class InvalidRefName(Invalid):
    code = "invalid_ref_name"
    message = "“{name}” cannot be the name of a branch or tag."


class ProtectedRef(Forbidden):
    code = "protected_ref"
    message = "Cannot delete {name}: it is the default branch."


class StaleHead(Conflict):
    code = "stale_head"
    message = (
        "The branch was updated since you opened this page. Please refresh and try again. "
        "(it is at {actual}, not at {expected})"
    )
    wire_status = 412
    wire_code = ""


class InvalidCommit(Invalid):
    code = "invalid_commit"
    message = "{reason}"


class InvalidPath(Invalid):
    code = "invalid_path"
    message = "“{path}” cannot be a path here. {reason}"
    wire_status = 422


class NotEditable(Invalid):
    code = "not_editable"
    message = "“{path}” cannot be edited here. {reason}"


class PathConflict(Invalid):
    code = "path_conflict"
    message = "“{path}” clashes with “{other}”. {reason}"
    wire_status = 422


class UnknownContent(Invalid):
    code = "unknown_content"
    message = "LFS object {sha256} for “{path}” has not been uploaded to this repository."
    wire_status = 422


class SizeMismatch(Invalid):
    code = "size_mismatch"
    message = "“{path}” is said to have {claimed} bytes, but the content has {actual}."
    wire_status = 422


class CommitTooLarge(OverLimit):
    code = "commit_too_large"
    message = "One commit may carry {limit} bytes of small files. Upload larger files as LFS."


class TooManyFiles(OverLimit):
    code = "too_many_files"
    message = "A repository may hold {limit} files."


class InvalidCard(Invalid):
    code = "invalid_card"
    message = "The card's front matter is not valid. {reason}"


class QuarantinedFile(Forbidden):
    code = "quarantined"
    message = "{path} is held back. {reason}"


class ReleasedTag(Forbidden):
    code = "released_tag"
    message = "The tag {name} is a release. A release can be yanked, but its tag neither moves nor goes."


class ReleaseExists(Conflict):
    code = "release_exists"
    message = "There is a release {name} already."


class ReleaseNotFound(NotFound):
    code = "release_not_found"
    message = "There is no release {name}."


class InvalidRelease(Invalid):
    code = "invalid_release"
    message = "{reason}"


class ReleaseState(Conflict):
    code = "release_state"
    message = "{reason}"


class InvalidPointer(Invalid):
    code = "invalid_pointer"
    message = "{reason}"


class NameTaken(Conflict):
    """One name, one meaning: pointers share the names of branches, tags and releases."""

    code = "name_taken"
    message = "“{name}” is the name of a {what} here."
    wire_code = ""


class PointerNotFound(NotFound):
    code = "pointer_not_found"
    message = "There is no pointer {name}."


class PointerMoved(Conflict):
    code = "pointer_moved"
    message = "{name} was moved in the meantime: it is at {actual}, not at {expected}."


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


class BadWeights(Invalid):
    code = "bad_weights"
    message = "{path} cannot be read. {reason}"
    wire_status = 422


class QuotaExceeded(OverLimit):
    """The namespace has used, or promised to uploads under way, all that it may."""

    code = "quota_exceeded"
    message = (
        "The storage of {namespace} is full: {taken_bytes} of {limit_bytes} bytes are used or reserved, and "
        "{wanted_bytes} more do not fit. Delete what is not needed, or ask the operator for more."
    )


class BackupFailed(Conflict):
    code = "backup_failed"
    message = "The backup cannot be used: {reason}"
