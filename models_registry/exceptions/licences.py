"""The refusals that follow from licences."""

from hub.core.exceptions import Forbidden, Invalid, NotFound


class LicenceNotAllowed(Forbidden):
    """An organisation's list does not let this licence in. `rule` is `upload` or `pull`."""

    code = "licence_not_allowed"
    message = "{name} is under {licence} ({licence_class}). {organisation} allows {allowed} alone."


class InvalidAllowance(Invalid):
    code = "invalid_allowance"
    message = "{reason}"


class AllowanceForbidden(Forbidden):
    code = "allowance_forbidden"
    message = "Only admins of the organisation {name} choose which licences it lets in."


class LicenceNotFound(NotFound):
    code = "licence_not_found"
    message = "This hub has no record of a licence “{name}”."
