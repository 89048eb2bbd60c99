"""The best of the same size stands beside a score."""

import re

import pytest
from django.test import Client

from evaluation.models import Standing
from models_registry.models import Repository, Visibility
from tests.factories.registry import RepositoryFactory
from tests.factories.versions import BAD, GOOD, version

pytestmark = pytest.mark.django_db


def page(repository: Repository) -> str:
    return re.sub(r"\s+", " ", Client().get(f"/{repository.full_name}").content.decode())


def test_the_best_of_the_same_size_is_named_but_not_to_itself():
    best, other = version(marks=GOOD).repository, version(marks=BAD).repository
    assert Standing.objects.count() == 2

    assert f"best of its size 90.0, {best.full_name}" in page(other)
    assert "best of its size" not in page(best)


def test_other_sizes_and_private_models_are_no_peers():
    best, other = version(marks=GOOD).repository, version(marks=BAD).repository
    Standing.objects.filter(repository=best).update(size_bytes=5 * 10**6)
    assert "best of its size" not in page(other)

    Standing.objects.filter(repository=best).update(size_bytes=10)
    Repository.objects.filter(pk=best.pk).update(visibility=Visibility.PRIVATE)
    assert "best of its size" not in page(other)
    assert "best of its size" not in page(RepositoryFactory())
