"""Repositories and commits, made through the services: what is true in production is true in tests."""

from typing import Any

import factory

from accounts.models import User
from models_registry.models import Commit, Kind, Repository, Visibility
from models_registry.services.commits import commit
from models_registry.services.repositories import create_repository
from models_registry.types import AddFile, Operation
from tests.factories.accounts import UserFactory


class RepositoryFactory(factory.Factory):
    """A public model of a new user, holding its first commit."""

    class Meta:
        model = Repository

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda number: f"tiny-{number}")
    kind = Kind.MODEL
    visibility = Visibility.PUBLIC
    licence = "mit"

    class Params:
        private = factory.Trait(visibility=Visibility.PRIVATE)
        draft = factory.Trait(licence="")
        dataset = factory.Trait(kind=Kind.DATASET)

    @classmethod
    def _create(cls, model_class: type[Repository], *args: Any, **kwargs: Any) -> Repository:
        kwargs.setdefault("namespace", kwargs["user"].username)
        return create_repository(**kwargs)


def put(
    repository: Repository, files: dict[str, bytes | str], *, user: User | None = None, title: str = "Put"
) -> Commit:
    """Commit small files by path."""
    operations: list[Operation] = [
        AddFile(path, body.encode() if isinstance(body, str) else body) for path, body in files.items()
    ]
    author = user or repository.creator
    assert author is not None
    return commit(
        repository=repository, user=author, branch=repository.default_branch, title=title, operations=operations
    )
