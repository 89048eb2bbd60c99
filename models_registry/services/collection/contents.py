"""Links that no commit uses, content that no repository holds, and packs of chunks that no content is made of."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from models_registry.manifests import unpack
from models_registry.models import Content, Manifest, Repository, RepositoryContent, RepositoryXorb, StorageUse, Xorb
from models_registry.services.collection.keepers import kept_contents
from models_registry.storage.terms import xorbs_of


def collect_links(repository: Repository, *, cutoff: datetime, dry_run: bool) -> int:
    """Delete links to content that no commit of the repository names, untouched since `cutoff`. Returns how many."""
    rows = RepositoryContent.objects.filter(repository=repository, touched_at__lte=cutoff)
    old = {sha256: (pk, seen) for pk, sha256, seen in rows.values_list("pk", "content__sha256", "touched_at")}
    if not old:
        return 0
    for sha256 in kept_contents(repository):
        old.pop(sha256, None)
    manifests = Manifest.objects.filter(commit__repository=repository).order_by("-commit_id")
    for packed in manifests.values_list("packed", flat=True).iterator(chunk_size=20):
        for entry in unpack(bytes(packed)).files.values():
            if entry.is_large:
                old.pop(entry.sha256, None)
        if not old:
            return 0
    if dry_run:
        return len(old)
    deleted = 0
    for pk, seen in old.values():
        with transaction.atomic():
            StorageUse.objects.lock(repository)
            # Whoever uploaded or committed it since it was read has touched it.
            deleted += RepositoryContent.objects.filter(pk=pk, touched_at=seen).delete()[0]
    return deleted


def collect_contents(*, cutoff: datetime, dry_run: bool) -> int:
    """Delete content that no repository is linked to. Returns how many."""
    rows = Content.objects.filter(links__isnull=True, touched_at__lte=cutoff).order_by("pk")
    if dry_run:
        return rows.count()
    deleted = 0
    for pk, seen in list(rows.values_list("pk", "touched_at")):
        with transaction.atomic():
            found = Content.objects.select_for_update().filter(pk=pk, touched_at=seen).first()
            if found is None or found.links.exists():
                continue
            found.delete()
            deleted += 1
    return deleted


def collect_xorbs(*, cutoff: datetime, dry_run: bool) -> int:
    """Delete packs that no file is made of, untouched since `cutoff`. Returns how many.

    Candidates are read before the files: a file that was recorded after its list was read has touched its packs.
    """
    rows = Xorb.objects.filter(touched_at__lte=cutoff)
    old = {hash_: (pk, seen) for pk, hash_, seen in rows.values_list("pk", "hash", "touched_at").iterator()}
    if not old:
        return 0
    for packed in _all_terms():
        for used in xorbs_of(packed):
            old.pop(used, None)
    if dry_run:
        return len(old)
    return sum(_delete_xorb(pk, seen) for pk, seen in old.values())


def _delete_xorb(pk: int, seen: datetime) -> bool:
    with transaction.atomic():
        found = Xorb.objects.select_for_update().defer("chunk_table").filter(pk=pk, touched_at=seen).first()
        if found is None:
            return False
        RepositoryXorb.objects.filter(xorb=found).delete()
        found.chunks.all().delete()
        found.delete()
    return True


def _all_terms() -> Iterable[bytes]:
    for model in (Content, RepositoryContent):
        for packed in model.objects.values_list("terms", flat=True).iterator(chunk_size=200):
            yield bytes(packed)
