"""Refusals about what a namespace wants of licences."""

from hub.core.exceptions import Forbidden, Invalid


class LicencePolicyForbidden(Forbidden):
    code = "licence_policy_forbidden"
    message = "Only administrators of {name} settle what it wants of licences."


class InvalidLicencePolicy(Invalid):
    code = "invalid_licence_policy"
    message = "“{mode}” is none of inform, warn and block."
