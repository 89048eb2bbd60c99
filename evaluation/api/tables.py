"""Our own JSON API: the splits of a data set, and their rows page by page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evaluation.services.tables import MAX_QUERY, MOST_ROWS, PAGE_ROWS, configurations, open_table, read_table
from models_registry.finding import repository_at
from models_registry.models import Commit, Kind, Repository
from models_registry.permissions import Action, require
from models_registry.services.revisions import find_commit

_REVISION = OpenApiParameter("revision", str, "path", description="Commit, branch, tag or latest.")


class SplitOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    files = serializers.ListField(child=serializers.CharField())


class ConfigOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    is_default = serializers.BooleanField()
    format = serializers.CharField(allow_blank=True, help_text="csv, json, parquet or text.")
    splits = SplitOutput(many=True)


class SplitsOutput(serializers.Serializer[Any]):
    commit = serializers.CharField()
    configs = ConfigOutput(many=True)


class RowsQuery(serializers.Serializer[Any]):
    """Which rows."""

    config = serializers.CharField(required=False, max_length=200, help_text="The default one without it.")
    split = serializers.CharField(required=False, max_length=200, help_text="The first one without it.")
    q = serializers.CharField(required=False, max_length=MAX_QUERY, help_text="Only rows that hold this text.")
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=PAGE_ROWS)
    cursor = serializers.CharField(required=False, max_length=2000)


class ColumnOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField(), help_text="Names of classes by their number.")


class RowOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Counted from 0 within the split.")
    values = serializers.DictField()


class RowsOutput(serializers.Serializer[Any]):
    commit = serializers.CharField()
    config = serializers.CharField()
    split = serializers.CharField()
    columns = ColumnOutput(many=True)
    rows = RowOutput(many=True)
    scanned = serializers.IntegerField(help_text="Rows that were looked at for this answer.")
    total = serializers.IntegerField(allow_null=True, help_text="Rows of the split, where its files tell.")
    fault = serializers.CharField(allow_blank=True, help_text="Why reading stopped before the end.")
    next_cursor = serializers.CharField(allow_null=True)


class SplitsView(APIView):
    """The configurations and splits of a data set, as its library finds them."""

    @extend_schema(operation_id="dataset_splits", parameters=[_REVISION], responses=SplitsOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        repository, commit = _found(request, namespace, name, revision)
        answer = {"commit": commit.oid, "configs": configurations(repository, commit)}
        return Response(SplitsOutput(answer).data)


class RowsView(APIView):
    """Rows of one split with typed columns. Follow `next_cursor` to the end; a search may give pages without a row."""

    @extend_schema(operation_id="dataset_rows", parameters=[_REVISION, RowsQuery], responses=RowsOutput)
    def get(self, request: Request, namespace: str, name: str, revision: str) -> Response:
        query = RowsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        repository, commit = _found(request, namespace, name, revision)
        table = open_table(
            repository=repository, commit=commit, config=wanted.get("config", ""), split=wanted.get("split", "")
        )
        page = read_table(table, cursor=wanted.get("cursor", ""), limit=wanted["limit"], query=wanted.get("q", ""))
        answer = {"commit": commit.oid, "config": table.config.name, "split": table.split.name}
        answer |= {
            name: getattr(page, name) for name in ("columns", "rows", "scanned", "total", "fault", "next_cursor")
        }
        return Response(RowsOutput(answer).data)


def _found(request: Request, namespace: str, name: str, revision: str) -> tuple[Repository, Commit]:
    repository = repository_at(request._request, Kind.DATASET, namespace, name)
    require(request.user, Action.DOWNLOAD, repository)
    return repository, find_commit(repository, revision)
