"""What is trending: recent downloads and likes, fading out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from models_registry.models import Repository
from models_registry.services.trending import refresh_trends
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def score(repository: Repository) -> float:
    return Repository.objects.values_list("trending_score", flat=True).get(pk=repository.pk)


def test_downloads_and_likes_count_once_and_fade_with_the_half_life() -> None:
    repository, quiet = RepositoryFactory(), RepositoryFactory()
    Repository.objects.filter(pk=repository.pk).update(downloads=30, likes=2)
    start = timezone.now()

    assert refresh_trends(now=start) == 1
    assert score(repository) == pytest.approx(50)
    for hour in range(1, 7 * 24 + 1):
        refresh_trends(now=start + timedelta(hours=hour))

    assert score(repository) == pytest.approx(25, rel=1e-6)
    assert score(quiet) == 0
    assert Repository.objects.get(pk=quiet.pk).trended_at is None


def test_a_step_that_arrives_twice_changes_nothing() -> None:
    repository = RepositoryFactory()
    Repository.objects.filter(pk=repository.pk).update(downloads=8)
    start = timezone.now()
    refresh_trends(now=start)

    assert refresh_trends(now=start + timedelta(minutes=3)) == 0
    assert score(repository) == 8


def test_likes_taken_back_never_make_a_score_negative_and_small_ones_end() -> None:
    repository = RepositoryFactory()
    start = timezone.now()
    Repository.objects.filter(pk=repository.pk).update(likes=3)
    refresh_trends(now=start)
    Repository.objects.filter(pk=repository.pk).update(likes=0, trending_score=0.5)

    refresh_trends(now=start + timedelta(hours=2))

    assert score(repository) == 0
