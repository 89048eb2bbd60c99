"""What follows from a repository's licence and from where it comes: judged when asked, and kept for lists and gates."""

import hashlib
import json

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from models_registry.licences import Judgement, Lineage, judge
from models_registry.models import Commit, LicenceJudgement, LineageLink, Repository
from models_registry.services import lineage
from models_registry.services.licensing import gate
from models_registry.services.licensing.marks import mark

MAX_CHILDREN = 5_000
SWEPT = 200
OLDEST = 20


def of(
    repository: Repository, viewer: User | AnonymousUser | None = None, *, commit: Commit | None = None
) -> Judgement:
    """The judgement on a repository as somebody may see it; with a commit, on that one."""
    return judge(lineage_as_of(repository, viewer, commit))


def lineage_as_of(
    repository: Repository, viewer: User | AnonymousUser | None = None, commit: Commit | None = None
) -> Lineage:
    """Where a repository comes from, with the licence that this commit declares."""
    return lineage.graph(repository, viewer, commit=commit)


def digest_of(found: Lineage) -> str:
    """Names exactly this lineage."""
    return hashlib.sha256(json.dumps(found.as_json(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def refresh(*, repository_id: int) -> bool:
    """Judge a repository anew and settle its releases; False where nothing has changed since the last time.

    What was made from it is marked where its own lineage changed, and so on until nothing changes any more. The mark
    goes last, so that a worker that is killed on the way leaves it for the next one; no lock is held meanwhile.
    """
    row = LicenceJudgement.objects.filter(repository=repository_id).first()
    repository = Repository.objects.select_related("namespace").filter(pk=repository_id).first()
    if row is None or repository is None:
        return False
    found = lineage.graph(repository)
    digest, verdict = digest_of(found), judge(found)
    with transaction.atomic():
        gate.settle_releases(repository)
    if digest != row.digest:
        children = LineageLink.objects.filter(parent=repository_id).exclude(repository=repository_id)
        with transaction.atomic():
            mark(set(children.values_list("repository", flat=True).distinct()[:MAX_CHILDREN]))
    written = LicenceJudgement.objects.filter(pk=row.pk, judged_marks__lte=row.marks).update(
        verdict=verdict.verdict,
        commit=repository.head,
        digest=digest,
        conflicts=len(verdict.conflicts),
        obligations=len(verdict.obligations),
        unknowns=len(verdict.unknowns),
        judged_marks=row.marks,
        judged_at=timezone.now(),
    )
    if not written:  # Somebody judged what is newer meanwhile, and may have been undone here.
        with transaction.atomic():
            mark({repository_id})
    return digest != row.digest


def refresh_missed() -> int:
    """Judge what is marked and was lost on the way, and look again at what was judged longest ago."""
    with transaction.atomic():  # What was here before judgements were kept.
        mark(set(Repository.objects.filter(licence_judgement=None).values_list("pk", flat=True)[:SWEPT]))
    marked = LicenceJudgement.objects.exclude(marks=F("judged_marks")).order_by("repository")
    ids = list(marked.values_list("repository", flat=True)[:SWEPT])
    aged = LicenceJudgement.objects.filter(marks=F("judged_marks")).order_by("judged_at")
    ids += aged.values_list("repository", flat=True)[:OLDEST]
    for pk in ids:
        refresh(repository_id=pk)
    return len(ids)
