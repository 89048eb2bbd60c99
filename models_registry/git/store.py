"""Git objects in rows, behind dulwich's object-store interface."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Length
from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID, ShaFile
from dulwich.pack import Pack

from models_registry.models import GitObject, Repository, StorageUse

_BATCH = 500
_BATCH_BYTES = 16 * 2**20  # Content held at a time by those who read or write many objects.


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

    def facts(self, oids: Iterable[str]) -> Iterator[tuple[str, int, int]]:
        """Id, type number and size of those of these objects that are here, without reading them."""
        for batch in _batches(oids):
            rows = self._rows().filter(oid__in=batch).annotate(size=Length("body"))
            yield from rows.values_list("oid", "type", "size")

    def read_many(self, oids: Iterable[str]) -> Iterator[tuple[str, int, bytes]]:
        """Id, type number and content of those of these objects that are here, in any order and bounded memory."""
        for batch in _batches(oids):
            group: list[str] = []
            size_bytes = 0
            for oid, _, size in self.facts(batch):
                if group and size_bytes + size > _BATCH_BYTES:
                    yield from self._read_group(group)
                    group, size_bytes = [], 0
                group.append(oid)
                size_bytes += size
            yield from self._read_group(group)

    def _read_group(self, oids: list[str]) -> Iterator[tuple[str, int, bytes]]:
        for oid, kind, body in self._rows().filter(oid__in=oids).values_list("oid", "type", "body"):
            yield oid, kind, bytes(body)

    def add_object(self, obj: ShaFile) -> None:
        self.add_objects([(obj, None)])

    def add_objects(
        self, objects: Iterable[tuple[ShaFile, str | None]], progress: Callable[[str], None] | None = None
    ) -> None:
        self.add_raw((obj.id.decode(), obj.type_num, obj.as_raw_string()) for obj, _ in objects)

    def add_raw(self, objects: Iterable[tuple[str, int, bytes]]) -> None:
        """Write objects given as id, type number and content. The caller has made sure that the ids are true.

        Until the caller's transaction ends nobody else adds to this repository's history or collects from it, so what
        is new can be counted, and what was there stays.
        """
        with transaction.atomic():
            StorageUse.objects.lock(self._repository)
            added_bytes = 0
            rows: dict[str, GitObject] = {}
            size_bytes = 0
            for oid, kind, body in objects:
                rows[oid] = GitObject(repository=self._repository, oid=oid, type=kind, body=body)
                size_bytes += len(body)
                if len(rows) == _BATCH or size_bytes > _BATCH_BYTES:
                    added_bytes += self._add_new(rows)
                    rows, size_bytes = {}, 0
            added_bytes += self._add_new(rows)
            if added_bytes:
                StorageUse.objects.add(self._repository, git_bytes=added_bytes)

    def _add_new(self, rows: dict[str, GitObject]) -> int:
        """Write those that are not here. Returns their bytes."""
        known = set(self._rows().filter(oid__in=rows).values_list("oid", flat=True))
        new = [row for oid, row in rows.items() if oid not in known]
        GitObject.objects.bulk_create(new)
        return sum(len(row.body) for row in new)

    def _rows(self) -> QuerySet[GitObject]:
        return GitObject.objects.filter(repository=self._repository)

    @staticmethod
    def _hex(sha: bytes) -> str:
        return sha.decode() if len(sha) == 40 else sha.hex()


def _batches(oids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(oids)
    while batch := list(islice(rest, _BATCH)):
        yield batch
