"""What evaluation does when the registry has news."""

from typing import Any

from django.dispatch import receiver

from evaluation import services
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository
from models_registry.signals import commit_published
from models_registry.types import BRANCH

_BEGINNING = {".gitattributes"}  # What a repository is made with: nothing that could be measured.


@receiver(commit_published, dispatch_uid="evaluation.request")
def request_evaluation(*, repository: Repository, commit: Commit, ref: str, **kwargs: Any) -> None:
    """Every commit to a model's default branch is measured. Runs inside the commit's transaction."""
    is_default = ref == BRANCH + repository.default_branch
    if repository.kind == Kind.MODEL and is_default and listing_of(commit).files.keys() - _BEGINNING:
        services.request_evaluation(repository=repository, commit=commit)
