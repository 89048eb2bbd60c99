"""Our own JSON API: the terms of a gated repository, and accepting exactly those that were read."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from accounts.models import Organisation, User
from models_registry import addresses
from models_registry.api.lookup import find_repository
from models_registry.api.v1 import PLURAL_OF_V1
from models_registry.exceptions import AlreadyAsked, AlreadyHasAccess, NotForOrganisation
from models_registry.models import AccessRequest, AccessState, Gate, Repository
from models_registry.services import access as services
from models_registry.services.heads import licence_file
from models_registry.services.licensing.needs import Need, needs_of

STATES = ["open", "needed", "pending", "rejected", "renew", "lapsed"]


class QuestionOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField(help_text="text, checkbox, select, date_picker or country.")
    options = serializers.ListField(help_text="Pairs of value and label, for select.")


class LicenceOutput(serializers.Serializer[Any]):
    id = serializers.CharField(allow_blank=True)
    path = serializers.CharField()
    sha256 = serializers.CharField()
    text = serializers.CharField()


class SourceOutput(serializers.Serializer[Any]):
    """A repository that this was made from, whose terms count here as well."""

    repository = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    url = serializers.CharField()


class TermsOutput(serializers.Serializer[Any]):
    """What people accept before they get the files. `sha256` names exactly this: form, questions, licence."""

    repository = serializers.CharField()
    gated = serializers.CharField(allow_null=True, help_text="auto, manual, or null without a gate of its own.")
    state = serializers.ChoiceField(choices=STATES, help_text="How its own gate stands with the caller.")
    renew_by = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True)
    heading = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    prompt = serializers.CharField(allow_blank=True, help_text="Markdown.")
    fields_ = QuestionOutput(many=True)
    licence = LicenceOutput(allow_null=True)
    sources = SourceOutput(many=True)
    url = serializers.CharField(help_text="Where people read and accept it.")

    def get_fields(self) -> dict[str, Any]:
        """`fields` is a name that serializers need for themselves."""
        found: dict[str, Any] = super().get_fields()
        return {name.rstrip("_"): field for name, field in found.items()}


class AcceptInput(serializers.Serializer[Any]):
    sha256 = serializers.RegexField(r"\A[0-9a-f]{64}\Z", help_text="Of the terms that were read.")
    answers = serializers.DictField(required=False, default=dict, help_text="Name of the question to the answer.")
    organization = serializers.CharField(required=False, allow_null=True, default=None, max_length=50)


class AcceptedOutput(serializers.Serializer[Any]):
    repository = serializers.CharField()
    state = serializers.CharField()
    request = serializers.CharField()
    receipt = serializers.CharField(allow_null=True, help_text="Where the receipt is read.")
    accepted_at = serializers.DateTimeField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True)


class TermsView(APIView):
    """The terms of a repository's gate."""

    @extend_schema(operation_id="terms_read", responses=TermsOutput)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)
        return Response(_terms(repository, request.user))

    @extend_schema(operation_id="terms_accept", request=AcceptInput, responses=AcceptedOutput)
    def post(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)
        user = acting_user(request._request)
        payload = AcceptInput(data=request.data)
        payload.is_valid(raise_exception=True)
        wanted = payload.validated_data
        organisation = _organisation(wanted["organization"])
        seen = wanted["sha256"]
        try:
            made = services.ask_access(
                repository=repository,
                user=user,
                answers=wanted["answers"],
                seen_sha256=seen,
                organisation=organisation,
            )
        except (AlreadyAsked, AlreadyHasAccess):
            found = services.found_request(repository, user, organisation)
            if found is None or found.form is None or found.form.sha256 != seen:
                raise
            made = found  # Sent twice, done once.
        return Response(_accepted(made))


def _organisation(name: str | None) -> Organisation | None:
    if not name:
        return None
    found: Organisation | None = (
        Organisation.objects.filter(namespace__key=name.lower()).select_related("namespace").first()
    )
    if found is None:
        raise NotForOrganisation(name=name)
    return found


def _terms(repository: Repository, viewer: User | AnonymousUser) -> dict[str, Any]:
    needs = needs_of(repository, viewer)
    own = next((need for need in needs if need.is_own), None)
    found: dict[str, Any] = {
        "repository": repository.full_name,
        "gated": repository.gated or None,
        "state": _state(own) if own else "open",
        "renew_by": own.asked.renew_by if own and own.asked else None,
        **_form(repository, own),
        "sources": [
            {
                "repository": need.repository.full_name,
                "state": _state(need),
                "url": addresses.absolute(addresses.page(need.repository)) + "/ask-access",
            }
            for need in needs
            if not need.is_own
        ],
        "url": addresses.absolute(addresses.page(repository)) + "/ask-access",
    }
    return found


def _form(repository: Repository, own: Need | None) -> dict[str, Any]:
    if own is None:
        nothing = dict.fromkeys(("version", "since", "sha256", "licence"))
        return nothing | dict.fromkeys(("heading", "description", "prompt"), "") | {"fields": []}
    form, file = services.form_of(repository), licence_file(repository)
    gate = Gate.objects.filter(repository=repository).select_related("form").first()
    is_kept = gate is not None and gate.form is not None and gate.form.sha256 == form.sha256()
    content = form.content()
    return {
        "version": gate.form.version if is_kept and gate and gate.form else None,
        "since": gate.terms_since if is_kept and gate else None,
        "sha256": form.sha256(),
        **{key: content[key] for key in ("heading", "description", "prompt", "fields")},
        "licence": {
            "id": form.licence,
            "path": form.licence_path,
            "sha256": form.licence_sha256,
            "text": file.body.decode("utf-8", "replace"),
        }
        if file.path
        else None,
    }


def _state(need: Need) -> str:
    asked = need.asked
    if need.is_open:
        return "renew" if need.is_renewal else "open"
    if asked is not None and asked.state == AccessState.ACCEPTED:
        return "lapsed" if asked.renew_by and asked.renew_by <= timezone.now() else "needed"
    return str(asked.state) if asked is not None else "needed"


def _accepted(made: AccessRequest) -> dict[str, Any]:
    step = made.steps.filter(acceptance__isnull=False).select_related("acceptance").last()
    return {
        "repository": made.repository.full_name,
        "state": made.state,
        "request": made.public_id,
        "receipt": addresses.absolute(f"/settings/acceptances/{step.acceptance.public_id}") if step else None,
        "accepted_at": made.asked_at,
        "sha256": made.form.sha256 if made.form else None,
    }
