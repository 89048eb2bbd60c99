"""The refusals of releases and pointers."""

from hub.core.exceptions import Conflict, Forbidden, Invalid, NotFound


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
