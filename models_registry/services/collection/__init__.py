"""Taking away what nothing needs any more, after a time of grace. Never races an upload; may be killed anywhere.

From the top down, each step on its own: commits that no ref leads to, with the Git objects and content links that only
they used; content that no repository holds; all packings of one content but one; packs of chunks that no content is
made of; bytes that no pack names. Each deletion of a row is one transaction that looks again under locks which uploads
and commits take too, and goes on only if nobody has touched the row since this run first read it. Clocks decide how
long things are kept, never whether they are needed. Bytes go after their rows: what a killed run leaves behind is found
by the next one.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from models_registry.models import Repository
from models_registry.services import quotas
from models_registry.services.collection import blobs, contents, history, uniting
from models_registry.services.collection.keepers import keeper
from models_registry.services.content.upkeep import clean_leftovers
from models_registry.services.licensing.terms import sweep_texts
from models_registry.storage.cache import whole_file_cache

__all__ = ["Collected", "collect", "keeper"]


@dataclass
class Collected:
    """What one run took away, or with `dry_run` would take away if nothing above it went first."""

    commits: int = 0
    git_objects: int = 0
    links: int = 0
    contents: int = 0
    united: int = 0
    xorbs: int = 0
    blobs: int = 0
    freed_bytes: int = 0
    reservations: int = 0
    leftovers: int = 0
    licence_texts: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def collect(*, grace: timedelta | None = None, dry_run: bool = False) -> Collected:
    """One run over everything.

    Args:
        grace: how long a thing must have been of no use; None takes SMALLHUB_GRACE_DAYS.
    """
    cutoff = timezone.now() - (timedelta(days=settings.SMALLHUB_GRACE_DAYS) if grace is None else grace)
    done = Collected()
    for repository in Repository.objects.order_by("pk").iterator(chunk_size=200):
        commits, objects = history.collect(repository, cutoff=cutoff, dry_run=dry_run)
        done.commits, done.git_objects = done.commits + commits, done.git_objects + objects
        done.links += contents.collect_links(repository, cutoff=cutoff, dry_run=dry_run)
    done.contents = contents.collect_contents(cutoff=cutoff, dry_run=dry_run)
    done.united = uniting.unite(dry_run=dry_run)
    done.xorbs = contents.collect_xorbs(cutoff=cutoff, dry_run=dry_run)
    done.blobs, done.freed_bytes = blobs.collect(cutoff=cutoff, dry_run=dry_run)
    done.licence_texts = sweep_texts(cutoff=cutoff, dry_run=dry_run)
    if not dry_run:
        done.reservations = quotas.drop_expired()
        done.leftovers = clean_leftovers()
        whole_file_cache().evict()
    return done
