"""Scan: what each file is by its bytes, and what it would do to somebody who opens it. Nothing is loaded.

A scan is a label, not a wall: whatever it says, only plain tensor data is ever loaded, and only in the sandbox.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from evaluation.sandbox.staging import is_loadable_name, without_code_keys
from evaluation.steps.clamav import Antivirus, TooLarge
from evaluation.steps.findings import Finding, Verdict, held, warned
from evaluation.steps.scan_formats import external_findings, keras_findings, weight_findings
from models_registry.formats import config_json, detect, leaks, pickles, zips
from models_registry.formats.errors import BadFormat

__all__ = [
    "Finding",
    "KnownFile",
    "PlainReader",
    "Reader",
    "ScanResult",
    "Verdict",
    "plain_files",
    "scan",
    "scan_stream",
]

_MAX_PICKLE_BYTES = 64_000_000
_MAX_CONFIG_BYTES = config_json.TOKENIZER_LIMITS.size_bytes
# Model files that are listed and kept, but never opened here.
_WORST = frozenset({"virus", "executable_format", "program"})  # Told before what is only broken.
_NOT_LOADED = {"hdf5": "HDF5"}
_CLOSED = "Archives are not opened here."
_WAYS_OUT = {".skops": "Only scikit-learn opens it; push what smallhub.runtimes.sklearn_models makes of it."}


@dataclass(frozen=True)
class ScanResult:
    """All findings, the verdict, and the kind of each file by its bytes."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    kinds: dict[str, str]
    total_bytes: int

    @property
    def held_back(self) -> dict[str, str]:
        """Paths that are held back, with the sentence that says why."""
        return {finding.path: finding.detail for finding in self.findings if finding.is_held_back}

    @property
    def is_loadable(self) -> bool:
        """None of the files that a loader would see is held back."""
        return not any(is_loadable_name(path) for path in self.held_back)

    def summary(self) -> str:
        """One sentence for the list of steps."""
        count = f"{len(self.kinds):,} file" + ("" if len(self.kinds) == 1 else "s")
        if not self.findings:
            return f"{count}, no program in any of them, every name true to its bytes."
        held = len(self.held_back)
        return (
            f"{count}, {held} held back. {self.findings[0].detail}" if held else f"{count}. {self.findings[0].detail}"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data for the database and the API."""
        return {
            "verdict": str(self.verdict),
            "findings": [asdict(finding) | {"severity": str(finding.severity)} for finding in self.findings],
            "kinds": self.kinds,
            "total_bytes": self.total_bytes,
            "convertible": sorted({finding.path for finding in self.findings if finding.can_convert}),
        }


@dataclass(frozen=True)
class KnownFile:
    """What an earlier scan said of a file that is not read again."""

    kind: str
    findings: tuple[Finding, ...]
    size_bytes: int


class Reader(Protocol):
    """What opens the files: these readers themselves, or these readers behind walls."""

    def file(self, name: str) -> tuple[str, list[Finding]]:
        """The kind of a file and its findings."""

    def beside(self, kinds: Mapping[str, str]) -> list[Finding]:
        """Findings of files that keep a part of themselves in others."""


class PlainReader:
    """Reads in this very process: for files that one trusts, and inside the walls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, name: str) -> tuple[str, list[Finding]]:
        """See `Reader`."""
        with (self._folder / name).open("rb") as stream:
            return scan_stream(name, stream, size_bytes=(self._folder / name).stat().st_size)

    def beside(self, kinds: Mapping[str, str]) -> list[Finding]:
        """See `Reader`."""
        return list(external_findings(self._folder, kinds))


def scan(
    folder: Path,
    paths: Sequence[str] | None = None,
    *,
    antivirus: Antivirus | None = None,
    reader: Reader | None = None,
    known: Mapping[str, KnownFile] | None = None,
) -> ScanResult:
    """Scan a commit's files.

    Args:
        folder: laid out as the repository.
        paths: which files; every plain file by default.
        antivirus: somebody else to ask about each file as well.
        reader: what opens the files; of strangers' files, `walled_scan.WalledReader`.
        known: files of the commit that need not be in the folder.

    Raises:
        AntivirusUnavailable: it cannot be asked now, so there is no verdict yet.
    """
    names = sorted(paths if paths is not None else plain_files(folder))
    known = known or {}
    findings = [finding for file in known.values() for finding in file.findings]
    kinds = {name: file.kind for name, file in known.items()}
    reads = reader or PlainReader(folder)
    for name in (name for name in names if name not in known):
        kinds[name], found = reads.file(name)
        findings += found
        if antivirus is not None:
            with (folder / name).open("rb") as stream:
                findings += _second_opinion(name, stream, antivirus)
    findings += reads.beside(kinds)
    order = {Verdict.QUARANTINED: 0, Verdict.WARNING: 1}
    findings.sort(key=lambda finding: (order[finding.severity], finding.kind not in _WORST, finding.path))
    verdict = findings[0].severity if findings else Verdict.CLEAN
    total_bytes = sum((folder / name).stat().st_size for name in names if name not in known)
    total_bytes += sum(file.size_bytes for file in known.values())
    return ScanResult(verdict, tuple(findings), dict(sorted(kinds.items())), total_bytes)


def scan_stream(name: str, stream: BinaryIO, *, size_bytes: int) -> tuple[str, list[Finding]]:
    """Scan one file: its kind by the bytes, and its findings. Whatever goes wrong in reading is a finding."""
    try:
        found = detect.detect(stream, size_bytes=size_bytes)
        return found.kind, list(_judge(name, found, stream, size_bytes))
    except Exception:  # noqa: BLE001 - a file that breaks its scan is held back, never waved through.
        return "unreadable", [held(name, "unreadable", "It could not be read to its end.")]


def _second_opinion(name: str, stream: BinaryIO, antivirus: Antivirus) -> list[Finding]:
    """What a virus scanner says. It parses the file in its own process; here it is only sent."""
    try:
        found = antivirus(stream)
    except TooLarge:
        return [warned(name, "not_searched", f"{name} is larger than what the virus scanner takes.")]
    return [held(name, "virus", f"The virus scanner knows it as {found}.")] if found else []


def plain_files(folder: Path) -> Iterable[str]:
    """Plain files only: links are never followed."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix()


def _judge(name: str, found: detect.Detected, stream: BinaryIO, size_bytes: int) -> Iterable[Finding]:
    """The rules, most telling first; a file that is a program needs no second finding."""
    pickled = next((kind for kind in found.all_kinds if kind in ("pickle", "pickle_in_text")), None)
    if pickled:
        stream.seek(0)
        yield _pickle_finding(name, pickles.scan(stream))
    elif found.is_ambiguous:
        kinds = " and ".join(found.all_kinds)
        yield held(name, "ambiguous", f"It is {kinds} at once, so two programs would see two different files.")
    elif found.kind in detect.EXECUTABLE:
        yield held(name, "program", "It is a program for this or another machine.")
    elif found.kind == "zip":
        yield from _zip_findings(name, stream, size_bytes)
    elif found.kind in detect.CONTAINERS:
        yield _container(name, found.kind)
    elif found.kind == "numpy":
        yield from _array_findings(name, stream)
    elif (wanted := detect.kinds_for_name(name)) is not None and found.kind not in wanted:
        yield _mismatch(name, found.kind)
    elif found.kind in detect.WEIGHTS:
        yield from _header_findings(name, found.kind, stream, size_bytes)
    elif found.kind in ("text", "json", "html"):
        yield from _text_findings(name, stream)
        yield from _leaks(name, stream)


def _pickle_finding(name: str, report: pickles.PickleReport) -> Finding:
    """Say what opening a pickle would do."""
    if report.would_run:
        return held(name, "executable_format", f"Opening it would run {_listed(report.would_run)}.")
    if report.unknown:
        return held(name, "executable_format", f"Opening it would import {_listed(report.unknown)}.")
    if report.broken:
        return held(name, "executable_format", f"It is a pickle that cannot be read to its end: {report.broken}.")
    detail = (
        f"{name} is held back. It is a pickle, a format that can run code when opened; this one only rebuilds data. "
        "Save the weights as safetensors."
    )
    return Finding(name, "tensor_pickle", Verdict.WARNING, detail, can_convert=report.is_state_dict)


def _zip_findings(name: str, stream: BinaryIO, size_bytes: int) -> Iterable[Finding]:
    """Look into a zip: PyTorch's and numpy's files are zips with pickles or arrays inside."""
    try:
        members = zips.read_members(stream, size_bytes=size_bytes)
        inner = [finding for member in members for finding in _member_findings(name, stream, member)]
        if name.lower().endswith(".keras"):
            inner += keras_findings(name, stream, members)
    except BadFormat as error:
        yield held(name, "unreadable", f"It is an archive that readers could read differently: {error.detail}")
        return
    if inner:
        yield min(inner, key=lambda finding: finding.severity is not Verdict.QUARANTINED)
    elif not name.lower().endswith(".npz"):
        yield _container(name, "zip")


def _member_findings(name: str, stream: BinaryIO, member: zips.ZipMember) -> Iterable[Finding]:
    """Findings of one member, told in the name of the whole file."""
    if member.is_folder or not member.size_bytes:
        return
    if member.size_bytes > _MAX_PICKLE_BYTES:
        # Large members are tensor bytes, unless they say otherwise; checksums are still verified, block by block.
        head = b""
        for block in zips.stream_member(stream, member, limit_bytes=member.size_bytes):
            head = head or block[:65_536]
        content = io.BytesIO(head)
    else:
        content = io.BytesIO(zips.read_member(stream, member, limit_bytes=_MAX_PICKLE_BYTES))
    size = content.seek(0, 2)
    is_tensor = "/data/" in f"/{member.name}" and not member.name.endswith(".pkl")
    kinds = detect.detect(content, size_bytes=size).all_kinds
    if member.name.endswith((".pkl", ".pickle")) or (not is_tensor and {"pickle", "pickle_in_text"} & set(kinds)):
        content.seek(0)
        yield _pickle_finding(name, pickles.scan(content))
    elif kinds[0] == "numpy":
        yield from _array_findings(name, content)


def _array_findings(name: str, stream: BinaryIO) -> Iterable[Finding]:
    """A numpy array of objects is a pickle behind a short header."""
    stream.seek(0)
    head = stream.read(12)
    length = int.from_bytes(head[8:10] if head[6:7] == b"\x01" else head[8:12], "little")
    stream.seek(10 if head[6:7] == b"\x01" else 12)
    header = stream.read(min(length, 65_536))
    if b"O" in header.split(b"fortran_order")[0]:
        yield _pickle_finding(name, pickles.scan(stream))


def _container(name: str, kind: str) -> Finding:
    """An archive hides its files from the scan; under a weights' name it also deceives."""
    if (wanted := detect.kinds_for_name(name)) is not None and kind in wanted:
        way_out = _WAYS_OUT.get(PurePosixPath(name).suffix.lower(), _CLOSED)
        return warned(name, "archive", f"{name} is held back. {way_out}")
    return held(name, "archive", f"It is a {kind} archive under another name, and nobody can see what is in it.")


def _mismatch(name: str, kind: str) -> Finding:
    """A harmless kind under another harmless name is odd; anything that a loader reads must be what it says."""
    promised = detect.kinds_for_name(name) or frozenset()
    inert = kind in detect.INERT and not is_loadable_name(name) and not promised & detect.WEIGHTS
    suffix = name.rsplit(".", 1)[-1]
    if inert:
        return warned(name, "name_mismatch", f"{name} is {kind} by its bytes, not {suffix}.")
    return held(name, "name_mismatch", f"By its bytes it is {kind}, not {suffix}.")


def _header_findings(name: str, kind: str, stream: BinaryIO, size_bytes: int) -> Iterable[Finding]:
    faults = list(weight_findings(name, kind, stream, size_bytes))
    yield from faults
    if kind in _NOT_LOADED and not faults:
        yield warned(
            name, "not_loaded", f"{name} is {_NOT_LOADED[kind]}: it is kept and listed, but never opened here."
        )


def _leaks(name: str, stream: BinaryIO) -> Iterable[Finding]:
    """Keys that somebody forgot in a text. They are named, never repeated: this page may be public."""
    for leak in leaks.find(stream):
        said = f"{name} seems to hold a key ({leak.kind}) in line {leak.line:,}: {leak.shown}."
        yield warned(name, "secret", f"{said} Revoke it, then remove it.")


def _text_findings(name: str, stream: BinaryIO) -> Iterable[Finding]:
    """Code is kept but never run; a configuration that asks for code, or that cannot be read, is told."""
    plain = name.rsplit("/", 1)[-1]
    if plain.endswith((".py", ".pyc", ".so", ".sh", ".pth")):
        yield warned(name, "code", f"{name} is code. It is kept, and never run here.")
    if not plain.endswith(".json") or not is_loadable_name(name):
        return
    stream.seek(0)
    raw = config_json.read_limited(stream, _MAX_CONFIG_BYTES)
    try:
        value = config_json.parse(raw, limits=config_json.limits_for(plain))
    except BadFormat as error:
        yield held(name, "unreadable", error.detail)
        return
    if plain.endswith("config.json") and without_code_keys(value)[1]:
        detail = f"{name} asks for code of its own (auto_map or the like). That code is never run here."
        yield warned(name, "code_in_config", detail)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
