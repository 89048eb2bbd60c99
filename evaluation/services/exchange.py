"""Results going out in others' forms, and others' coming in as claims."""

from typing import Any

from django.db import transaction

from accounts.models import User
from evaluation import exchange
from evaluation.benchmarks.tiers import Tier
from evaluation.exceptions import NotMeasured
from evaluation.models import Claim, Evaluation
from evaluation.services.plain import plain_json
from models_registry import addresses
from models_registry.cards import CardFault, read_values
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.services import pull_requests
from models_registry.services.heads import CARD, card_of, read_small_file
from models_registry.types import AddFile, Listing

_MAX_FILES = 50
_MAX_FILE_BYTES = 64 * 1024
_MAX_CARD_BYTES = 1024 * 1024


def measured_of(evaluation: Evaluation) -> list[exchange.Measured]:
    """The scores of an evaluation as they go out; it comes with the runs that may be seen there."""
    url = addresses.absolute(addresses.at(evaluation.repository, "evaluations", evaluation.commit.oid))
    found = []
    for run in evaluation.runs.all():
        score, receipt = getattr(run, "score", None), getattr(run, "receipt", None)
        if score is None or receipt is None or run.benchmark is None:
            continue
        if score.tier != Tier.STANDARD:  # A partial run never goes out under the set's name.
            continue
        found.append(
            exchange.Measured(
                benchmark=run.benchmark.key,
                version=run.benchmark.version,
                title=run.benchmark.title,
                task=run.benchmark.task,
                dataset=run.benchmark.repository.full_name,
                split=str(run.benchmark.definition.get("split") or ""),
                revision=run.benchmark.commit,
                metric=score.metric,
                value=score.value,
                unit=score.unit,
                n=score.n,
                low=score.low,
                high=score.high,
                confidence=score.confidence,
                receipt=receipt.sha256,
                date=score.created_at.date().isoformat(),
                url=url,
            )
        )
    return found


def propose(*, evaluation: Evaluation, user: User) -> pull_requests.Opened:
    """Open a pull request that writes an evaluation's results into the card and `.eval_results`.

    Raises:
        NotMeasured: it has no score yet. RepositoryForbidden and the other refusals of pull requests.
    """
    evaluation = Evaluation.objects.with_runs(None).get(pk=evaluation.pk)  # The card is read by anybody.
    repository, scores = evaluation.repository, measured_of(evaluation)
    if not scores:
        raise NotMeasured(commit=evaluation.commit.oid, repository=repository.full_name)
    head = Commit.objects.get(repository=repository, oid=repository.head)
    readme = (read_small_file(repository, listing_of(head), CARD, limit=_MAX_CARD_BYTES) or b"").decode(
        "utf-8", "replace"
    )
    home = addresses.absolute(addresses.page(repository))
    kept = exchange.without_ours(card_of(repository, head).data.get("model-index"), home=home)
    index = exchange.joined(kept, exchange.model_index(repository.name, scores))
    files = {CARD: exchange.with_index(readme, index)} | exchange.eval_results(scores)
    return pull_requests.open_pull_request(
        repository=repository,
        user=user,
        title=f"Results measured at {evaluation.commit.oid[:12]}",
        description="Scores of this hub, with intervals and receipts, in `model-index` and `.eval_results`.",
        operations=[AddFile(path, text.encode()) for path, text in files.items()],
    )


@transaction.atomic
def note_claims(*, repository: Repository, commit: Commit) -> int:
    """Read what a commit's card and `.eval_results` claim. Returns how many claims it has."""
    if Claim.objects.filter(commit=commit).exists():
        return 0
    listing = listing_of(commit)
    found = exchange.claims_of_index(card_of(repository, commit).data.get("model-index"))
    for path in _files(listing):
        found += exchange.claims_of_results(path, _read(repository, listing, path))
    rows = [
        Claim(repository=repository, commit=commit, **(vars(claim) | {"args": plain_json(claim.args)}))
        for claim in found[: exchange.MAX_CLAIMS]
    ]
    Claim.objects.bulk_create(rows)
    return len(rows)


def _files(listing: Listing) -> list[str]:
    names = (path for path in listing.files if path.startswith(exchange.FOLDER))
    return sorted(path for path in names if path.endswith((".yaml", ".yml")))[:_MAX_FILES]


def _read(repository: Repository, listing: Listing, path: str) -> Any:
    """A file of YAML as plain values; one that cannot be read claims nothing."""
    content = read_small_file(repository, listing, path, limit=_MAX_FILE_BYTES)
    try:
        return read_values((content or b"").decode("utf-8", "replace"))
    except CardFault:
        return None
