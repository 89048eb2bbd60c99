"""What goes into a version's bill of materials: files, lineage, licences, and what was measured with its receipts."""

from collections.abc import Callable
from dataclasses import replace

from django.db.models import F
from django.utils import timezone

from evaluation.models import Evaluation
from models_registry import addresses
from models_registry.bills.subjects import Bill, File, Item, Measured, Origin
from models_registry.labels import languages
from models_registry.licences import Part
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository
from models_registry.permissions import Action, can
from models_registry.services.licensing.reports import NOT_ADVICE, Report, Viewer

MAX_FILES = 5_000
_WEIGHTS = (".safetensors", ".gguf", ".onnx", ".bin", ".pt", ".arpa", ".h5", ".joblib", ".npz")


def bill_of(report: Report, viewer: Viewer, *, hub: str, version: str, receipt_url: Callable[[str], str]) -> Bill:
    """The bill of one version, as this viewer may see it.

    Args:
        hub: the address of this hub.
        version: of its software.
        receipt_url: the absolute address of the receipt with this hash.
    """
    repository, commit = report.repository, report.commit
    files, notes = _files(repository, commit, viewer)
    root = report.lineage.root
    parts = _parts([part for key, part in report.lineage.parts.items() if key != root], viewer)
    known = {root, *(part.key for part in parts)}
    origins = tuple(
        Origin(link.child, link.parent, link.relation, link.evidence)
        for link in report.lineage.links
        if {link.child, link.parent} <= known
    )
    return Bill(
        subject=_subject(report, root, files),
        made_at=timezone.now(),
        hub=hub,
        hub_version=version,
        parts=parts,
        origins=origins,
        measured=_measured(repository, commit, viewer, receipt_url),
        notes={"licences": NOT_ADVICE, **notes},
    )


def _subject(report: Report, key: str, files: tuple[File, ...]) -> Item:
    repository, commit = report.repository, report.commit
    is_head = commit.oid == repository.head  # What the row says is true of the head alone.
    architectures = repository.config.get("architectures") or [""]
    return Item(
        key=key,
        kind=repository.kind,
        name=repository.full_name,
        licence=report.licence,
        version=report.release,
        commit=commit.oid,
        where=addresses.absolute(addresses.at(repository, "tree", commit.oid)),
        author=repository.namespace.name,
        released_at=commit.committed_at,
        summary=repository.summary if is_head else "",
        task=repository.task,
        architecture=str(architectures[0] or repository.config.get("model_type") or ""),
        library=repository.library,
        languages=tuple(languages(repository)),
        parameters=repository.parameters if is_head else None,
        files=files,
    )


def _parts(parts: list[Part], viewer: Viewer) -> tuple[Item, ...]:
    """What it was made from. Of parts that are here and may be seen, the version that counts is their head."""
    here = [part.name.lower() for part in parts if part.where]
    heads = Commit.objects.filter(
        repository__in=Repository.objects.visible_to(viewer).filter(key__in=here), oid=F("repository__head")
    ).select_related("repository__namespace")
    known = {(row.repository.kind, row.repository.key): row for row in heads}
    return tuple(_part(part, known.get((part.kind, part.name.lower())) if part.where else None) for part in parts)


def _part(part: Part, head: Commit | None) -> Item:
    where = addresses.absolute(part.where) if part.where.startswith("/") else part.where
    kind = part.kind if part.kind in Kind.values else Kind.MODEL.value
    found = Item(key=part.key, kind=kind, name=part.name, licence=part.licence, where=where)
    if head is None:
        return found
    return replace(found, commit=head.oid, author=head.repository.namespace.name, released_at=head.committed_at)


def _files(repository: Repository, commit: Commit, viewer: Viewer) -> tuple[tuple[File, ...], dict[str, str]]:
    if not can(viewer, Action.DOWNLOAD, repository):
        return (), {"files": "The files are left out: they go to those alone who were given access."}
    entries = sorted(listing_of(commit).files.values(), key=lambda entry: (not _is_weights(entry.path), entry.path))
    shown = tuple(File(each.path, each.size, each.sha256, _is_weights(each.path)) for each in entries[:MAX_FILES])
    left_out = len(entries) - len(shown)
    return shown, {"files": f"{left_out} more files are left out."} if left_out else {}


def _is_weights(path: str) -> bool:
    return path.lower().endswith(_WEIGHTS)


def _measured(
    repository: Repository, commit: Commit, viewer: Viewer, receipt_url: Callable[[str], str]
) -> tuple[Measured, ...]:
    if repository.kind != Kind.MODEL:
        return ()
    evaluation = Evaluation.objects.with_runs(viewer).filter(repository=repository, commit=commit).first()
    found = []
    for run in evaluation.runs.all() if evaluation is not None else ():
        score, receipt = getattr(run, "score", None), getattr(run, "receipt", None)
        if score is None or run.benchmark is None:
            continue
        address = receipt_url(receipt.sha256) if receipt is not None else ""
        found.append(
            Measured(
                benchmark=f"{run.benchmark.key}@{run.benchmark.version}",
                metric=score.metric,
                value=score.value,
                unit=score.unit,
                low=score.low,
                high=score.high,
                receipt=address,
            )
        )
    return tuple(found)
