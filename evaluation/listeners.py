"""What evaluation does when the registry has news."""

from typing import Any

from django.dispatch import receiver

from evaluation import services
from models_registry.models import Commit, Kind, Repository
from models_registry.signals import commit_published
from models_registry.types import BRANCH


@receiver(commit_published, dispatch_uid="evaluation.request")
def request_evaluation(*, repository: Repository, commit: Commit, ref: str, **kwargs: Any) -> None:
    """Every commit to a model's default branch is measured. Runs inside the commit's transaction."""
    if repository.kind == Kind.MODEL and ref == BRANCH + repository.default_branch:
        services.request_evaluation(repository=repository, commit=commit)
