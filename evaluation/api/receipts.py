"""Our own JSON API: the hub's keys, receipts in their signed envelopes, and the declarations they were measured by."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation.api.present import benchmark_answer
from evaluation.api.serializers import BenchmarkOutput
from evaluation.exceptions import BenchmarkNotFound, ReceiptNotFound
from evaluation.models import Benchmark, Receipt, SigningKey
from evaluation.services import signing

SHA256 = OpenApiParameter("sha256", str, "path", description="SHA-256 of the receipt, 64 hex digits.")


class KeyOutput(serializers.Serializer[Any]):
    """One key that signed receipts."""

    key_id = serializers.CharField(help_text="SHA-256 of the public key's 32 bytes.")
    algorithm = serializers.CharField()
    public_key = serializers.CharField(help_text="32 bytes in base64.")
    state = serializers.ChoiceField(choices=["current", "retired", "revoked"])
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    endorsed_by = serializers.CharField(allow_null=True, help_text="The key that vouches for this one.")
    endorsement = serializers.CharField(allow_blank=True, help_text="Its signature, in base64.")


class KeysOutput(serializers.Serializer[Any]):
    keys = KeyOutput(many=True)


class SignatureOutput(serializers.Serializer[Any]):
    keyid = serializers.CharField()
    sig = serializers.CharField(help_text="64 bytes in base64.")


class EnvelopeOutput(serializers.Serializer[Any]):
    """A DSSE envelope around an in-toto statement, whose predicate is the receipt."""

    payloadType = serializers.CharField()  # noqa: N815 - the name that the format gives it.
    payload = serializers.CharField(help_text="The statement in base64.")
    signatures = SignatureOutput(many=True, help_text="Empty for a receipt that is not signed.")


class DeclarationOutput(BenchmarkOutput):
    """A benchmark in one version, with the whole declaration that receipts name by its hash."""

    definition = serializers.DictField()


class KeysView(APIView):
    """All keys that this hub ever signed receipts with, the newest last. Pin one before you trust the others."""

    @extend_schema(operation_id="keys_list", responses=KeysOutput)
    def get(self, request: Request) -> Response:
        return Response(
            KeysOutput({"keys": [_key(row) for row in SigningKey.objects.select_related("endorsed_by")]}).data
        )


class EnvelopeView(APIView):
    """One receipt as a signed in-toto statement, whose predicate, as canonical JSON, has the receipt's name as hash."""

    @extend_schema(operation_id="receipt_envelope_read", parameters=[SHA256], responses=EnvelopeOutput)
    def get(self, request: Request, sha256: str) -> Response:
        return Response(EnvelopeOutput(signing.envelope_of(find_receipt(request, sha256))).data)


class BenchmarkVersionView(APIView):
    """One version of a benchmark, old ones too, for whoever may read its data."""

    @extend_schema(operation_id="benchmark_read", responses=DeclarationOutput)
    def get(self, request: Request, key: str, version: int) -> Response:
        found = (
            Benchmark.objects.readable_by(request.user)
            .filter(key=key, version=version)
            .select_related("repository__namespace")
            .first()
        )
        if found is None:
            raise BenchmarkNotFound(key=key, version=version)
        return Response(DeclarationOutput(benchmark_answer(found) | {"definition": found.definition}).data)


def find_receipt(request: Request, sha256: str) -> Receipt:
    """A receipt of a model that the caller may see.

    Raises:
        ReceiptNotFound
    """
    found = (
        Receipt.objects.visible_to(request.user)
        .filter(sha256=sha256)
        .select_related("of_run__evaluation__repository__namespace")
        .first()
    )
    if found is None:
        raise ReceiptNotFound(sha256=sha256)
    return found


def receipt_url(request: Request, sha256: str) -> str:
    """The absolute address of a receipt."""
    return request.build_absolute_uri(reverse("evaluation_v1:receipt", args=[sha256]))


def _key(row: SigningKey) -> dict[str, Any]:
    return {
        "key_id": row.key_id,
        "algorithm": row.algorithm,
        "public_key": row.public_key,
        "state": row.state,
        "created_at": row.created_at,
        "retired_at": row.retired_at,
        "revoked_at": row.revoked_at,
        "endorsed_by": row.endorsed_by.key_id if row.endorsed_by is not None else None,
        "endorsement": row.endorsement,
    }
