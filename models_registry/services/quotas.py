"""How much a namespace may store: counted by whole files, given out before an upload begins, taken back at its end.

Space is given out under the namespace's lock, so many uploads at once cannot each take the last of it. Files count for
the repository that holds them, whoever else has the same bytes: what a namespace pays must not tell what others store.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Length
from django.utils import timezone

from accounts.models import Namespace, User
from models_registry.exceptions import QuotaExceeded
from models_registry.models import GitObject, Quota, Repository, RepositoryContent, Reservation, StorageUse

RESERVED_FOR_S = 6 * 3600.0


@dataclass(frozen=True)
class Usage:
    """Bytes of a namespace. `limit_bytes` is None where there is no limit."""

    used_bytes: int
    reserved_bytes: int
    limit_bytes: int | None

    @property
    def taken_bytes(self) -> int:
        return self.used_bytes + self.reserved_bytes

    @property
    def fraction(self) -> float:
        """How much of the limit is taken, 0 where there is none."""
        return self.taken_bytes / self.limit_bytes if self.limit_bytes else 0.0


def storage_used(namespace: Namespace) -> Usage:
    """What a namespace uses and may use."""
    return Usage(
        used_bytes=StorageUse.objects.used_by(namespace.pk),
        reserved_bytes=Reservation.objects.held_by(namespace.pk, at=timezone.now()),
        limit_bytes=_limit(Quota.objects.filter(namespace=namespace).first()),
    )


def repository_storage(repository: Repository) -> int:
    """The bytes of one repository: its large files and Git objects, of all versions."""
    found = StorageUse.objects.filter(repository=repository).first()
    return found.total_bytes if found else 0


@transaction.atomic
def set_limit(*, namespace: Namespace, limit_bytes: int | None) -> None:
    """Give a namespace a limit of its own; 0 is none at all, None the hub's."""
    Quota.objects.update_or_create(namespace=namespace, defaults={"limit_bytes": limit_bytes})


@transaction.atomic
def reserve(
    *, repository: Repository, user: User | None, key: str, size_bytes: int, lifetime_s: float = RESERVED_FOR_S
) -> None:
    """Set space aside for an upload; asking again for the same thing renews it.

    Raises:
        QuotaExceeded: there is not so much left.
    """
    if not _is_limited(repository.namespace_id):
        return
    quota = _lock(repository.namespace_id)
    Reservation.objects.update_or_create(
        repository=repository,
        key=key,
        defaults={
            "user": user,
            "size_bytes": size_bytes,
            "expires_at": timezone.now() + timedelta(seconds=lifetime_s),
        },
    )
    _require_room(repository, quota, wanted_bytes=size_bytes)


@contextmanager
def reserved(*, repository: Repository, user: User | None, size_bytes: int, key: str = "") -> Iterator[str]:
    """Space for one upload, for the length of the block; under the key that it gives."""
    key = key or f"upload-{secrets.token_hex(16)}"
    if not _is_limited(repository.namespace_id):
        yield key
        return
    reserve(repository=repository, user=user, key=key, size_bytes=size_bytes)
    try:
        yield key
    finally:
        release(repository=repository, keys=[key])


def release(*, repository: Repository, keys: Iterable[str]) -> None:
    """Give back space."""
    Reservation.objects.filter(repository=repository, key__in=list(keys)).delete()


def count(*, repository: Repository, content_bytes: int, keys: Iterable[str] = ()) -> None:
    """Count files that were just linked, in place of what was reserved for them. Call in the transaction that links.

    Raises:
        QuotaExceeded: they do not fit; the transaction must not go on.
    """
    release(repository=repository, keys=keys)
    StorageUse.objects.add(repository, content_bytes=content_bytes)
    require_room(repository=repository, wanted_bytes=content_bytes)


def require_room(*, repository: Repository, wanted_bytes: int = 0) -> None:
    """Refuse when more is used and reserved than may be. Call in a transaction, after what is wanted was counted.

    Raises:
        QuotaExceeded
    """
    if _is_limited(repository.namespace_id):
        _require_room(repository, _lock(repository.namespace_id), wanted_bytes=wanted_bytes)


def require_some_room(*, repository: Repository) -> None:
    """Refuse an upload of unknown size where nothing is left.

    Raises:
        QuotaExceeded
    """
    if not _is_limited(repository.namespace_id):
        return
    usage = storage_used(repository.namespace)
    if usage.limit_bytes is not None and usage.taken_bytes >= usage.limit_bytes:
        raise _refusal(repository, usage, wanted_bytes=1)


def recount(repository: Repository) -> tuple[int, int]:
    """Bytes of a repository's large files and of its Git objects, counted anew."""
    contents = RepositoryContent.objects.filter(repository=repository).aggregate(total=Sum("content__size_bytes"))
    objects = GitObject.objects.filter(repository=repository).aggregate(total=Sum(Length("body")))
    return int(contents["total"] or 0), int(objects["total"] or 0)


@transaction.atomic
def correct(repository: Repository) -> bool:
    """Put the counter right. Says whether it was wrong."""
    use = StorageUse.objects.lock(repository)
    counted = recount(repository)
    if counted == (use.content_bytes, use.git_bytes):
        return False
    use.content_bytes, use.git_bytes = counted
    use.save(update_fields=["content_bytes", "git_bytes"])
    return True


def drop_expired() -> int:
    """Give back the space of uploads that never came. Returns how many."""
    return Reservation.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _is_limited(namespace_id: int) -> bool:
    return _limit(Quota.objects.filter(namespace_id=namespace_id).first()) is not None


def _limit(quota: Quota | None) -> int | None:
    own = quota.limit_bytes if quota else None
    limit = settings.SMALLHUB_QUOTA_BYTES if own is None else own
    return int(limit) or None


def _lock(namespace_id: int) -> Quota:
    Quota.objects.bulk_create([Quota(namespace_id=namespace_id)], ignore_conflicts=True)
    return Quota.objects.select_for_update().get(namespace_id=namespace_id)


def _require_room(repository: Repository, quota: Quota, *, wanted_bytes: int) -> None:
    """With the lock held, and what is wanted counted already."""
    usage = Usage(
        used_bytes=StorageUse.objects.used_by(repository.namespace_id),
        reserved_bytes=Reservation.objects.held_by(repository.namespace_id, at=timezone.now()),
        limit_bytes=_limit(quota),
    )
    if usage.limit_bytes is not None and usage.taken_bytes > usage.limit_bytes:
        raise _refusal(repository, usage, wanted_bytes=wanted_bytes)


def _refusal(repository: Repository, usage: Usage, *, wanted_bytes: int) -> QuotaExceeded:
    return QuotaExceeded(
        namespace=repository.namespace.name,
        taken_bytes=max(usage.taken_bytes - wanted_bytes, 0),
        limit_bytes=usage.limit_bytes or 0,
        wanted_bytes=wanted_bytes,
    )
