"""Finding chunks that need not be sent or stored again, among those that the caller may use."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts.models import User
from models_registry.models import Blob, Chunk, Repository, RepositoryXorb, Xorb
from models_registry.services.content.xorbs import prefix_of, usable_by
from models_registry.storage.digests import XetHash
from models_registry.storage.shard import write_dedupe_shard
from models_registry.storage.table import ChunkTable

_NEIGHBOURS = 32  # Xorbs told of around a hit: an upload of 2 GB. What lies together was uploaded together.
_SIBLINGS = 8  # Repositories of the same owner that a first upload may look like.
_MOST_KNOWN = 200_000  # Chunks that one upload compares with: 12 GB of content, some 40 MB of memory.
_WORTH_LOADING_BYTES = 4 * 2**20  # For a small file, the tables of old xorbs take longer to read than the file.
_ANSWER_LIVES_S = 3600  # Clients forget an answer after this, well before a collection could remove what it names.


def dedupe_answer(
    *, repository: Repository, user: User | AnonymousUser, chunk_hash: str, now_s: int, with_newest: bool = False
) -> bytes | None:
    """A shard that lists xorbs which hold this chunk, and those uploaded with them; None if nothing is to be told.

    Args:
        now_s: Unix time; the answer says when it expires.
        with_newest: without a hit, tell of the newest xorbs of the repository, or of its owner's. Clients ask for the
            first chunk of each file, and the start of a file is what changes most often (a header, the first tensor).
    """
    chunk = XetHash(chunk_hash).to_bytes()
    hits = _xorbs_holding([chunk], user=user, repository=repository)
    xorbs = _with_neighbours(hits, user=user, repository=repository) if hits else []
    if not xorbs and with_newest:
        xorbs = _newest(repository, user)
    if not xorbs:
        return None
    known = [
        (XetHash(xorb.hash), xorb.stored_bytes, ChunkTable.from_bytes(xorb.chunk_table).leaves()) for xorb in xorbs
    ]
    key = salted_hmac("smallhub.dedupe", str(repository.pk), secret=settings.SECRET_KEY, algorithm="sha256").digest()
    return write_dedupe_shard(known, key=key, created_at_s=now_s, expires_at_s=now_s + _ANSWER_LIVES_S)


class KnownChunks:
    """What one upload may refer to instead of storing it: chunks by hash, found as the upload goes on."""

    def __init__(self, *, repository: Repository, user: User, size_bytes: int) -> None:
        self._repository = repository
        self._user = user
        self._places: dict[bytes, tuple[XetHash, int]] = {}
        self._loaded: set[XetHash] = set()
        if size_bytes >= _WORTH_LOADING_BYTES:
            self._load(_newest(repository, user))

    def find(self, chunks: Sequence[bytes]) -> dict[bytes, tuple[XetHash, int]]:
        """Of these chunk hashes those that are stored, each with its xorb and index there."""
        unknown = [chunk for chunk in chunks if chunk not in self._places]
        if unknown and len(self._places) < _MOST_KNOWN:
            hits = _xorbs_holding(unknown, user=self._user, repository=self._repository)
            if any(xorb.hash not in self._loaded for xorb in hits):
                self._load(_with_neighbours(hits, user=self._user, repository=self._repository))
        return {chunk: self._places[chunk] for chunk in chunks if chunk in self._places}

    def _load(self, xorbs: Iterable[Xorb]) -> None:
        for xorb in xorbs:
            digest = XetHash(xorb.hash)
            if digest in self._loaded or len(self._places) >= _MOST_KNOWN:
                continue
            self._loaded.add(digest)
            for index, chunk in enumerate(ChunkTable.from_bytes(xorb.chunk_table).hashes()):
                self._places.setdefault(chunk, (digest, index))


def _xorbs_holding(chunks: Sequence[bytes], *, user: User | AnonymousUser, repository: Repository) -> list[Xorb]:
    """Usable xorbs that hold at least one of these chunks, by the index; the oldest few."""
    rows = Chunk.objects.filter(prefix__in={prefix_of(chunk) for chunk in chunks}).values("xorb_id")
    candidates = (
        usable_by(user, repository).filter(pk__in=rows).exclude(blob__in=_damaged()).order_by("pk")[:_NEIGHBOURS]
    )
    wanted = set(chunks)
    return [xorb for xorb in candidates if not wanted.isdisjoint(ChunkTable.from_bytes(xorb.chunk_table).hashes())]


def _with_neighbours(hits: Sequence[Xorb], *, user: User | AnonymousUser, repository: Repository) -> list[Xorb]:
    """The hits, and what was delivered right before and after them to the same repositories."""
    readable = Repository.objects.downloadable_by(user).values("pk")
    found = {xorb.pk: xorb for xorb in hits}
    for hit in hits:
        if len(found) >= _NEIGHBOURS:
            break
        place = (
            RepositoryXorb.objects.filter(xorb=hit, repository=repository).first()
            or RepositoryXorb.objects.filter(xorb=hit, repository__in=readable).order_by("pk").first()
        )
        if place is None:
            continue
        links = RepositoryXorb.objects.filter(repository=place.repository_id).select_related("xorb")
        links = links.exclude(xorb__blob__in=_damaged())
        after = links.filter(pk__gt=place.pk).order_by("pk")[: _NEIGHBOURS // 2]
        before = links.filter(pk__lt=place.pk).order_by("-pk")[: _NEIGHBOURS // 2]
        for row in [*after, *before]:
            found.setdefault(row.xorb_id, row.xorb)
    return list(found.values())[:_NEIGHBOURS]


def _damaged() -> QuerySet[Blob, str]:
    """Nobody is to rely on chunks of these: they are to be sent again, which mends them."""
    return Blob.objects.exclude(damage="").values_list("digest", flat=True)


def _newest(repository: Repository, user: User | AnonymousUser) -> list[Xorb]:
    """The newest xorbs of the repository; for its first upload, of what its owner changed last.

    A fine-tune often starts a repository of its own: its header differs from its base's, so that not even its first
    chunk is found by hash, though most of the others are the same.
    """
    links = RepositoryXorb.objects.exclude(xorb__blob__in=_damaged()).order_by("-pk").select_related("xorb")
    own = [row.xorb for row in links.filter(repository=repository)[:_NEIGHBOURS]]
    if own:
        return own
    siblings = Repository.objects.downloadable_by(user).filter(namespace=repository.namespace_id)
    nearest = list(siblings.order_by("-updated_at", "-pk").values_list("pk", flat=True)[:_SIBLINGS])
    return list({row.xorb_id: row.xorb for row in links.filter(repository__in=nearest)[:_NEIGHBOURS]}.values())
