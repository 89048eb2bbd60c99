"""One repository: what every page of it starts from, and its card with all that was measured."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.models import User
from evaluation.models import Evaluation, Step
from evaluation.peers import readings_with_peers
from evaluation.presentation import (
    Badge,
    badges,
    benchmark_rows,
    cost_readings,
    relevant_first,
    result_of,
    scores_of,
)
from evaluation.presentation_verdicts import shown
from evaluation.services import reading
from evaluation.services.waits import wait_of
from evaluation.suitability import fit_rows, memory_rows, mismatch_rows, reference_rows
from hub.core import markdown
from hub.core.exceptions import OverLimit
from hub.pages import lineage, snippets
from hub.pages.explanations import example_of
from models_registry import addresses
from models_registry.finding import repository_at
from models_registry.labels import languages
from models_registry.licences import Record
from models_registry.manifests import listing_of
from models_registry.models import AccessRequest, Commit, LicenceJudgement, Like, Release, Repository, RepositoryImport
from models_registry.permissions import Action, can
from models_registry.services.heads import card_of
from models_registry.services.licensing.needs import licences_to_accept, sources_of
from models_registry.services.licensing.of_files import of_commit
from models_registry.services.revisions import find_commit, held_release, latest_release
from models_registry.types import Listing

HISTORY_SHOWN = 5


@dataclass(frozen=True)
class Opened:
    """A repository that this person may read, at one revision.

    Attributes:
        revision: as the address names it: a branch, a tag or a commit id.
        commit: what the revision names.
        listing: the files of that commit.
        evaluation: what was measured of the newest commit of the default branch, with its runs.
        liked: whether this person likes it.
        may_download: whether the files are open to this person.
        asked: how her own request for them stands, where there is a gate.
        sources: whose terms the files need beside its own, for it was made from them.
        to_carry: licences that people should be asked to accept, and are not; for who can change that.
    """

    repository: Repository
    revision: str
    commit: Commit
    listing: Listing
    evaluation: Evaluation | None
    may_write: bool
    may_administer: bool
    liked: bool
    may_download: bool
    asked: AccessRequest | None
    viewer: User | AnonymousUser
    sources: tuple[Repository, ...] = ()
    to_carry: tuple[Record, ...] = ()

    @property
    def badges(self) -> list[Badge]:
        return badges(self.evaluation)

    def context(self, tab: str) -> dict[str, Any]:
        """What `repository_base.html` needs; `tab` is card, files, history, discussions or evaluations."""
        return {
            "opened": self,
            "repository": self.repository,
            "commit": self.commit,
            "revision": self.revision,
            "badges": self.badges,
            "may_write": self.may_write,
            "tab": tab,
            "section": {"dataset": "datasets", "app": "apps"}.get(self.repository.kind, "models"),
        }


def find_repository(request: HttpRequest, kind: str, namespace: str, name: str) -> Repository:
    """The repository, if this person may read it.

    Raises:
        RepositoryMoved: it is called something else now, and so is this page.
        RepositoryNotFound: missing or hidden; the page cannot tell which.
    """
    return repository_at(request, kind, namespace, name, is_page=True)


def open_repository(request: HttpRequest, kind: str, namespace: str, name: str, revision: str | None = None) -> Opened:
    """Find a repository and the commit that the address names.

    Raises:
        RepositoryNotFound, RevisionNotFound
    """
    repository = find_repository(request, kind, namespace, name)
    commit = find_commit(repository, revision)
    may_administer = can(request.user, Action.ADMINISTER, repository)
    requests = AccessRequest.objects.of(request.user).filter(repository=repository)
    return Opened(
        repository=repository,
        revision=revision or repository.default_branch,
        commit=commit,
        listing=listing_of(commit),
        evaluation=Evaluation.objects.with_runs(request.user)
        .filter(repository=repository, commit__oid=repository.head)
        .first(),
        may_write=can(request.user, Action.WRITE, repository),
        may_administer=may_administer,
        liked=Like.objects.of(request.user).filter(repository=repository).exists(),
        may_download=can(request.user, Action.DOWNLOAD, repository),
        asked=requests.first() if repository.has_gate else None,
        viewer=request.user,
        sources=tuple(sources_of(repository)),
        to_carry=tuple(licences_to_accept(repository)) if may_administer else (),
    )


def scan_wait(opened: Opened) -> str:
    """What to say of a commit without the scan's verdict, see `ScanWait`; "" where there is nothing to say."""
    opened.commit.repository = opened.repository
    return wait_of(opened.commit)


@require_safe
def card(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The page of a model, data set or app: how to use it, what was measured, what its author says."""
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    if repository.full_name != f"{namespace}/{name}":
        return HttpResponsePermanentRedirect(addresses.page(repository))
    context = opened.context("card") | _card(opened) | _measured(opened)
    context["licence_files"] = of_commit(repository, opened.commit)
    context["example"] = example_of(request.user, context["scores"])
    context["snippets"] = snippets.of(repository, origin(request), opened.listing)
    context |= _given_by_name(repository)
    context["commits"] = repository.commits.light().order_by("-pk")[:HISTORY_SHOWN]
    context["lineage_line"] = lineage.line(repository, request.user)
    context["judged"] = LicenceJudgement.objects.filter(repository=repository).exclude(verdict="").first()
    context["imported"] = RepositoryImport.objects.filter(repository=repository, finished_at__isnull=False).first()
    template = {"dataset": "dataset", "app": "app"}.get(repository.kind, "repository")
    return render(request, f"models_registry/{template}.html", context)


def origin(request: HttpRequest) -> str:
    """Where programs reach this hub, without a slash at the end."""
    return settings.SMALLHUB_PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def places(opened: Opened, folder: str = "") -> markdown.Places:
    """Where relative links of a document in this repository lead."""
    return markdown.Places(
        folder=folder,
        page=addresses.at(opened.repository, "blob", opened.revision) + "/",
        raw=addresses.at(opened.repository, "resolve", opened.commit.oid) + "/",
    )


def _card(opened: Opened) -> dict[str, Any]:
    body = card_of(opened.repository, opened.commit).body.strip()
    head, _, rest = body.partition("\n")
    if head.startswith("# ") and head[2:].strip().lower() == opened.repository.name.lower():
        body = rest.strip()  # The page's own title says the name already.
    if not body:
        return {"card_html": "", "card_fault": ""}
    try:
        return {"card_html": markdown.render(body, places(opened)), "card_fault": ""}
    except OverLimit as error:
        return {"card_html": "", "card_fault": str(error)}


def _measured(opened: Opened) -> dict[str, Any]:
    """The side column: scores and costs as readings, facts from the files themselves."""
    repository, evaluation = opened.repository, opened.evaluation
    runs = list(evaluation.runs.all()) if evaluation else []
    address = addresses.at(repository, "evaluations", repository.head) if evaluation else ""
    scores = relevant_first(scores_of(evaluation), languages(repository))
    cost = result_of(evaluation, Step.COST) or {"bytes": repository.size_bytes}
    inspected = result_of(evaluation, Step.INSPECT)
    return {
        "evaluation": evaluation,
        "evaluation_url": address,
        "scores": scores,
        "readings": readings_with_peers(scores, repository, int(cost.get("bytes") or repository.size_bytes), address),
        "receipts": sum(1 for run in runs if getattr(run, "receipt", None) is not None),
        "open_runs": sum(run.is_open for run in runs),
        "not_scored": [row for row in benchmark_rows(runs) if row.reading is None and row.state != "not_applicable"],
        "cost": cost_readings(cost),
        "machine": cost.get("machine") or {},
        "there": reference_rows(cost),
        "facts": facts(repository, inspected),
        "mismatches": mismatch_rows(inspected),
        "memory": memory_rows(inspected),
        "fits": fit_rows(cost),
        "tensor_count": inspected.get("tensors"),
        "held": opened.commit.held,
        **_verdicts(evaluation, opened.viewer),
    }


def _given_by_name(repository: Repository) -> dict[str, Release | None]:
    """`given`: the release that people get by name, where the head is another version. `held_release`: see there."""
    if not getattr(repository, "release_count", None):
        return {"given": None, "held_release": None}
    release = latest_release(repository)
    if release is None:
        return {"given": None, "held_release": held_release(repository)}
    return {"given": release if release.commit.oid != repository.head else None, "held_release": None}


def _more_facts(inspected: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """What the files tell besides: scripts and languages as guessed from the vocabulary, the chat template."""
    tokenizer = inspected.get("tokenizer") or {}
    kinds = ", ".join(tokenizer.get("scripts") or ())
    guessed = ", ".join(tokenizer.get("languages") or ())
    return [
        (gettext("Works on bytes"), gettext("yes") if tokenizer.get("is_byte_level") else "", "text"),
        (gettext("Scripts, detected"), kinds, "text"),
        (gettext("Languages, detected"), guessed, "text"),
        (gettext("Chat template"), inspected.get("chat_template"), "text"),
    ]


def _verdicts(evaluation: Evaluation | None, viewer: User | AnonymousUser) -> dict[str, Any]:
    """What the newest commit's answers say next to the release before, and what that is called."""
    found = reading.comparison_with_the_one_before(evaluation, viewer=viewer) if evaluation is not None else None
    if found is None:
        return {"verdicts": None}
    release = Release.objects.filter(commit=found.base.commit_id).values_list("name", flat=True).first()
    return {"verdicts": shown(found), "verdict_base": release or found.base.commit.oid[:7]}


def facts(repository: Repository, inspected: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """What the files tell of the model: (label, value, how to write it: text, count or tokens)."""
    tokenizer = inspected.get("tokenizer") or {}
    labels = inspected.get("labels") or ()
    formats = repository.parameters_by_dtype or inspected.get("parameters_by_dtype") or {}
    found = [
        (gettext("Architecture"), inspected.get("architecture"), "text"),
        (gettext("Parameters"), repository.parameters or inspected.get("parameters"), "count"),
        (gettext("Number format"), ", ".join(sorted(formats)), "text"),
        (gettext("Context"), inspected.get("context_length"), "tokens"),
        (gettext("Vocabulary"), tokenizer.get("vocabulary_size"), "number"),
        (gettext("Tokenizer"), tokenizer.get("kind"), "text"),
        (gettext("Labels"), ", ".join(labels) if len(labels) <= 12 else len(labels), "text"),
        (gettext("Library"), repository.library, "text"),
        *_more_facts(inspected),
    ]
    return [fact for fact in found if fact[1]]
