"""Runs the hub's own measuring code in a process of its own.

That code comes with this package (or lies beside it, in a clone): pure Python that needs `smallhub[models]` and nothing
of the hub. A process of its own gives threads and hash seeds their values before any library loads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ._exceptions import NotMeasurable, Refused

_HERE = Path(__file__).resolve().parent
_ENTRY = Path("evaluation") / "rerun.py"


def source() -> Path:
    """The folder that the measuring code is imported from.

    Raises:
        NotMeasurable: this copy of the package came without it.
    """
    shipped, clone = _HERE / "_measuring_code", _HERE.parents[2]
    for folder in (shipped, clone):
        if (folder / _ENTRY).is_file():
            return folder
    raise NotMeasurable(
        "This copy of smallhub came without the measuring code. Install it from the hub's source: pip install ./client",
        code="no_measuring_code",
    )


def rerun(job: dict[str, Any], *, threads: int, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Let the measuring code compare a receipt with what this machine gives; see `evaluation/rerun.py`.

    Raises:
        NotMeasurable, Refused: it could not, and why.
    """
    command = [sys.executable, "-P", "-m", "evaluation.rerun"]
    child = subprocess.Popen(
        command,
        env=_environment(threads),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    tail: list[str] = []
    reader = threading.Thread(target=_listen, args=(child.stderr, tail, progress), daemon=True)
    reader.start()
    try:
        json.dump(job, child.stdin)
        child.stdin.close()
        said = child.stdout.read()
        child.wait()
    except BrokenPipeError:
        child.wait()
        said = ""
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        reader.join(timeout=10)
    return _read(said, tail)


def _environment(threads: int) -> dict[str, str]:
    places = [str(source()), str(_HERE.parent)]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }


def _listen(stream: IO[str], tail: list[str], progress: Callable[[int, int], None] | None) -> None:
    """Progress comes as `done/total` lines; anything else is kept, for it says what went wrong."""
    for line in stream:
        done, slash, total = line.strip().partition("/")
        if slash and done.isdigit() and total.isdigit():
            if progress is not None:
                progress(int(done), int(total))
        else:
            tail.append(line.rstrip())
            del tail[:-20]


def _read(said: str, tail: list[str]) -> dict[str, Any]:
    try:
        answer = json.loads(said)
    except ValueError:
        last = next((line for line in reversed(tail) if line.strip()), "it ended without a word")
        if "ModuleNotFoundError" in last:
            raise NotMeasurable(
                f"Running a model needs more packages ({last}). Install them: pip install 'smallhub[models]'",
                code="packages_missing",
            ) from None
        raise NotMeasurable(f"The measuring process broke: {last}", code="measuring_broke") from None
    if "error" in answer:
        error = answer["error"]
        raise Refused(f"It cannot be measured here: {error.get('reason')}", code=str(error.get("code")))
    return dict(answer["report"])
