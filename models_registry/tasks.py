"""Celery doors of the registry."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from hub.core.exceptions import HubError
from models_registry import downloads
from models_registry.models import Commit
from models_registry.services import collection, content, deliveries, undelete, weights
from models_registry.services.licensing import files as licence_files
from models_registry.services.licensing import inheritance, judgements, knowledge
from models_registry.services.trending import refresh_trends

logger = logging.getLogger(__name__)


@shared_task
def clean_up() -> None:
    """Remove what interrupted uploads left behind, write the tally of downloads, and see what is trending.

    What was sent to webhooks a month ago is forgotten. Whose terms pass on to whom is computed anew.
    """
    content.clean_leftovers()
    content.drop_abandoned()
    downloads.flush()
    deliveries.forget_old(at=timezone.now())
    refresh_trends()
    inheritance.settle_all()


@shared_task
def purge_deleted() -> None:
    """Let go of repositories whose time to be restored is over."""
    undelete.purge_deleted()


@shared_task
def scrub() -> None:
    """Check the stored bytes whose turn it is, for some minutes."""
    content.scrub(seconds=240)


@shared_task
def collect_garbage() -> None:
    """Take away what nothing needs any more."""
    collection.collect()


@shared_task
def materialise_content(content_id: int) -> None:
    """Make a whole copy of content that is in demand. A copy that exists is left alone."""
    found = content.Content.objects.filter(pk=content_id).first()
    if found is not None:
        content.materialise(found)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def compare_weights(diff_id: int) -> None:
    """Compare two files of weights. One that is done, or with another worker, is left alone."""
    weights.perform_weights_diff(diff_id)


@shared_task
def deliver_to_webhook(delivery_id: int) -> None:
    """Send one message. One that arrived, or that somebody else is sending, is left alone."""
    deliveries.deliver(delivery_id=delivery_id)


@shared_task
def deliver_again() -> None:
    """Find messages whose time has come, and those whose sender fell silent."""
    deliveries.tell_again(at=timezone.now())


def dispatch_delivery(delivery_id: int) -> None:
    """Tell the queue of a message. A broker that is away loses nothing: the sweep finds the row."""
    try:
        deliver_to_webhook.apply_async(args=(delivery_id,), retry=False, expires=60)
    except (OperationalError, OSError) as error:
        logger.warning("Delivery %s waits for the sweep: the broker cannot be reached: %s", delivery_id, error)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def look_at_weights(repository_id: int) -> None:
    """Take the sketch of a model's weights and see where they come from. What is done is left alone."""
    from models_registry.services.lineage import weighing  # It needs arithmetic that no web process does.

    weighing.look(repository_id=repository_id)


@shared_task
def look_at_weights_again() -> None:
    """Find models whose weights nobody has looked at yet, and those whose worker fell silent."""
    from models_registry.services.lineage import weighing  # As above.

    weighing.tell_again()


@shared_task
def read_licence_files(commit_id: int) -> None:
    """Read what the files of a commit say of licences. One that was read, or is gone, is left alone."""
    commit = Commit.objects.filter(pk=commit_id).select_related("repository__namespace").first()
    if commit is not None:
        licence_files.read_commit(commit=commit)


@shared_task
def read_missed_licence_files() -> None:
    """Find heads whose licence files nobody has read: their job was lost."""
    licence_files.read_missed(at=timezone.now())


def dispatch_licence_reading(commit_id: int) -> None:
    """Tell the queue of a commit. A broker that is away loses nothing: the sweep finds the row."""
    try:
        read_licence_files.apply_async(args=(commit_id,), retry=False, expires=600)
    except (OperationalError, OSError) as error:
        logger.warning("Licence files of commit %s wait for the sweep: %s", commit_id, error)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def judge_licences(repository_id: int) -> None:
    """Judge what follows from a repository's licence and from where it comes. As often as one likes."""
    judgements.refresh(repository_id=repository_id)


@shared_task
def judge_missed_licences() -> None:
    """Find repositories that are marked and whose job was lost, and look again at the oldest judgements.

    Where this release knows licences better than the one before, all rows are brought up to it first.
    """
    inheritance.settle_due()
    knowledge.renew()
    judgements.refresh_missed()


def dispatch_licence_judging(repository_id: int) -> None:
    """Tell the queue of a repository. A broker that is away loses nothing: the sweep finds the mark."""
    try:
        judge_licences.apply_async(args=(repository_id,), retry=False, expires=600)
    except (OperationalError, OSError) as error:
        logger.warning("Licences of %s wait for the sweep: the broker cannot be reached: %s", repository_id, error)


@shared_task
def refresh_mirror(record_id: int) -> None:
    """Run one mirror, if it is due and nobody else is at it."""
    from models_registry.services import imports  # Imports commit, and a commit asks for jobs of this module.

    try:
        imports.refresh(record_id=record_id)
    except HubError as error:
        logger.warning("Mirror %s: %s", record_id, error)


@shared_task
def refresh_mirrors() -> None:
    """Ask for every mirror whose time has come."""
    from models_registry.services import imports  # As above.

    for record in imports.due_mirrors():
        refresh_mirror.delay(record.pk)
