"""Our own JSON API: what a namespace wants of licences. For its administrators; to others there is nothing here."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import acting_user
from accounts.grants import Right
from accounts.models import Namespace, User
from models_registry.exceptions import AllowanceForbidden
from models_registry.licences import CLASSES
from models_registry.models import LicenceAllowance, LicencePolicy
from models_registry.services.licensing import allowed, policies


class LicencePolicyFields(serializers.Serializer[Any]):
    """What happens where licences contradict each other."""

    mode = serializers.ChoiceField(
        choices=LicencePolicy.Mode.choices, help_text="inform: say it; warn: at releases as well; block: hold them."
    )
    holds_unknown = serializers.BooleanField(
        default=False, help_text="Whether what cannot be told counts as a contradiction."
    )


class AllowanceFields(serializers.Serializer[Any]):
    """Which licences an organisation lets in."""

    allow = serializers.ListField(
        source="allowed",
        child=serializers.CharField(max_length=100),
        max_length=allowed.MAX_ENTRIES,
        help_text=f"Ids, and the classes {', '.join(CLASSES)}. Empty: all.",
    )
    for_uploads = serializers.BooleanField(default=True, help_text="Holds for what is published in its namespace.")
    for_pulls = serializers.BooleanField(default=True, help_text="Holds for what tokens of it pull.")


class AllowanceOutput(AllowanceFields):
    outside = serializers.ListField(
        child=serializers.CharField(), help_text="What was here before and would not be let in; it stays."
    )


class LicencePolicyView(APIView):
    """The policy of a name: inform, warn or block."""

    @extend_schema(operation_id="licence_policy_read", responses=LicencePolicyFields)
    def get(self, request: Request, namespace: str) -> Response:
        _, found = _administered(request, namespace, Right.READ)
        return Response(LicencePolicyFields(policies.policy_of(found)).data)

    @extend_schema(operation_id="licence_policy_update", request=LicencePolicyFields, responses=LicencePolicyFields)
    def put(self, request: Request, namespace: str) -> Response:
        """Settle it. Everything in the namespace is judged anew, and its releases are held or set free."""
        user, found = _administered(request, namespace, Right.ADMINISTER)
        given = LicencePolicyFields(data=request.data)
        given.is_valid(raise_exception=True)
        made = policies.set_policy(namespace=found, user=user, **given.validated_data)
        return Response(LicencePolicyFields(made).data)


class AllowanceView(APIView):
    """The licences that an organisation lets in."""

    @extend_schema(operation_id="licence_allowance_read", responses=AllowanceOutput)
    def get(self, request: Request, namespace: str) -> Response:
        _, found = _administered(request, namespace, Right.READ)
        return _allowance(found, allowed.allowance_of(found))

    @extend_schema(operation_id="licence_allowance_update", request=AllowanceFields, responses=AllowanceOutput)
    def put(self, request: Request, namespace: str) -> Response:
        user, found = _administered(request, namespace, Right.ADMINISTER)
        given = AllowanceFields(data=request.data)
        given.is_valid(raise_exception=True)
        return _allowance(found, allowed.set_allowance(namespace=found, user=user, **given.validated_data))


def _administered(request: Request, name: str, right: Right) -> tuple[User, Namespace]:
    user = acting_user(request)
    return user, policies.administered(user=user, name=name, right=right)


def _allowance(namespace: Namespace, row: LicenceAllowance) -> Response:
    if namespace.organisation_id is None:
        raise AllowanceForbidden(name=namespace.name)
    beyond = [repository.full_name for repository in allowed.outside(namespace, row.allowed)]
    fields = {"allowed": row.allowed, "for_uploads": row.for_uploads, "for_pulls": row.for_pulls, "outside": beyond}
    return Response(AllowanceOutput(fields).data)
