"""Where a push is kept while it is looked at."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from accounts.models import User
from models_registry.git.pktline import Readable
from models_registry.git.quarantine import Quarantine
from models_registry.git.store import RowObjectStore
from models_registry.git.unpacking import Deadline, Limits, unpack
from models_registry.models import Repository
from models_registry.services.limits import spend_delivery

_STEP_BYTES = 256 * 1024


def folder() -> Path:
    """A place on the hub's own disk: a push may be larger than what /tmp holds in memory."""
    place = Path(settings.SMALLHUB_DATA) / "tmp"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def quarantine(objects: Iterable[tuple[int, bytes]] = ()) -> Quarantine:
    """A quarantine with these objects, given as type number and content. Use it in a `with`."""
    return Quarantine.collect(objects, folder=folder())


def take_pack(
    *, repository: Repository, user: User, pack: Readable, into: Quarantine, limits: Limits | None = None
) -> None:
    """Read a pack to the end of its stream, then unpack it.

    All of it is read before anything is refused: a client that still sends would not hear why.

    Raises:
        MalformedPack, PackTooLarge
        TooOften: a day's share of those who may only propose.
    """
    limits = limits or Limits()
    rows = RowObjectStore(repository)

    def find_base(oid: str) -> tuple[int, bytes] | None:
        try:
            return rows.get_raw(oid.encode())
        except KeyError:
            return None

    with tempfile.TemporaryFile(dir=folder(), prefix="pack-") as file:
        while data := pack.read(_STEP_BYTES):
            file.write(data)
        spend_delivery(user=user, repository=repository, size_bytes=file.tell())
        file.seek(0)
        unpack(file, into, limits=limits, deadline=Deadline(limits.seconds), find_base=find_base)
