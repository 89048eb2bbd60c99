"""The refusals of gates and webhooks."""

from hub.core.exceptions import Conflict, Forbidden, Invalid, NotFound, OverLimit


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


class AccessLapsed(GatedRepository):
    """She accepted terms that do not hold any more."""

    code = "access_lapsed"
    message = (
        "Access to {kind} {name} is restricted: its terms changed since you accepted them. "
        "Read and accept the new ones at {where}."
    )


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


class NotForOrganisation(Forbidden):
    """Only an admin speaks for all members."""

    code = "not_for_organisation"
    message = "Only an admin of {name} can accept terms for all its members."


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
