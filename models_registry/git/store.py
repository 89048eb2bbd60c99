"""Git objects in rows, behind dulwich's object-store interface."""

from collections.abc import Callable, Iterable, Iterator

from django.db.models import QuerySet
from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID, ShaFile
from dulwich.pack import Pack

from models_registry.models import GitObject, Repository

_BATCH = 500


class RowObjectStore(BaseObjectStore):
    """The objects of one repository.

    Reading goes to the rows one by one, or in batches through `prefetch`. Adding the same object twice is harmless:
    its id is its content's hash.
    """

    def __init__(self, repository: Repository) -> None:
        super().__init__()
        self._repository = repository
        self._read: dict[bytes, tuple[int, bytes]] = {}

    def contains_loose(self, sha: bytes) -> bool:
        return self._rows().filter(oid=self._hex(sha)).exists()

    def contains_packed(self, sha: bytes) -> bool:
        return False

    @property
    def packs(self) -> list[Pack]:
        return []

    def __iter__(self) -> Iterator[ObjectID]:
        return (ObjectID(oid.encode()) for oid in self._rows().values_list("oid", flat=True).iterator())

    def get_raw(self, name: bytes) -> tuple[int, bytes]:
        """The type number and content of an object.

        Raises:
            KeyError: this repository holds no such object.
        """
        oid = self._hex(name)
        known = self._read.pop(oid.encode(), None)
        if known is not None:
            return known
        row = self._rows().filter(oid=oid).values_list("type", "body").first()
        if row is None:
            raise KeyError(name)
        return row[0], bytes(row[1])

    def prefetch(self, oids: Iterable[str]) -> None:
        """Read many objects in few queries; each is kept until it is asked for once."""
        wanted = list(oids)
        for start in range(0, len(wanted), _BATCH):
            rows = self._rows().filter(oid__in=wanted[start : start + _BATCH]).values_list("oid", "type", "body")
            self._read.update((oid.encode(), (kind, bytes(body))) for oid, kind, body in rows)

    def add_object(self, obj: ShaFile) -> None:
        self.add_objects([(obj, None)])

    def add_objects(
        self, objects: Iterable[tuple[ShaFile, str | None]], progress: Callable[[str], None] | None = None
    ) -> None:
        rows = (
            GitObject(repository=self._repository, oid=obj.id.decode(), type=obj.type_num, body=obj.as_raw_string())
            for obj, _ in objects
        )
        GitObject.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)

    def _rows(self) -> QuerySet[GitObject]:
        return GitObject.objects.filter(repository=self._repository)

    @staticmethod
    def _hex(sha: bytes) -> str:
        return sha.decode() if len(sha) == 40 else sha.hex()
