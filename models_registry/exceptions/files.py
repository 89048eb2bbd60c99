"""The refusals of revisions, commits and files."""

from hub.core.exceptions import Conflict, Forbidden, Invalid, NotFound, OverLimit


class RevisionNotFound(NotFound):
    code = "revision_not_found"
    message = "Invalid rev id: {revision}"
    wire_code = "RevisionNotFound"


class LatestHeld(RevisionNotFound):
    """There are releases, and none of them may be `latest` now."""

    code = "latest_held"
    message = (
        "No release of {repository} may be `latest` now: {release} {why}. Name a revision to get one all the same."
    )


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


class BadWeights(Invalid):
    code = "bad_weights"
    message = "{path} cannot be read. {reason}"
    wire_status = 422
