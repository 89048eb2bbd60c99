"""Downloads: in parts, in parallel, resumed after any kind of death, and never believed before the hash says so.

A file that is under way has a folder of its own: `data`, as long as the file will be, and `journal`, which lists the
parts that are safely on disk. A part enters the journal only after its bytes were synced, so after kill -9 or a power
cut each listed part is there and is not fetched again. When the last part is in, the whole file is hashed; only
then does it move to its final name. Wrong bytes remove the folder; one clean attempt follows, then an error.

One download of a content happens at a time on a machine: its lock decides. Locks are only ever *tried*; a process
that gets none of those it wants waits while holding nothing, so processes cannot block each other in a circle.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import httpx

from ._cache import Cache, hash_file
from ._exceptions import CacheError, IntegrityError, ServerError
from ._http import Http, TemporaryFailureError, raise_refusal
from ._locks import FileLock
from ._progress import Progress
from ._types import ManifestFile

log = logging.getLogger("smallhub")

PART_BYTES = 8 * 1024 * 1024
WORKERS = 4
MAX_CLAIMS = 200  # Each claim is an open file; systems allow some hundreds.
_POLL_S = 0.1
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class PartStore:
    """The durable state of one unfinished download. Its lock must be held by the caller."""

    def __init__(self, folder: Path, file: ManifestFile, *, part_bytes: int) -> None:
        self.file = file
        self.folder = folder
        self.data = folder / "data"
        self._journal = folder / "journal"
        self._part_bytes = part_bytes
        self._lock = threading.Lock()
        self._done = self._open()

    @property
    def missing(self) -> list[int]:
        """Numbers of the parts still to be fetched."""
        return [number for number in range(self.count) if number not in self._done]

    @property
    def count(self) -> int:
        """How many parts the file has; an empty file has none."""
        return -(-self.file.size // self._part_bytes)

    @property
    def done_bytes(self) -> int:
        """Bytes that need no fetching any more."""
        return sum(len(self.span(number)) for number in self._done)

    def span(self, number: int) -> range:
        """The bytes of a part, as positions in the file."""
        start = number * self._part_bytes
        return range(start, min(start + self._part_bytes, self.file.size))

    def finish(self, number: int) -> None:
        """Note that a part's bytes are on disk; the caller has synced them."""
        with self._lock:
            self._append(f"{number}\n")
            self._done.add(number)

    def remove(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._done = set()

    def restart(self) -> None:
        """Begin anew, trusting nothing that was there."""
        self.remove()
        self._done = self._open()

    def _open(self) -> set[int]:
        done = self._read_journal()
        if done is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self._append(json.dumps(self._header()) + "\n")
            done = set()
        with self.data.open("ab") as file:
            file.truncate(self.file.size)
        return done

    def _read_journal(self) -> set[int] | None:
        """The finished parts; None when the state is of another layout, or no state at all."""
        try:
            lines = self._journal.read_text(encoding="ascii").split("\n")
            if json.loads(lines[0]) != self._header() or self.data.stat().st_size != self.file.size:
                return None
            # The last piece has no line end: either empty or torn by a crash, and worth nothing in both cases.
            numbers = {int(line) for line in lines[1:-1]}
        except (OSError, ValueError):
            return None
        return numbers if all(0 <= number < self.count for number in numbers) else None

    def _append(self, text: str) -> None:
        with self._journal.open("a", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _header(self) -> dict[str, int | str]:
        return {"layout": 1, "size": self.file.size, "sha256": self.file.sha256, "part_bytes": self._part_bytes}


@dataclass
class _Job:
    """One file under way, with the lock that makes it ours."""

    store: PartStore
    lock: FileLock
    open_parts: int = 0
    is_second_try: bool = False


class Fetcher:
    """Brings wanted contents into the cache."""

    def __init__(self, http: Http, cache: Cache) -> None:
        self._http = http
        self._cache = cache

    def fetch(self, files: Sequence[ManifestFile], progress: Progress) -> None:
        """Return once every file is a checked blob; files that are so already cost nothing.

        Raises:
            IntegrityError: the server's bytes are wrong, twice.
            ServerError, Offline, AccessDenied, …: as the network and the hub have it. Finished parts are kept.
            CacheError: the disk is full or not writable.
        """
        pending = [file for file in {file.sha256: file for file in files}.values() if not self._cache.holds(file)]
        while pending:
            self._check_space(pending)
            with ExitStack() as locks:
                jobs = self._claim(pending, locks)
                if jobs:
                    _Round(self._http, self._cache, progress).run(jobs)
                else:
                    time.sleep(_POLL_S)  # Other processes fetch, just now, all that we want.
            mine = {job.store.file.sha256 for job in jobs}
            left = [file for file in pending if not self._cache.holds(file)]
            progress.advance(sum(file.size for file in pending if file not in left and file.sha256 not in mine))
            pending = left

    def _check_space(self, pending: Sequence[ManifestFile]) -> None:
        needed = sum(max(0, file.size - allocated_bytes(self._cache.parts(file.sha256) / "data")) for file in pending)
        free = shutil.disk_usage(self._cache.root).free
        if needed > free:
            raise CacheError(
                f"The files need {needed:,} more bytes; the disk of {self._cache.root} has {free:,} left.",
                code="disk_full",
                needed_bytes=needed,
                free_bytes=free,
            )

    def _claim(self, files: Sequence[ManifestFile], locks: ExitStack) -> list[_Job]:
        jobs: list[_Job] = []
        for file in files:
            if len(jobs) >= MAX_CLAIMS:
                break
            lock = self._cache.lock(file.sha256)
            if not lock.try_acquire():
                continue
            locks.enter_context(lock)
            if self._cache.holds(file):  # Its last holder may have finished just before us.
                lock.release()
                continue
            jobs.append(_Job(PartStore(self._cache.parts(file.sha256), file, part_bytes=PART_BYTES), lock))
        return jobs


class _Round:
    """Fetches the parts of some files with a few threads. The calling thread keeps the books; the others move bytes."""

    def __init__(self, http: Http, cache: Cache, progress: Progress) -> None:
        self._http = http
        self._cache = cache
        self._progress = progress
        self._stop = threading.Event()
        self._running: dict[Future[None], _Job] = {}

    def run(self, jobs: Sequence[_Job]) -> None:
        """Turn all jobs into blobs, or raise the first failure once every thread is at rest."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="smallhub") as pool:
            try:
                for job in jobs:
                    self._start(pool, job)
                while self._running:
                    finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        # A restart of its file may have settled it already.
                        if future in self._running:
                            self._settle(pool, self._running.pop(future), future)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _start(self, pool: ThreadPoolExecutor, job: _Job) -> None:
        self._progress.advance(job.store.done_bytes)
        missing = job.store.missing
        job.open_parts = len(missing)
        for number in missing:
            self._running[pool.submit(self._fetch_part, job.store, number)] = job
        if not missing:
            self._running[pool.submit(self._complete, job)] = job

    def _settle(self, pool: ThreadPoolExecutor, job: _Job, future: Future[None]) -> None:
        """Take note of one finished piece of work: a part, or the check of a whole file."""
        try:
            future.result()
        except _WrongBytesError as error:
            self._begin_anew(pool, job, error)
            return
        if job.open_parts:
            job.open_parts -= 1
            if not job.open_parts:
                self._running[pool.submit(self._complete, job)] = job

    def _begin_anew(self, pool: ThreadPoolExecutor, job: _Job, error: _WrongBytesError) -> None:
        """Remove what was fetched; try once more from nothing, then give up and name the file."""
        others = [future for future, owner in self._running.items() if owner is job]
        for future in others:
            future.cancel()
        wait(others)  # Nobody may write to the folder while it goes away.
        for future in others:
            del self._running[future]
        self._progress.advance(-job.store.done_bytes)
        job.store.remove()
        file = job.store.file
        if job.is_second_try:
            raise IntegrityError(
                f"{file.path}: the hub sent wrong bytes, twice: {error}. Nothing of it was kept.",
                path=file.path,
                expected=file.sha256,
            ) from error
        log.warning("%s: the hub sent wrong bytes (%s); one clean attempt follows.", file.path, error)
        job.is_second_try = True
        job.store.restart()
        self._start(pool, job)

    def _complete(self, job: _Job) -> None:
        """Check the whole file and give it its final name."""
        file = job.store.file
        actual = hash_file(job.store.data)
        if actual != file.sha256:
            raise _WrongBytesError(f"their SHA-256 is {actual}, the manifest says {file.sha256}")
        with _disk_errors(file):
            self._cache.publish(file.sha256, job.store.data)
        job.store.remove()
        job.lock.release()

    def _fetch_part(self, store: PartStore, number: int) -> None:
        file, span = store.file, store.span(number)
        with _disk_errors(file), store.data.open("r+b", buffering=0) as out:
            out.seek(span.start)
            try:
                self._http.with_retries(lambda: self._receive(file, span, out))
            except (ServerError, IntegrityError) as error:
                raise type(error)(f"{file.path}: {error.message}", code=error.code, path=file.path) from error
            os.fsync(out.fileno())
            if store.count > 1:  # A file of one part has nothing to resume.
                store.finish(number)

    def _receive(self, file: ManifestFile, span: range, out: RawIOBase) -> None:
        """Write what is left of a part. A later try goes on where this one ended."""
        position = out.tell()
        headers = {} if position == 0 and len(span) == file.size else {"Range": f"bytes={position}-{span.stop - 1}"}
        with self._http.stream("GET", file.url, headers=headers) as response:
            skip = _check_answer(response, file, position, span.stop)
            is_whole_file = response.status_code == 200
            for block in response.iter_raw():
                if self._stop.is_set():
                    raise _StoppedError
                useful = block[skip:]
                skip = max(0, skip - len(block))
                room = span.stop - position
                if len(useful) > room and is_whole_file and span.stop < file.size:
                    useful = useful[:room]  # The server knows no ranges: the rest belongs to other parts.
                if len(useful) > room:
                    raise _WrongBytesError(f"more than the {file.size} bytes of the manifest")
                _write_all(out, useful)
                position += len(useful)
                self._progress.advance(len(useful))
                if position == span.stop and is_whole_file and span.stop < file.size:
                    return
        if position < span.stop:
            raise TemporaryFailureError(f"the connection ended {span.stop - position} bytes early")


class _StoppedError(Exception):
    """Another part failed for good, so this one need not go on. Seen by nobody: the other failure is the one raised."""


class _WrongBytesError(Exception):
    """What came is not what the manifest describes."""


def _check_answer(response: httpx.Response, file: ManifestFile, start: int, stop: int) -> int:
    """Does the answer hold the bytes we asked for? Returns how many bytes of the body to skip."""
    if response.status_code == 416:
        raise _WrongBytesError(f"fewer than the {file.size} bytes of the manifest")
    if response.status_code >= 400:
        raise_refusal(response)
    if response.status_code == 206:
        given = response.headers.get("Content-Range", "")
        match = _CONTENT_RANGE.fullmatch(given)
        if match is None or (int(match[1]), int(match[2]) + 1, int(match[3])) != (start, stop, file.size):
            raise _WrongBytesError(f"the range {given!r} in place of bytes {start}-{stop - 1} of {file.size}")
        return 0
    if response.status_code != 200:
        raise ServerError(f"the hub answered with status {response.status_code}", code="bad_status")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(file.size):
        raise _WrongBytesError(f"{length} bytes, the manifest says {file.size}")
    return start


def allocated_bytes(path: Path) -> int:
    """Bytes that a file, perhaps with holes, takes on disk; 0 when there is none, or the system does not tell."""
    try:
        return int(getattr(path.stat(), "st_blocks", 0)) * 512
    except FileNotFoundError:
        return 0


def _write_all(out: RawIOBase, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[out.write(view) or 0 :]


@contextmanager
def _disk_errors(file: ManifestFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(f"{file.path}: the cache cannot be written: {error}.", path=file.path) from error
