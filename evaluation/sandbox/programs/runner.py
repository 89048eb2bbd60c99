"""Runs one program behind the walls and tells how it ended. One process for each program: nothing outlives it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

_REFUSED = {errno.EPERM, errno.EACCES, errno.EROFS, errno.EFBIG, errno.ENOSPC, errno.EDQUOT}


class Runner:
    """Has the form of a model, so that the sandbox serves it like one."""

    runtime = "program"
    task = "program"
    capabilities: frozenset[str] = frozenset()

    def description(self) -> dict[str, Any]:
        return {}

    def run_program(self, source: str) -> dict[str, str]:
        """Run a program to its end. What it prints is thrown away."""
        _silence()
        try:
            exec(compile(source, "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102 - this is the place.
        except AssertionError as error:
            return _ended("assertion", error)
        except MemoryError as error:
            return _ended("memory", error)
        except OSError as error:
            return _ended("forbidden" if error.errno in _REFUSED else "exception", error)
        except BaseException as error:  # noqa: BLE001 - a program may raise anything, also what ends interpreters.
            return _ended("exception", error)
        return {"outcome": "pass", "detail": ""}


def load(folder: Path, *, threads: int) -> Runner:
    """The runner; the folder is empty."""
    return Runner()


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _ended(outcome: str, error: BaseException) -> dict[str, str]:
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - the program may have made the error's own text fail.
        text = ""
    return {"outcome": outcome, "detail": f"{type(error).__name__}: {text}"[:300]}
