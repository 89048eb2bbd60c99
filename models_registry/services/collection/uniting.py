"""Files that came to several repositories at once, cut into the same chunks but packed differently: one packing stays.

Uploads that overlap in time do not see each other's packs in full, so each may bring packs of its own. Which packs a
repository's file lies in is nobody's business but the store's; its chunks, and so its hash on the wire, stay the same.
Only packs that everybody may use are chosen: what lies beside a file in a private pack must not come near a stranger.
"""

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from models_registry.models import Blob, Content, Repository, RepositoryContent, RepositoryXorb, StorageUse, Xorb
from models_registry.storage.terms import xorbs_of


def unite(*, dry_run: bool) -> int:
    """Let all links of a content name the same packs: those that take the least space. Returns how many changed.

    The packs that are left live on for the time of grace from now, for readers who were told of them.
    """
    apart = RepositoryContent.objects.filter(xet_hash=F("content__xet_hash")).exclude(terms=F("content__terms"))
    contents = list(apart.order_by("content").values_list("content", flat=True).distinct())
    if dry_run:
        return apart.count()
    return sum(_unite(content) for content in contents)


def _unite(pk: int) -> int:
    content = Content.objects.filter(pk=pk).first()
    if content is None:
        return 0
    links = RepositoryContent.objects.filter(content=content, xet_hash=content.xet_hash).order_by("repository")
    packings = {bytes(content.terms), *(bytes(terms) for terms in links.values_list("terms", flat=True))}
    sizes = {packed: size for packed in packings if (size := _stored_bytes(packed)) is not None}
    if not sizes:
        return 0
    best = min(sizes, key=lambda packed: (sizes[packed], packed))
    changed = sum(_repoint(link, best) for link in links if bytes(link.terms) != best)
    with transaction.atomic():
        if _hold(best):
            Content.objects.filter(pk=pk, xet_hash=content.xet_hash).update(terms=best)
    return changed


def _repoint(link: RepositoryContent, best: bytes) -> int:
    old = bytes(link.terms)
    with transaction.atomic():
        StorageUse.objects.lock(link.repository)  # Rows are locked in the same order as by uploads.
        if not _hold(best):
            return 0
        Xorb.objects.filter(hash__in=xorbs_of(old)).update(touched_at=timezone.now())
        return RepositoryContent.objects.filter(pk=link.pk, terms=old).update(terms=best)


def _hold(packed: bytes) -> bool:
    """Lock these packs until the end of the transaction; False if one of them is gone."""
    wanted = xorbs_of(packed)
    rows = Xorb.objects.filter(hash__in=wanted).order_by("hash").select_for_update()
    return len(rows.values_list("hash", flat=True)) == len(wanted)


def _stored_bytes(packed: bytes) -> int | None:
    """What the packs of a file take; None if one is gone, damaged, or not for everybody."""
    wanted = xorbs_of(packed)
    public = Repository.objects.downloadable_by(AnonymousUser()).values("pk")
    usable = RepositoryXorb.objects.filter(repository__in=public).values("xorb")
    damaged = Blob.objects.exclude(damage="").values("digest")
    rows = Xorb.objects.filter(hash__in=wanted, pk__in=usable).exclude(blob__in=damaged)
    if rows.count() != len(wanted):
        return None
    return int(rows.aggregate(total=Sum("stored_bytes"))["total"] or 0)
