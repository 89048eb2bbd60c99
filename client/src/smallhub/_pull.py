"""From a name to a folder: one manifest request, the missing contents, a snapshot, and a copy where asked for."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ._cache import Cache, check_file, copy_file, hash_file, stored_manifest, write_durably
from ._exceptions import (
    AcceptanceNeeded,
    IntegrityError,
    Invalid,
    NotFound,
    Offline,
    Quarantined,
    RevisionNotFound,
    SmallhubError,
    UnsafePath,
    Unscanned,
)
from ._http import Http
from ._lock import Pin
from ._names import Reference, segment
from ._policy import Policies
from ._progress import Progress
from ._transfer import Fetcher
from ._types import FileCheck, Manifest, ManifestFile, VerifyReport

log = logging.getLogger("smallhub")

SCAN_PATIENCE_S, SCAN_LOOK_S = 120.0, 2.0
NOTICE = 25  # Above what libraries say by default, below a warning: the command line prints it.
STATE_FOLDER = ".smallhub"  # Inside a folder of the user's: which version it holds.


class Downloads:
    """Pulls and verifies versions."""

    def __init__(self, http: Http, cache: Cache) -> None:
        self._http = http
        self._cache = cache
        self.policies = Policies(http)

    def manifest(self, reference: Reference) -> Manifest:
        """Ask the hub which files a version has. Without a revision: `latest`, else the head of `main`.

        Raises:
            RepositoryNotFound, RevisionNotFound, LatestHeld, AccessDenied, Offline, ServerError, UnsafePath.
        """
        if reference.revision is not None:
            return self._ask(reference)
        try:
            return self._ask(reference.at("latest"))
        except RevisionNotFound:  # Nothing has been released yet.
            return self._ask(reference.at("main"))

    def pull(
        self,
        reference: Reference,
        *,
        folder: Path | None = None,
        allow_quarantined: bool = False,
        scanned: bool = False,
        verify: bool = False,
        progress: bool | None = None,
        pin: Pin | None = None,
        allow: tuple[str, ...] | None = None,
    ) -> Path:
        """Bring a version here and return its folder; see `smallhub.pull`. With a pin, those very bytes or nothing.

        Args:
            allow: licences to let in, beside those of the project's own rules.
        """
        self._cache.prepare()
        manifest, is_cached = self._resolve(reference)
        self.policies.here().with_rule(allow, "what was asked for").check(reference.repository, manifest.terms)
        if pin is not None:
            pin.check(manifest)
        if scanned:
            manifest = self._await_scan(reference, manifest, is_cached=is_cached)
        _check_quarantine(manifest, allow_quarantined)
        _tell_release(manifest)
        _tell_scan(manifest)
        if not allow_quarantined:
            for file in manifest.files:
                if file.held:
                    log.warning("%s is left out, for the hub holds it back: %s", file.path, file.held)
            manifest = manifest.without_held()
        if verify:
            self._drop_damaged(manifest)
        if is_cached:
            self._check_complete(manifest)
        else:
            missing = [file for file in manifest.files if not self._cache.holds(file)]
            total_bytes = sum({file.sha256: file.size for file in missing}.values())
            with Progress(label=reference.repository, total_bytes=total_bytes, visible=progress) as bar:
                Fetcher(self._http, self._cache).fetch(missing, bar)
        snapshot = self._cache.snapshot(reference, manifest)
        return snapshot if folder is None else self._copy_out(manifest, folder)

    def _await_scan(self, reference: Reference, manifest: Manifest, *, is_cached: bool) -> Manifest:
        """The manifest of the same commit once the hub has scanned it.

        Raises:
            Unscanned: it has not been within two minutes, or the hub cannot be asked.
        """
        ends_at = time.monotonic() + (0 if is_cached else SCAN_PATIENCE_S)
        while not manifest.is_scanned:
            if time.monotonic() >= ends_at:
                raise Unscanned(
                    f"{manifest.repository} at {manifest.commit[:12]} has not been scanned by the hub. Pull it later, "
                    "or a release of it.",
                    repository=manifest.repository,
                    commit=manifest.commit,
                )
            time.sleep(SCAN_LOOK_S)
            manifest = self._ask(reference.at(manifest.commit))
        return manifest

    def verify(self, reference: Reference) -> VerifyReport:
        """Hash the cached version of this name. Needs no network.

        Raises:
            NotFound: it was never pulled.
        """
        found = self._cache.find(reference)
        if found is None:
            raise NotFound(f"{reference} is not in the cache. Pull it first.", code="not_cached")
        manifest, folder = found
        return verify_folder(folder, manifest)

    def _ask(self, reference: Reference) -> Manifest:
        revision = segment(reference.revision or "main")
        path = f"/api/v1/repositories/{reference.api_kind}/{reference.repository}/manifest/{revision}"
        try:
            return Manifest.read(self._http.call("GET", path).data)
        except AcceptanceNeeded as error:
            hint = f"Or run `smallhub accept {reference.repository}` to read and accept the terms."
            details = {**error.details, "repository": reference.repository}
            raise AcceptanceNeeded(f"{error.message.rstrip('.')}. {hint}", **details) from error

    def _resolve(self, reference: Reference) -> tuple[Manifest, bool]:
        """The manifest, and whether it came from the cache for want of a network."""
        try:
            return self.manifest(reference), False
        except Offline as error:
            found = self._cache.find(reference)
            if found is None:
                raise Offline(f"{error.message} And {reference} is not in the cache.") from error
            if not self._http.config.offline:
                log.warning(
                    "%s Using the cached copy of %s, commit %s.", error.message, reference, found[0].commit[:12]
                )
            return found[0], True

    def _check_complete(self, manifest: Manifest) -> None:
        lost = [file.path for file in manifest.files if not self._cache.holds(file)]
        if lost:
            raise Offline(f"The cached copy is incomplete ({', '.join(lost[:3])}), and the hub cannot be asked.")

    def _drop_damaged(self, manifest: Manifest) -> None:
        """Hash what is cached.

        Raises:
            IntegrityError: a cached file was damaged; it is removed, so that the next pull brings it anew.
        """
        for file in manifest.files:
            blob = self._cache.blob(file.sha256)
            if not blob.exists():
                continue
            try:
                check_file(blob, file)
            except IntegrityError as error:
                self._cache.drop(file.sha256)
                raise IntegrityError(
                    f"{error.message} The damaged copy was removed from the cache; pull again.", **error.details
                ) from error

    def _copy_out(self, manifest: Manifest, folder: Path) -> Path:
        """Make a folder of the user's hold this version. Files of an older pull that are gone now, go."""
        folder.mkdir(parents=True, exist_ok=True)
        previous = _previous(folder)
        for file in manifest.files:
            target = _inside(folder, file.path)
            if not _is_same(target, file):
                target.parent.mkdir(parents=True, exist_ok=True)
                copy_file(self._cache.blob(file.sha256), target)
        kept = {file.path for file in manifest.files}
        for file in previous.files if previous else ():
            stale = _inside(folder, file.path)
            if file.path not in kept and _is_same(stale, file):  # What the user changed stays the user's.
                stale.unlink()
        (folder / STATE_FOLDER).mkdir(exist_ok=True)
        write_durably(folder / STATE_FOLDER / "manifest.json", json.dumps(manifest.to_json()))
        return folder


def verify_folder(folder: Path, manifest: Manifest | None = None) -> VerifyReport:
    """Hash every file of a pulled folder and compare with its manifest.

    Raises:
        Invalid: the folder was not made by a pull.
    """
    manifest = manifest or stored_manifest(folder)
    if manifest is None:
        raise Invalid(f"{folder} has no manifest: it was not made by `smallhub pull`.", code="no_manifest")
    checks = [FileCheck(file.path, _state(folder / file.path, file)) for file in manifest.files]
    known = {file.path for file in manifest.files}
    checks += [FileCheck(path, "unexpected") for path in _walk(folder) if path not in known]
    return VerifyReport(
        repository=manifest.repository, commit=manifest.commit, folder=str(folder), checks=tuple(checks)
    )


def _check_quarantine(manifest: Manifest, allow_quarantined: bool) -> None:
    if manifest.quarantined and not allow_quarantined:
        raise Quarantined(
            f"{manifest.repository} at {manifest.commit[:12]} is quarantined: the hub's scan found something "
            "dangerous. Its page says what. To pull it all the same, allow quarantined versions explicitly.",
            repository=manifest.repository,
            commit=manifest.commit,
            verdict=dict(manifest.verdict),
        )


def _tell_scan(manifest: Manifest) -> None:
    """Warn of what nobody has looked at yet."""
    if not manifest.is_scanned:
        log.warning(
            "%s at %s has not been scanned by the hub yet. Ask for --scanned to wait for it.",
            manifest.repository,
            manifest.commit[:12],
        )


def _tell_release(manifest: Manifest) -> None:
    """Say which release this is and what its author says of it; warn of one that was withdrawn."""
    if manifest.yanked:
        log.warning("%s %s was yanked: %s", manifest.repository, manifest.release, manifest.yanked)
    elif manifest.release:
        first = next((line.strip("# ").strip() for line in manifest.notes.splitlines() if line.strip("# ").strip()), "")
        log.log(NOTICE, "%s %s%s", manifest.repository, manifest.release, f": {first}" if first else "")


def _state(path: Path, file: ManifestFile) -> Any:
    if not path.is_file():
        return "missing"
    return "ok" if _is_same(path, file) else "changed"


def _is_same(path: Path, file: ManifestFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and hash_file(path) == file.sha256


def _previous(folder: Path) -> Manifest | None:
    try:
        return stored_manifest(folder)
    except SmallhubError:  # Damaged: then nothing is known of the past, and nothing of it is removed.
        log.warning("%s: the record of the earlier pull cannot be read.", folder)
        return None


def _inside(folder: Path, path: str) -> Path:
    """The target of a file, provided no link on the way leads out of the folder."""
    target = folder / path
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise UnsafePath(f"{path!r} would land outside {folder}, through a link there.", path=path)
    if target.is_dir():
        raise UnsafePath(f"{path!r} is a folder in {folder}; move it away first.", path=path)
    return target


def _walk(folder: Path) -> list[str]:
    """Paths of all files below a folder, in the manifest's spelling, without our own state."""
    found: list[str] = []
    for base, folders, names in os.walk(folder):
        with suppress(ValueError):
            folders.remove(STATE_FOLDER)
        found += [(Path(base) / name).relative_to(folder).as_posix() for name in names]
    return sorted(found)
