"""Repositories: made with a first commit, described, hidden, deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import PROTECT
from django.utils import timezone

from accounts.exceptions import NamespaceNotFound, NotAMember
from accounts.models import Namespace, User
from accounts.permissions import require_create
from models_registry.exceptions import InvalidSdk, RepositoryExists, RepositoryInUse
from models_registry.front_matter import new_card
from models_registry.models import AuditEntry, Kind, Repository, Visibility
from models_registry.permissions import Action, require
from models_registry.services import audit, names
from models_registry.services.commits import first_commit
from models_registry.services.events import note_event
from models_registry.services.licensing.declaring import MAX_LINK, MAX_NAME, OTHER, checked, spelled
from models_registry.services.licensing.inheritance import settle_after_commit
from models_registry.services.lineage.planned import base_key
from models_registry.services.settings import Changes, update_settings
from models_registry.types import AddFile

# What git-lfs users of the public hub find in every new repository.
_LARGE = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gguf *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz
*.onnx *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/* *.tar.* *.tar *.tflite
*.tgz *.wasm *.xz *.zip *.zst *tfevents*
""".split()
GIT_ATTRIBUTES = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in _LARGE).encode()


# What an app's card may say that it runs on; the wire asks for one.
SDKS = ("static", "gradio", "docker", "streamlit")


@dataclass(frozen=True)
class Said:
    """What the first card says beside a licence: the name and link of one's own, and what it was made from."""

    licence_name: str = ""
    licence_link: str = ""
    bases: tuple[str, ...] = ()


def create_repository(
    *,
    user: User,
    namespace: str,
    name: str,
    kind: Kind,
    visibility: Visibility = Visibility.PUBLIC,
    sdk: str = SDKS[0],
    licence: str = "",
    said: Said = Said(),
) -> Repository:
    """Make a repository whose default branch holds one commit.

    Args:
        sdk: what an app runs on, for its card; of no meaning for other kinds.
        licence: what the first card declares; "" leaves a model or data set a draft.
        said: what it says beside that.

    Raises:
        NotAMember: she may not create anything in that namespace, or there is none of that name.
        InvalidRepositoryName: the name breaks the rules.
        InvalidSdk: no app can run on that.
        InvalidLicence: that can be no licence.
        RepositoryExists: there is one already.
        NameReserved: the name leads to a repository that was called so.
    """
    files = [AddFile(".gitattributes", GIT_ATTRIBUTES)]
    front = _front_matter(kind, licence, said)
    if kind == Kind.APP:
        if sdk not in SDKS:
            raise InvalidSdk(known=", ".join(SDKS))
        front = {"title": name, "sdk": sdk, **front}
    if front:
        files.append(AddFile("README.md", new_card(front).encode()))
    with new_repository(user=user, namespace=namespace, name=name, kind=kind, visibility=visibility) as repository:
        first_commit(repository=repository, user=user, files=files, title="initial commit")
        audit.note(repository=repository, actor=user, deed=AuditEntry.Deed.CREATED)
        note_event(repository=repository, action="create", scope="repo")
    return repository


def _front_matter(kind: Kind, licence: str, said: Said) -> dict[str, str | list[str]]:
    front: dict[str, str | list[str]] = {"license": spelled(checked(licence))} if licence else {}
    if front.get("license") == OTHER and said.licence_name:
        front |= {"license_name": said.licence_name[:MAX_NAME], "license_link": said.licence_link[:MAX_LINK]}
    if said.bases and kind != Kind.APP:
        front[base_key(kind)] = list(said.bases)
    return front


@contextmanager
def new_repository(
    *, user: User, namespace: str, name: str, kind: Kind, visibility: Visibility
) -> Iterator[Repository]:
    """A fresh row, to be given its first commit inside the `with`, which is one transaction."""
    names.check_name(name)
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
                key=names.key_of(owner, name),
                visibility=visibility,
                creator=user,
                updated_at=timezone.now(),
            )
            names.claim(repository)
            yield repository
    except IntegrityError as error:
        raise RepositoryExists(kind=kind) from error


@transaction.atomic
def delete_repository(*, repository: Repository, user: User) -> None:
    """Delete a repository. From now on it is missing at every door; for a while it can be restored.

    Raises:
        RepositoryInUse: something stands on it that must not fall with it, such as a benchmark on its data.
    """
    require(user, Action.ADMINISTER, repository)
    if _is_in_use(repository):
        raise RepositoryInUse(name=repository.full_name)
    gone = Repository.objects.filter(pk=repository.pk).update(deleted_at=timezone.now(), deleted_by=user)
    if gone:  # Of two at once, one has deleted it.
        note_event(repository=repository, action="delete", scope="repo")
        audit.note(repository=repository, actor=user, deed=AuditEntry.Deed.DELETED)
        settle_after_commit(repository)


def _is_in_use(repository: Repository) -> bool:
    """Whether a row protects it. Asked of the models, for those who stand on repositories live in apps above."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: repository}).exists()
        for relation in Repository._meta.related_objects
        if relation.on_delete is PROTECT
    )


def set_visibility(*, repository: Repository, user: User, visibility: Visibility) -> Repository:
    """Show a repository to everybody, or to its members alone."""
    return update_settings(repository=repository, user=user, changes=Changes(visibility=Visibility(visibility)))


def namespace_of(name: str) -> Namespace:
    """A namespace with a living holder.

    Raises:
        NamespaceNotFound: nobody has this name.
    """
    found: Namespace | None = Namespace.objects.held().named(name).select_related("user", "organisation").first()
    if found is None:
        raise NamespaceNotFound(name=name[:100])
    return found
