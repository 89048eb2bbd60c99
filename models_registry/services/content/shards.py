"""Registering files that came as chunks: every claim of the shard is checked, and the file's SHA-256 computed anew."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from models_registry.models import Repository, RepositoryContent, StorageUse, Xorb
from models_registry.permissions import Action, require
from models_registry.services import quotas
from models_registry.services.content import links
from models_registry.services.content.ingest import check_size
from models_registry.services.content.reading import read_terms
from models_registry.services.content.xorbs import Shelf, in_batches, index_chunks, reservation_key, usable_by
from models_registry.storage.digests import Sha256, XetHash
from models_registry.storage.exceptions import HashMismatch, MalformedShard, UnknownXorb
from models_registry.storage.hashing import Leaf, file_hash, term_hash
from models_registry.storage.shard import FileClaim, Shard, XorbClaim, read_shard
from models_registry.storage.terms import Term

_TELL_EVERY_S = 2.0


@dataclass(frozen=True)
class Progress:
    """How many bytes of all are verified. The last one carries the `result`: 0 existed, 1 registered."""

    verified: int
    total: int
    is_result: bool = False
    result: int = 0


def register_shard(*, repository: Repository, user: User, body: bytes) -> int:
    """Register the files of a shard. Returns 0 if this repository had all of them, else 1.

    Raises:
        RepositoryForbidden, RepositoryNotFound: no right to propose anything here.
        MalformedShard, BodyTooLarge, FileTooLarge, UnknownXorb, HashMismatch: nothing was registered.
        CorruptContent: stored bytes are damaged.
    """
    return list(registering(repository=repository, user=user, body=body))[-1].result


def registering(*, repository: Repository, user: User, body: bytes) -> Iterator[Progress]:
    """The same in steps. The form of the shard and the right to use its xorbs are checked before the first step."""
    require(user, Action.PROPOSE, repository)
    shard = read_shard(body)
    for file in shard.files:
        check_size(file.size_bytes)
    _require_usable(shard, repository=repository, user=user)
    return _register(shard, repository)


@dataclass(frozen=True)
class _Verified:
    sha256: Sha256
    xet_hash: XetHash
    size_bytes: int
    terms: list[Term]
    first_chunk: bytes | None


def _register(shard: Shard, repository: Repository) -> Iterator[Progress]:
    shelf = Shelf()
    for claim in shard.xorbs:
        _check_xorb(claim, shelf)
    total = sum(file.size_bytes for file in shard.files)
    done = 0
    verified: list[_Verified] = []
    for file in shard.files:
        terms = file.terms
        leaves = _check_terms(file, terms, shelf)
        hashing = _Hashing(file, terms)
        if not hashing.is_known_to(repository):
            for read_bytes in hashing.steps():
                yield Progress(done + read_bytes, total)
        done += file.size_bytes
        verified.append(
            _Verified(hashing.sha256(), file.hash, file.size_bytes, terms, leaves[0][0] if leaves else None)
        )
    yield Progress(total, total, is_result=True, result=_record(verified, repository))


@transaction.atomic
def _record(files: list[_Verified], repository: Repository) -> int:
    """All files of a shard, or none. Returns 0 if this repository had all of them."""
    StorageUse.objects.lock(repository)  # First in the order in which rows are locked.
    named = {term.xorb for file in files for term in file.terms}
    quotas.release(repository=repository, keys=[reservation_key(xorb) for xorb in named])
    digests = {file.sha256 for file in files}
    known = RepositoryContent.objects.filter(repository=repository, content__sha256__in=digests).count()
    links.record(
        repository=repository,
        files=[links.NewFile(file.sha256, file.xet_hash, file.size_bytes, file.terms) for file in files],
    )
    for file in files:
        if file.first_chunk is not None:  # Clients ask for the first chunk of each file.
            xorb = Xorb.objects.only("pk").get(hash=file.terms[0].xorb)
            index_chunks(xorb, [(file.terms[0].start, file.first_chunk)])
    return int(known < len(digests))


def _require_usable(shard: Shard, *, repository: Repository, user: User) -> None:
    """Every xorb that the shard names must be one that the caller may use here.

    Raises:
        UnknownXorb: one is not; the same words for one that does not exist.
    """
    named = dict.fromkeys(term.xorb for file in shard.files for term in file.terms)
    named |= dict.fromkeys(claim.hash for claim in shard.xorbs)
    for batch in in_batches(named):
        usable = set(usable_by(user, repository).filter(hash__in=batch).values_list("hash", flat=True))
        for digest in batch:
            if digest not in usable:
                raise UnknownXorb(hash=digest)


def _check_xorb(claim: XorbClaim, shelf: Shelf) -> None:
    _, table = shelf.get(claim.hash)
    if claim.leaves() != table.leaves():
        raise MalformedShard(reason=f"it lists other chunks for the xorb {claim.hash} than were uploaded")


def _check_terms(file: FileClaim, terms: list[Term], shelf: Shelf) -> list[Leaf]:
    """Check ranges, lengths, proofs and the file's hash against the tables that the hub made. Returns the chunks."""
    proofs = file.proofs
    if len(proofs) != len(terms):
        raise MalformedShard(reason=f"the file {file.hash} comes without verification hashes")
    leaves: list[Leaf] = []
    for term, proof in zip(terms, proofs, strict=True):
        _, table = shelf.get(term.xorb)
        if term.stop > len(table):
            raise MalformedShard(reason=f"a term ends at chunk {term.stop} of {len(table)}")
        if table.raw_length(term.start, term.stop) != term.raw_bytes:
            raise MalformedShard(reason=f"a term of the file {file.hash} has the wrong length")
        if term_hash(table.hashes(term.start, term.stop)) != proof:
            raise HashMismatch(what="term", actual="another verification hash", expected=proof.hex())
        leaves += table.leaves(term.start, term.stop)
    actual = file_hash(leaves)
    if actual != file.hash:
        raise HashMismatch(what="file", actual=actual, expected=file.hash)
    return leaves


class _Hashing:
    """The SHA-256 of a file, from the bytes in the store; never from the client's word."""

    def __init__(self, file: FileClaim, terms: list[Term]) -> None:
        self._file = file
        self._terms = terms
        self._hasher = hashlib.sha256()
        self._known: Sha256 | None = None

    def is_known_to(self, repository: Repository) -> bool:
        """A repeated registration need not be hashed again: this repository's own row says what these chunks give."""
        claim = self._file.sha256
        if claim and links.is_linked(repository, sha256=claim, xet_hash=self._file.hash, terms=self._terms):
            self._known = claim
        return self._known is not None

    def steps(self) -> Iterator[int]:
        """Hash the file; now and then say how many bytes are done."""
        done, told_at = 0, time.monotonic()
        for piece in read_terms(self._terms, 0, self._file.size_bytes, name=self._file.hash):
            self._hasher.update(piece)
            done += len(piece)
            if time.monotonic() - told_at > _TELL_EVERY_S:
                told_at = time.monotonic()
                yield done

    def sha256(self) -> Sha256:
        """The digest.

        Raises:
            HashMismatch: the shard claims another.
        """
        actual = self._known or Sha256(self._hasher.hexdigest())
        if self._file.sha256 is not None and self._file.sha256 != actual:
            raise HashMismatch(what="file", actual=actual, expected=self._file.sha256)
        return actual
