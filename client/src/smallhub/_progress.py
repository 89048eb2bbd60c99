"""One bar on a terminal, silence elsewhere."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, Self


class Progress:
    """Counts bytes towards a total. Draws on stderr if that is a terminal, or if told to."""

    def __init__(self, *, label: str, total_bytes: int, visible: bool | None = None) -> None:
        self._lock = threading.Lock()
        self._bar: Any = None
        if visible is None:
            visible = sys.stderr.isatty()
        if visible and total_bytes:
            from tqdm import tqdm  # Loaded late: most programs never draw.

            self._bar = tqdm(
                total=total_bytes, desc=label, unit="B", unit_scale=True, unit_divisor=1024, dynamic_ncols=True
            )

    def advance(self, count: int) -> None:
        """Count bytes; a negative number takes back bytes that turned out to be wrong."""
        if self._bar is not None:
            with self._lock:
                self._bar.update(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def format_bytes(count: int) -> str:
    """A size as people read it: `12.3 MB`, in powers of 1000 as disks are sold."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
