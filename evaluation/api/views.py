"""Our own JSON API: what was measured of a commit, by what, and the receipts."""

import hashlib

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation.api.present import benchmark_answer, evaluation_answer
from evaluation.api.receipts import SHA256, find_receipt, receipt_url
from evaluation.api.serializers import BenchmarkListOutput, BenchmarkListQuery, EvaluationOutput
from evaluation.exceptions import ItemsNotFound, NotMeasured
from evaluation.models import Benchmark, Evaluation, Receipt
from evaluation.services import items
from hub.core.pagination import keyset_page
from models_registry.finding import repository_at
from models_registry.models import Kind
from models_registry.parts import bytes_response, is_known
from models_registry.permissions import Action, require
from models_registry.services.revisions import find_commit

# A receipt never changes, but who may see it can: browsers may keep it, shared caches may not.
_FOR_EVER = "private, max-age=31536000, immutable"

PARQUET = "application/vnd.apache.parquet"


class EvaluationView(APIView):
    """What was measured of one commit of a model: steps, scores with intervals and baselines, cost, scan."""

    @extend_schema(
        operation_id="evaluation_read",
        parameters=[OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")],
        responses=EvaluationOutput,
    )
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        repository = repository_at(request._request, Kind.MODEL, namespace, name)
        commit = find_commit(repository, revision)
        evaluation = Evaluation.everything.with_runs(request.user).filter(commit=commit).first()
        if evaluation is None:
            raise NotMeasured(commit=commit.oid, repository=repository.full_name)
        answer = evaluation_answer(evaluation, receipt_url=lambda sha256: receipt_url(request, sha256))
        return Response(EvaluationOutput(answer).data)


class BenchmarkListView(APIView):
    """The benchmarks that new versions are measured with, as far as the caller may read their data."""

    @extend_schema(operation_id="benchmarks_list", parameters=[BenchmarkListQuery], responses=BenchmarkListOutput)
    def get(self, request: Request) -> Response:
        query = BenchmarkListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        found = Benchmark.objects.active().visible_to(request.user).select_related("repository__namespace")
        if wanted.get("licence"):
            found = found.with_data_under(wanted["licence"])
        page = keyset_page(found, order=("key", "id"), limit=wanted["limit"], cursor=wanted.get("cursor"))
        answer = {"items": [benchmark_answer(row) for row in page.rows], "next_cursor": page.next_cursor}
        return Response(BenchmarkListOutput(answer).data)


class ReceiptView(APIView):
    """One receipt, as the very bytes that its name is the SHA-256 of."""

    @extend_schema(operation_id="receipt_read", parameters=[SHA256], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, sha256: str) -> HttpResponse:
        receipt = find_receipt(request, sha256)
        return _bytes(receipt.body.encode(), "application/json")


class ReceiptItemsView(APIView):
    """The per-item outputs behind a receipt, one JSON object a line.

    Needs the right to the files of the model, for it speaks here, and to those of the benchmark's data.
    """

    @extend_schema(
        operation_id="receipt_items_read",
        parameters=[SHA256],
        responses={(200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, description="JSON lines.")},
    )
    def get(self, request: Request, sha256: str) -> HttpResponse:
        return _bytes(items.lines_of(_with_readable_items(request, sha256)), "application/x-ndjson")


class ReceiptTableView(APIView):
    """The per-item outputs behind a receipt as a Parquet file: `id`, `value`, `correct`, `prediction`, `row` (JSON).

    Needs the same rights as the JSON lines. These are the bytes that the receipt names by `items.sha256`, and that hash
    is the ETag; one range of them may be asked for, as of any file.
    """

    @extend_schema(
        operation_id="receipt_table_read",
        parameters=[SHA256],
        responses={
            (200, PARQUET): OpenApiResponse(OpenApiTypes.BINARY, description="A Parquet file."),
            (206, PARQUET): OpenApiResponse(OpenApiTypes.BINARY, description="The range that was asked for."),
        },
    )
    def get(self, request: Request, sha256: str) -> HttpResponse:
        table = items.table_of(_with_readable_items(request, sha256))
        etag = f'"{hashlib.sha256(table).hexdigest()}"'
        asked = request._request
        answer = HttpResponse(status=304) if is_known(asked, etag) else bytes_response(asked, table, etag=etag)
        answer["ETag"], answer["Accept-Ranges"] = etag, "bytes"
        answer["Content-Type"], answer["Cache-Control"] = PARQUET, _FOR_EVER
        answer["Content-Disposition"] = f'attachment; filename="{sha256[:12]}-items.parquet"'
        return answer


def _with_readable_items(request: Request, sha256: str) -> Receipt:
    receipt = find_receipt(request, sha256)
    require(request.user, Action.DOWNLOAD, receipt.of_run.evaluation.repository)
    benchmark = receipt.of_run.benchmark_id
    readable = benchmark is None or Benchmark.objects.readable_by(request.user).filter(pk=benchmark).exists()
    if not readable:
        raise ItemsNotFound(sha256=sha256)
    return receipt


def _bytes(body: bytes, content_type: str) -> HttpResponse:
    return HttpResponse(body, content_type=content_type, headers={"Cache-Control": _FOR_EVER})
