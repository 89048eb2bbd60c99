"""Our own JSON API: what licences of versions ask, for one and for many at once, notices, rules of organisations."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from models_registry.api.lookup import find_revision
from models_registry.api.v1 import PLURAL_OF_V1
from models_registry.exceptions import LicenceNotFound
from models_registry.licences import CLASSES, Record, find, records
from models_registry.models import Kind
from models_registry.services.licensing.allowed import rules_of
from models_registry.services.licensing.changes import history_of
from models_registry.services.licensing.notices import notice_of
from models_registry.services.licensing.of_files import of_commit
from models_registry.services.licensing.reports import Report, report_of, reports_of

MAX_ITEMS = 200
_REVISION = OpenApiParameter("revision", str, description="Commit, branch, tag or latest; default: the head.")


class ChoiceFields(serializers.Serializer[Any]):
    """The licence as it is declared, and how it is read."""

    licence = serializers.CharField(allow_blank=True)
    licence_class = serializers.ChoiceField(choices=list(CLASSES))
    licence_choices = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="Any one of these may be taken; each names the licences that hold together, with their classes.",
    )


class DutyOutput(serializers.Serializer[Any]):
    """One thing to do (`must`) or not to do (`must-not`). `because` names the parts that ask for it."""

    kind = serializers.ChoiceField(choices=["must", "must-not"])
    term = serializers.CharField()
    text = serializers.CharField()
    because = serializers.ListField(child=serializers.CharField())
    licence = serializers.CharField()
    section = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    is_certain = serializers.BooleanField()


class ChangeOutput(serializers.Serializer[Any]):
    """The head went from one licence to another."""

    commit = serializers.CharField()
    old = serializers.CharField(allow_blank=True)
    new = serializers.CharField(allow_blank=True)
    way = serializers.ChoiceField(choices=["freer", "stricter", "other"])
    at = serializers.DateTimeField()


class ReportOutput(ChoiceFields):
    """What one version asks of its users. No legal advice."""

    repository = serializers.CharField()
    kind = serializers.CharField()
    commit = serializers.CharField()
    release = serializers.CharField(allow_blank=True)
    chosen = serializers.ListField(
        child=serializers.CharField(), help_text="Of several choices the freest: its duties are listed."
    )
    verdict = serializers.ChoiceField(choices=["ok", "obligations", "unknown", "conflict"])
    may_be = serializers.ListField(child=serializers.CharField())
    obligations = DutyOutput(many=True)
    conflicts = serializers.ListField(child=serializers.DictField())
    unknowns = serializers.ListField(child=serializers.DictField())
    trace = serializers.ListField(child=serializers.DictField())
    lineage = serializers.DictField()
    not_legal_advice = serializers.CharField()


class FindingOutput(serializers.Serializer[Any]):
    """What one file says of the licence of the whole, next to what the card declares."""

    state = serializers.ChoiceField(choices=["agrees", "differs", "altered", "undeclared", "unread"])
    path = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    licence = serializers.CharField(allow_blank=True)
    declared = serializers.CharField(allow_blank=True)
    score = serializers.FloatField(allow_null=True, help_text="How much of the wording agrees; null: told by a title.")
    added = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())


class OwnOutput(serializers.Serializer[Any]):
    """A file under another licence than the whole, and who says so."""

    path = serializers.CharField()
    licence = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    where = serializers.CharField()
    holder = serializers.CharField(allow_blank=True)


class FilesOutput(serializers.Serializer[Any]):
    is_read = serializers.BooleanField(help_text="False until the files of the version were read, after the push.")
    findings = FindingOutput(many=True)
    own = OwnOutput(many=True)
    whole = serializers.CharField(allow_blank=True, help_text="What holds for who takes all files.")
    faults = serializers.ListField(child=serializers.CharField())


class LicenceOutput(ReportOutput):
    changes = ChangeOutput(many=True, help_text="When the head's licence changed, the latest first.")
    files = FilesOutput(help_text="What LICENSE files, REUSE and weights say, beside the card.")
    draft = serializers.BooleanField(help_text="No licence is declared, so it is in no list of others.")


class ItemInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    repository = serializers.RegexField(r"^[^/\s\x00]{1,96}/[^/\s\x00]{1,96}$")
    commit = serializers.RegexField(r"^[0-9a-f]{40}$")


class ManyInput(serializers.Serializer[Any]):
    items = ItemInput(many=True)
    notice = serializers.BooleanField(default=False, help_text="Answer with the text of a NOTICE file as well.")

    def validate_items(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(items) > MAX_ITEMS:
            raise serializers.ValidationError(f"At most {MAX_ITEMS} at a time.")
        return items


class ManyOutput(serializers.Serializer[Any]):
    items = serializers.ListField(
        child=serializers.DictField(),
        help_text="In the order that was asked: a report with `found`, or `found: false` for what you do not see.",
    )
    notice = serializers.CharField(required=False)


class RuleOutput(serializers.Serializer[Any]):
    organisation = serializers.CharField()
    allow = serializers.ListField(child=serializers.CharField(), help_text="Classes and ids; empty: all.")
    for_uploads = serializers.BooleanField()
    for_pulls = serializers.BooleanField()
    token_acts_for_it = serializers.BooleanField(help_text="Whether pulls with this token are held to it.")


class RulesOutput(serializers.Serializer[Any]):
    items = RuleOutput(many=True)


class RecordOutput(serializers.Serializer[Any]):
    """What this hub knows of one licence."""

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField()
    version = serializers.CharField(allow_blank=True)
    family = serializers.CharField()
    subject = serializers.CharField()
    licence_class = serializers.ChoiceField(choices=list(CLASSES))
    requires_acceptance = serializers.BooleanField()
    clauses = serializers.ListField(child=serializers.DictField())
    compatible = serializers.DictField(child=serializers.CharField())
    incompatible = serializers.DictField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    reviewed = serializers.DateField(allow_null=True, help_text="When it was compared with the text; null: not yet.")
    remark = serializers.CharField(allow_blank=True, help_text="Says so where it was not compared with the text.")


class RecordsOutput(serializers.Serializer[Any]):
    items = RecordOutput(many=True)


class LicenceView(APIView):
    """What a version asks of its users: verdict, duties with their sections, lineage, and when the licence changed."""

    @extend_schema(operation_id="licence_read", parameters=[_REVISION], responses=LicenceOutput)
    def get(self, request: Request, plural: str, namespace: str, name: str) -> Response:
        report = _report(request, plural, namespace, name)
        files = of_commit(report.repository, report.commit).as_json()
        answer = report.as_json() | {
            "changes": history_of(report.repository),
            "files": files,
            "draft": report.repository.is_public_draft,
        }
        return Response(LicenceOutput(answer).data)


class NoticeView(APIView):
    """The text of a NOTICE file for a version."""

    @extend_schema(
        operation_id="notice_read",
        parameters=[_REVISION],
        responses={(200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, description="Plain text.")},
    )
    def get(self, request: Request, plural: str, namespace: str, name: str) -> HttpResponse:
        report = _report(request, plural, namespace, name)
        return HttpResponse(notice_of([report], request.user), content_type="text/plain; charset=utf-8")


class LicencesView(APIView):
    """Every licence that this hub has a record of; and, by POST, what many versions ask at once."""

    @extend_schema(operation_id="licences_list", responses=RecordsOutput)
    def get(self, request: Request) -> Response:
        return Response({"items": [record_answer(record) for record in records()]})

    @extend_schema(operation_id="licences_of_many", request=ManyInput, responses=ManyOutput)
    def post(self, request: Request) -> Response:
        given = ManyInput(data=request.data)
        given.is_valid(raise_exception=True)
        items = given.validated_data["items"]
        asked = [(item["kind"], item["repository"], item["commit"]) for item in items]
        found = reports_of(request.user, asked)
        rows = [
            report.as_json() | {"found": True} if report else dict(item) | {"found": False}
            for item, report in zip(items, found, strict=True)
        ]
        answer: dict[str, Any] = {"items": rows}
        if given.validated_data["notice"]:
            answer["notice"] = notice_of([report for report in found if report], request.user)
        return Response(answer)


class LicenceRecordView(APIView):
    """One licence: its clauses in plain words with their sections."""

    @extend_schema(operation_id="licences_read", responses=RecordOutput)
    def get(self, request: Request, licence: str) -> Response:
        record = find(licence)
        if record is None:
            raise LicenceNotFound(name=licence[:100])
        return Response(record_answer(record))


class LicenceRulesView(APIView):
    """Which licences the caller's organisations let in."""

    @extend_schema(
        operation_id="licence_rules",
        parameters=[OpenApiParameter("organisation", str, description="Of this one alone.")],
        responses=RulesOutput,
    )
    def get(self, request: Request) -> Response:
        return Response({"items": rules_of(request.user, request.query_params.get("organisation", ""))})


def record_answer(record: Record) -> dict[str, Any]:
    """One record with its clauses, in JSON's types."""
    plain = ("id", "label", "name", "version", "family", "subject", "licence_class", "requires_acceptance", "source")
    return {
        **{field: getattr(record, field) for field in plain},
        "clauses": [{"group": clause.group, **clause.as_json()} for clause in record.clauses],
        "compatible": dict(record.compatible),
        "incompatible": dict(record.incompatible),
        "reviewed": record.reviewed.isoformat() if record.reviewed else None,
        "remark": str(record.remark),
    }


def _report(request: Request, plural: str, namespace: str, name: str) -> Report:
    revision = request.query_params.get("revision") or None
    repository, commit = find_revision(request._request, PLURAL_OF_V1[plural], namespace, name, revision)
    release = repository.releases.filter(commit=commit).values_list("name", flat=True).first() or ""
    return report_of(repository, commit, request.user, release=release)
