"""Repositories: made with a first commit, described, hidden, deleted."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.exceptions import NamespaceNotFound, NotAMember
from accounts.models import Namespace, User
from accounts.permissions import require_create
from hub.core.names import repository_fault
from models_registry.exceptions import InvalidRepositoryName, RepositoryExists, RepositoryInUse
from models_registry.models import Kind, Repository, Visibility
from models_registry.permissions import Action, require
from models_registry.services.commits import first_commit
from models_registry.types import AddFile

# What git-lfs users of the public hub find in every new repository.
_LARGE = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gguf *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz
*.onnx *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/* *.tar.* *.tar *.tflite
*.tgz *.wasm *.xz *.zip *.zst *tfevents*
""".split()
GIT_ATTRIBUTES = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in _LARGE).encode()


def create_repository(
    *, user: User, namespace: str, name: str, kind: Kind, visibility: Visibility = Visibility.PUBLIC
) -> Repository:
    """Make a repository whose default branch holds one commit.

    Raises:
        NotAMember: she may not create anything in that namespace, or there is none of that name.
        InvalidRepositoryName: the name breaks the rules.
        RepositoryExists: there is one already.
    """
    fault = repository_fault(name)
    if fault:
        raise InvalidRepositoryName(name=name[:100], reason=fault)
    owner = Namespace.objects.held().named(namespace).first()
    if owner is None:
        raise NotAMember(name=namespace[:100])
    require_create(user, owner)
    try:
        with transaction.atomic():
            repository = Repository.objects.create(
                namespace=owner,
                kind=kind,
                name=name,
                key=f"{owner.name}/{name}".lower(),
                visibility=visibility,
                creator=user,
                updated_at=timezone.now(),
            )
            files = [AddFile(".gitattributes", GIT_ATTRIBUTES)]
            first_commit(repository=repository, user=user, files=files, title="initial commit")
    except IntegrityError as error:
        raise RepositoryExists(kind=kind) from error
    return repository


def delete_repository(*, repository: Repository, user: User) -> None:
    """Delete a repository with its history and what was measured of it. Chunks go with the next collection.

    Raises:
        RepositoryInUse: something stands on it that must not fall with it, such as a benchmark on its data.
    """
    require(user, Action.ADMINISTER, repository)
    try:
        repository.delete()
    except ProtectedError as error:
        raise RepositoryInUse(name=repository.full_name) from error


def set_visibility(*, repository: Repository, user: User, visibility: Visibility) -> Repository:
    """Show a repository to everybody, or to its members alone."""
    require(user, Action.ADMINISTER, repository)
    repository.visibility = Visibility(visibility)
    repository.save(update_fields=["visibility"])
    return repository


def namespace_of(name: str) -> Namespace:
    """A namespace with a living holder.

    Raises:
        NamespaceNotFound: nobody has this name.
    """
    found: Namespace | None = Namespace.objects.held().named(name).select_related("user", "organisation").first()
    if found is None:
        raise NamespaceNotFound(name=name[:100])
    return found
