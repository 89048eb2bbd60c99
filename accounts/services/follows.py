"""Who follows whom."""

from accounts.exceptions import CannotFollowSelf
from accounts.models import Follow, Namespace, User
from accounts.permissions import require_own_write


def follow(*, user: User, namespace: Namespace) -> None:
    """Follow a person or an organisation; twice is once.

    Raises:
        CannotFollowSelf, ScopeTooSmall
    """
    require_own_write(user)
    if namespace.user_id == user.pk:
        raise CannotFollowSelf
    Follow.objects.get_or_create(follower=user, namespace=namespace)


def unfollow(*, user: User, namespace: Namespace) -> None:
    """Stop following; twice is harmless.

    Raises:
        ScopeTooSmall
    """
    require_own_write(user)
    Follow.objects.filter(follower=user, namespace=namespace).delete()
