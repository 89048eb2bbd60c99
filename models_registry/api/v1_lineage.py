"""Our own JSON API: where a model or data set comes from, and what was made from it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from models_registry.api.lookup import find_repository
from models_registry.api.v1 import PLURAL_OF_V1
from models_registry.services import lineage
from models_registry.services.lineage import telling
from models_registry.services.revisions import find_commit


class LineageQuery(serializers.Serializer[Any]):
    revision = serializers.CharField(max_length=250, required=False, help_text="The head by default.")
    cursor = serializers.CharField(required=False, help_text="Of the children.")
    limit = serializers.IntegerField(min_value=1, max_value=telling.MAX_CHILDREN, default=20)


class PartOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=["model", "dataset", "app"])
    name = serializers.CharField(allow_blank=True, help_text="Empty where nobody says which it is.")
    place = serializers.ChoiceField(choices=["here", "elsewhere", "unnamed", "more"])
    licence = serializers.CharField(allow_blank=True, help_text="Empty: not known.")
    licence_class = serializers.CharField()
    where = serializers.CharField(allow_blank=True, help_text="Its page on this hub.")
    says = serializers.CharField(allow_blank=True, help_text="How the child's file spells it.")


class PlaceOutput(serializers.Serializer[Any]):
    file = serializers.CharField()
    key = serializers.CharField()


class LineageLinkOutput(serializers.Serializer[Any]):
    child = serializers.CharField()
    parent = serializers.CharField()  # type: ignore[assignment]  # Read by the schema alone, never as an attribute.
    relation = serializers.CharField()
    evidence = serializers.ChoiceField(choices=["declared", "derived", "verified", "contradicted"])
    from_weights = serializers.BooleanField(help_text="No file names it: its weights alone tell.")
    places = PlaceOutput(many=True)
    weights = serializers.DictField(allow_null=True, help_text="Figures of the comparison of weights.")
    reason = serializers.CharField(required=False, help_text="Why it was left out.")


class ChildOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField()
    licence = serializers.CharField(allow_blank=True)
    relation = serializers.CharField()
    evidence = serializers.CharField()


class ChildrenOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    items = ChildOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class LineageOutput(serializers.Serializer[Any]):
    repository = serializers.CharField()
    commit = serializers.CharField()
    weights = serializers.CharField(help_text="waiting, running, done, failed; none where there are none to compare.")
    root = serializers.CharField()  # type: ignore[assignment]  # As above.
    parts = PartOutput(many=True)
    links = LineageLinkOutput(many=True)
    refused = LineageLinkOutput(many=True, help_text="Links that would close a circle.")
    is_cut = serializers.BooleanField(help_text="There is more than was looked at.")
    children = ChildrenOutput()


class LineageView(APIView):
    """What a model or data set was made from, with evidence, and what was made from it."""

    @extend_schema(operation_id="lineage_read", parameters=[LineageQuery], responses=LineageOutput)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        repository = find_repository(request._request, PLURAL_OF_V1[plural], namespace, name)
        query = LineageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        commit = find_commit(repository, asked.get("revision"))
        is_head = commit.oid == repository.head
        found = lineage.trace(repository, request.user, commit=None if is_head else commit)
        state = telling.state_of(repository)
        page = telling.children(repository, request.user, limit=asked["limit"], cursor=asked.get("cursor"))
        return Response(
            {
                "repository": repository.full_name,
                "commit": commit.oid,
                "weights": state.state
                if state is not None and (state.weights_key or state.state != "done")
                else "none",
                **telling.as_json(found),
                "children": {
                    "count": telling.count_children(repository, request.user),
                    "items": [telling.child_as_json(each) for each in page.rows],
                    "next_cursor": page.next_cursor,
                },
            }
        )
