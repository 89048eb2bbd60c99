"""Likes: one row for each person and repository, and a count on the repository that moves with them."""

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from accounts.permissions import require_own_write
from models_registry.models import Like, Repository
from models_registry.permissions import Action, require


def like_repository(*, repository: Repository, user: User) -> None:
    """Note that she likes it; twice is once.

    Raises:
        RepositoryNotFound, ScopeTooSmall
    """
    require(user, Action.READ, repository)
    require_own_write(user)
    try:
        with transaction.atomic():
            Like.objects.create(repository=repository, user=user)
            Repository.objects.filter(pk=repository.pk).update(likes=F("likes") + 1)
    except IntegrityError:
        return  # She did already, and it is counted.


@transaction.atomic
def unlike_repository(*, repository: Repository, user: User) -> None:
    """Take a like back; without one nothing happens.

    Raises:
        RepositoryNotFound, ScopeTooSmall
    """
    require(user, Action.READ, repository)
    require_own_write(user)
    deleted, _ = Like.objects.filter(repository=repository, user=user).delete()
    if deleted:
        Repository.objects.filter(pk=repository.pk, likes__gt=0).update(likes=F("likes") - 1)


@transaction.atomic
def forget_likes(*, user: User) -> None:
    """Take all her likes back at once, as her account goes."""
    liked = list(Like.objects.filter(user=user).values_list("repository_id", flat=True))
    Like.objects.filter(user=user).delete()
    for start in range(0, len(liked), 500):
        Repository.objects.filter(pk__in=liked[start : start + 500], likes__gt=0).update(likes=F("likes") - 1)
