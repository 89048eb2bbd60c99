"""The scan's readers behind walls: each file is read in a sandbox, and one that ends its sandbox is held back.

Limits are those of one file, so a commit of many is not held against each: the clock of the session begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaluation.sandbox import Limits, RuntimeRefused, SandboxError, SandboxUnavailable, Session
from evaluation.steps.findings import Finding, Verdict, held

MIB = 1 << 20
MAX_FINDINGS, MAX_TEXT = 1_000, 2_000
# After so many sandboxes that files have ended, the files that are left are held back unread.
MAX_DEATHS = 5
_CPU_S, _BYTES_PER_S = 10, 32 * MIB
# A vocabulary's JSON takes so many times its bytes as values in memory, and has at most so many.
_TIMES_AS_VALUES, _MOST_JSON_BYTES = 12, 64 * MIB

Open = Callable[[Path, Limits], Session]


def cpu_s_for(size_bytes: int) -> int:
    """Processor time for one file of so many bytes: ten seconds, and what it takes to read them."""
    return _CPU_S + size_bytes // _BYTES_PER_S


def limits_for(size_bytes: int) -> Limits:
    """What the scan of a commit may use, its largest file having so many bytes."""
    return Limits(
        memory_bytes=512 * MIB + _TIMES_AS_VALUES * min(size_bytes, _MOST_JSON_BYTES),
        address_space_extra_bytes=1024 * MIB,
        cpu_s=24 * 3600,  # Of all files together; each has its own, see `cpu_s_for`.
        wall_s=24 * 3600.0,
        call_s=60.0 + 6 * cpu_s_for(size_bytes),  # The machine may be busy: this only ends what sleeps.
        compute_threads=1,
        threads=16,
        tmp_bytes=16 * MIB,
        output_bytes=64 * 1024,
        reply_bytes=4 * MIB,
    )


class WalledReader:
    """Reads the files of one folder in a sandbox, which is opened when it is needed, and anew after a file ended it."""

    def __init__(self, folder: Path, *, largest_bytes: int, open_session: Open) -> None:
        self._folder, self._limits, self._open_session = folder, limits_for(largest_bytes), open_session
        self._session: Session | None = None
        self._deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def file(self, name: str) -> tuple[str, list[Finding]]:
        """The kind of a file and its findings.

        Raises:
            SandboxUnavailable, HostLost: no sandbox can be built now; nothing is known of the file.
        """
        if self._deaths >= MAX_DEATHS:
            return "unreadable", [held(name, "unreadable", "Other files of this commit ended the scan each time.")]
        try:
            answer = self._loaded().call("scan_file", path=name, cpu_s=cpu_s_for((self._folder / name).stat().st_size))
        except RuntimeRefused as error:
            return "unreadable", [held(name, "unreadable", f"It could not be read to its end ({error.reason[:200]}).")]
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            self._deaths += 1
            self._close()
            return "unreadable", [held(name, "unreadable", f"It ended the scan: {error}")]
        return _read(answer, name)

    def beside(self, kinds: Mapping[str, str]) -> list[Finding]:
        """Findings of files that keep a part of themselves in others."""
        wanted = {name: kind for name, kind in kinds.items() if kind == "onnx"}
        if not wanted:
            return []
        try:
            return _findings(self._loaded().call("scan_beside", kinds=dict(kinds)), set(kinds))
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            return [held(name, "unreadable", f"It ended the scan: {error}") for name in wanted]

    def _loaded(self) -> Session:
        if self._session is None:
            session = self._open_session(self._folder, self._limits)
            try:
                session.load()
            except BaseException:
                session.close()
                raise
            self._session = session
        return self._session

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _read(answer: Any, name: str) -> tuple[str, list[Finding]]:
    """What came out of the sandbox, checked: it is the word of a process that a stranger's file may have taken over."""
    kind = answer.get("kind") if isinstance(answer, dict) else None
    if not isinstance(kind, str) or not 0 < len(kind) < 40:
        return "unreadable", [held(name, "unreadable", "Its scan gave no answer that can be read.")]
    return kind, _findings(answer, {name})


def _findings(answer: Any, names: set[str]) -> list[Finding]:
    rows = answer.get("findings") if isinstance(answer, dict) else None
    found = [_finding(row, names) for row in rows[:MAX_FINDINGS]] if isinstance(rows, list) else [None]
    if any(row is None for row in found):
        return [held(name, "unreadable", "Its scan gave no answer that can be read.") for name in sorted(names)]
    return [row for row in found if row is not None]


def _finding(row: Any, names: set[str]) -> Finding | None:
    if not isinstance(row, dict) or row.get("path") not in names:
        return None
    kind, detail, severity = row.get("kind"), row.get("detail"), row.get("severity")
    if not isinstance(kind, str) or not isinstance(detail, str) or severity not in ("warning", "quarantined"):
        return None
    can_convert = row.get("can_convert") is True
    return Finding(str(row["path"]), kind[:40], Verdict(severity), detail[:MAX_TEXT], can_convert=can_convert)
