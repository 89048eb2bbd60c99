"""The refusals of repositories: names, visibility, moves, room."""

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


class InvalidRepositoryName(Invalid):
    code = "invalid_repository_name"
    message = "“{name}” cannot be a repository's name. {reason}"


class InvalidLicence(Invalid):
    """It can be no licence, or the card cannot be made to declare it."""

    code = "invalid_licence"
    message = "“{licence}” cannot be declared as the licence. {reason}"


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
