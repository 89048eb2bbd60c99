"""A commit and the wish to measure it exist together or not at all."""

import pytest
from django.db import transaction

from evaluation.models import Evaluation
from models_registry.models import Commit
from models_registry.services.commits import commit
from models_registry.services.refs import create_branch
from models_registry.services.releases import create_release
from models_registry.types import AddFile
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def test_commits_to_a_models_default_branch_are_measured():
    made = put(RepositoryFactory(), {"config.json": "{}"})

    assert Evaluation.objects.get().commit == made


def test_data_sets_other_branches_and_empty_beginnings_are_not():
    put(RepositoryFactory(dataset=True), {"data.txt": "1"})
    repository = RepositoryFactory()
    create_branch(repository=repository, user=repository.creator, name="side")
    commit(
        repository=repository,
        user=repository.creator,
        branch="side",
        title="Aside",
        operations=[AddFile("config.json", b"{}")],
    )

    assert not Evaluation.objects.exists()


def test_a_release_is_measured_whatever_branch_it_is_on():
    repository = RepositoryFactory()
    create_branch(repository=repository, user=repository.creator, name="side")
    made = commit(
        repository=repository,
        user=repository.creator,
        branch="side",
        title="Aside",
        operations=[AddFile("config.json", b"{}")],
    )
    assert not Evaluation.objects.exists()

    create_release(repository=repository, user=repository.creator, name="v1.0.0", revision="side")
    create_release(repository=repository, user=repository.creator, name="same", revision="side")
    create_release(repository=repository, user=repository.creator, name="empty", revision="main")

    assert Evaluation.objects.get().commit == made


def test_a_commit_that_is_undone_takes_its_evaluation_with_it():
    repository = RepositoryFactory()
    before = Commit.objects.count()

    with transaction.atomic():
        put(repository, {"config.json": "{}"})
        transaction.set_rollback(True)

    assert Commit.objects.count() == before
    assert not Evaluation.objects.exists()
