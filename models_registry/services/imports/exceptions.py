"""The refusals of imports."""

from hub.core.exceptions import Conflict, Invalid, Unavailable


class OriginUnreachable(Unavailable):
    code = "origin_unreachable"
    message = "{origin} does not answer: {reason}"


class OriginRefused(Invalid):
    code = "origin_refused"
    message = "{origin} cannot be read from. {reason}"


class OriginLacksObject(Invalid):
    code = "origin_lacks_object"
    message = "{origin} does not have the large file {sha256} that its own history names."


class ImportIncomplete(Invalid):
    code = "import_incomplete"
    message = "The history cannot be kept here as it is. {reason}"


class ImportBusy(Conflict):
    code = "import_busy"
    message = "Another process is importing {name}. A run that was killed can be followed after half an hour."


class FolderUnreadable(Invalid):
    code = "folder_unreadable"
    message = "“{path}” cannot be imported. {reason}"
