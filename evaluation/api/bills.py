"""Our own JSON API: bills of materials."""

from collections.abc import Iterable
from typing import Any

from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from evaluation.api.receipts import receipt_url
from evaluation.services.bills import bill_of
from hub.core.version import VERSION
from models_registry.bills import cyclonedx, spdx
from models_registry.finding import repository_at
from models_registry.models import Kind
from models_registry.services.licensing.reports import report_of
from models_registry.services.revisions import find_commit

KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET, "apps": Kind.APP}
FORMATS = {
    "cyclonedx": (cyclonedx.write, "application/vnd.cyclonedx+json; version=1.6", "cdx"),
    "spdx": (spdx.write, "application/spdx+json", "spdx3"),
}


class BillQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=sorted(FORMATS), default="cyclonedx")
    revision = serializers.CharField(required=False, max_length=250)


class _AnyFormat(DefaultContentNegotiation):
    """`format` says here which standard is meant, not how the framework writes its answers."""

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:  # noqa: A002
        return list(renderers)


class BillView(APIView):
    """The bill of materials of a version: files with their hashes, lineage, licences, and measured scores."""

    content_negotiation_class = _AnyFormat

    @extend_schema(
        operation_id="sbom_read",
        parameters=[
            OpenApiParameter("format", str, enum=sorted(FORMATS), description="Default: cyclonedx."),
            OpenApiParameter("revision", str, description="Commit, branch, tag or latest; default: the head."),
        ],
        responses={(200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, description="The document.")},
    )
    def get(self, request: Request, plural: str, namespace: str, name: str) -> JsonResponse:
        query = BillQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        repository = repository_at(request._request, KINDS[plural], namespace, name)
        commit = find_commit(repository, asked.get("revision"))
        release = repository.releases.filter(commit=commit).values_list("name", flat=True).first() or ""
        bill = bill_of(
            report_of(repository, commit, request.user, release=release),
            request.user,
            hub=request.build_absolute_uri("/").rstrip("/"),
            version=VERSION,
            receipt_url=lambda sha256: receipt_url(request, sha256),
        )
        write, content_type, ending = FORMATS[asked["format"]]
        response = JsonResponse(write(bill), content_type=content_type, json_dumps_params={"ensure_ascii": False})
        response["Content-Disposition"] = f'inline; filename="{repository.name}.{ending}.json"'
        return response
