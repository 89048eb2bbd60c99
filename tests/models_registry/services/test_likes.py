"""Likes and their count, also when many press the button at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from accounts.exceptions import ScopeTooSmall
from accounts.models import Scope
from models_registry.exceptions import RepositoryNotFound
from models_registry.models import Like, Repository
from models_registry.services.likes import forget_likes, like_repository, unlike_repository
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def likes(repository: Repository) -> int:
    return Repository.objects.get(pk=repository.pk).likes


def test_a_like_counts_once_however_often_it_is_given():
    repository, user = RepositoryFactory(), UserFactory()

    like_repository(repository=repository, user=user)
    like_repository(repository=repository, user=user)

    assert likes(repository) == 1


def test_a_like_is_taken_back_once():
    repository, user = RepositoryFactory(), UserFactory()
    like_repository(repository=repository, user=user)

    unlike_repository(repository=repository, user=user)
    unlike_repository(repository=repository, user=user)

    assert likes(repository) == 0


def test_what_is_hidden_cannot_be_liked():
    repository = RepositoryFactory(private=True)

    with pytest.raises(RepositoryNotFound):
        like_repository(repository=repository, user=UserFactory())
    assert not Like.objects.exists()


def test_a_token_that_reads_does_not_like():
    user = UserFactory()
    user.scope = Scope.READ

    with pytest.raises(ScopeTooSmall):
        like_repository(repository=RepositoryFactory(), user=user)


def test_a_person_who_goes_takes_her_likes_along():
    user = UserFactory()
    first, second = RepositoryFactory(), RepositoryFactory()
    for repository in (first, second):
        like_repository(repository=repository, user=user)
        like_repository(repository=repository, user=UserFactory())

    forget_likes(user=user)

    assert [likes(first), likes(second)] == [1, 1]


def test_likes_of_private_repositories_are_shown_to_their_members_alone():
    owner = UserFactory()
    secret = RepositoryFactory(user=owner, private=True)
    like_repository(repository=secret, user=owner)

    assert Like.objects.visible_to(owner).count() == 1
    assert Like.objects.visible_to(UserFactory()).count() == 0
    assert Like.objects.visible_to(AnonymousUser()).count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_count_is_right_when_many_like_at_once():
    repository = RepositoryFactory()
    people = [UserFactory() for _ in range(6)]

    def press(user) -> None:
        try:
            like_repository(repository=repository, user=user)
            like_repository(repository=repository, user=user)
            if user.pk % 2:
                unlike_repository(repository=repository, user=user)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(press, people))

    assert likes(repository) == Like.objects.filter(repository=repository).count() == sum(1 - u.pk % 2 for u in people)
