"""What must hold inside one repository: objects, refs, commits, listings, links, counts."""

from collections.abc import Iterator

from dulwich.objects import ObjectID, ShaFile, Tree

from models_registry.git.objects import EXECUTABLE_MODE, FOLDER_MODE, read_pointer
from models_registry.git.store import RowObjectStore
from models_registry.manifests import unpack
from models_registry.models import Commit, GitObject, Manifest, Repository, StorageUse
from models_registry.services import quotas
from models_registry.services.fsck.faults import Fault
from models_registry.types import Listing


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Objects under their true ids, refs to commits, commits with whole trees, listings that say what the trees say."""
    where = f"{repository.kind} {repository.full_name}"
    known = set()
    for row in GitObject.objects.filter(repository=repository).iterator(chunk_size=200):
        known.add(row.oid)
        actual = ShaFile.from_raw_string(row.type, bytes(row.body)).id.decode()
        if actual != row.oid:
            yield Fault(where, f"object {row.oid} hashes to {actual}")
    commits = {row.oid: row for row in repository.commits.all()}
    for ref in repository.refs.all():
        if ref.commit not in commits:
            yield Fault(where, f"{ref.name} points to {ref.commit}, which is no commit here")
    default = repository.refs.filter(name=f"refs/heads/{repository.default_branch}").first()
    if default is None or default.commit != repository.head:
        yield Fault(where, "the row's head is not the default branch's")
    yield from _check_count(where, repository)
    yield from _check_releases(where, repository)
    store = RowObjectStore(repository)
    for commit in commits.values():
        yield from _check_commit(where, repository, store, commit, known)


def _check_releases(where: str, repository: Repository) -> Iterator[Fault]:
    """A release, its tag and its commit are one."""
    for release in repository.releases.select_related("ref", "commit"):
        if release.ref.commit != release.commit.oid or release.ref.name != f"refs/tags/{release.name}":
            yield Fault(
                where, f"release {release.name} is {release.commit.oid[:12]}, its tag {release.ref.commit[:12]}"
            )


def _check_count(where: str, repository: Repository) -> Iterator[Fault]:
    use = StorageUse.objects.filter(repository=repository).first()
    counted = quotas.recount(repository)
    noted = (use.content_bytes, use.git_bytes) if use else (0, 0)
    if noted != counted:
        yield Fault(where, f"{noted[0]} + {noted[1]} bytes are counted, {counted[0]} + {counted[1]} are stored")


def _check_commit(
    where: str, repository: Repository, store: RowObjectStore, commit: Commit, known: set[str]
) -> Iterator[Fault]:
    name = f"{where} at {commit.oid[:12]}"
    if commit.oid not in known:
        yield Fault(name, "its Git object is missing")
        return
    manifest = Manifest.objects.filter(commit=commit).first()
    if manifest is None:
        yield Fault(name, "its listing is missing")
        return
    listing = unpack(bytes(manifest.packed))
    files: dict[str, tuple[str, bool]] = {}
    try:
        _walk(store, commit.tree, "", files)
    except KeyError as error:
        yield Fault(name, f"object {error.args[0]!r} of its tree is missing")
        return
    if files != {path: (entry.oid, entry.executable) for path, entry in listing.files.items()}:
        yield Fault(name, "its listing differs from its tree")
    yield from _check_entries(name, repository, store, listing)


def _walk(store: RowObjectStore, tree: str, prefix: str, files: dict[str, tuple[str, bool]]) -> None:
    found = store[ObjectID(tree.encode())]
    if not isinstance(found, Tree):
        raise KeyError(tree)
    for item in found.items():
        path = prefix + item.path.decode()
        if item.mode == FOLDER_MODE:
            _walk(store, item.sha.decode(), path + "/", files)
        else:
            files[path] = item.sha.decode(), item.mode == EXECUTABLE_MODE


def _check_entries(name: str, repository: Repository, store: RowObjectStore, listing: Listing) -> Iterator[Fault]:
    readable = set(repository.content_links.values_list("content__sha256", flat=True))
    readable |= set(repository.erasures.values_list("sha256", flat=True))  # Gone on purpose.
    for entry in listing.files.values():
        try:
            _, body = store.get_raw(entry.oid.encode())
        except KeyError:
            yield Fault(name, f"the blob of {entry.path} is missing", path=entry.path)
            continue
        if not entry.is_large:
            continue
        pointer = read_pointer(body)
        if pointer is None or (pointer.sha256, pointer.size) != (entry.sha256, entry.size):
            yield Fault(name, f"the pointer of {entry.path} says something else than the listing", path=entry.path)
        if entry.sha256 not in readable:
            yield Fault(name, f"the content of {entry.path} is not linked to this repository", path=entry.path)
