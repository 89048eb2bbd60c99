"""The child's life: read the job, build the walls, say which stand, then answer calls until the pipe closes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from typing import Any

from . import serve, walls
from .pipe import Pipe


def run(read_from: int, write_to: int) -> None:
    """Entry point. The two descriptors are the only way in and out besides the captured output."""
    walls.die_with_parent()
    pipe = Pipe(read_from, write_to)
    spec: dict[str, Any] = json.loads(pipe.receive() or b"{}")
    os.environ.clear()
    os.environ.update(spec["environment"])
    _keep_to(spec["cores"])
    tempfile.tempdir = None  # Whoever was forked may have looked for one elsewhere.
    try:
        built = walls.build(spec)
    except OSError as error:
        pipe.send({"error": {"kind": "walls", "code": "walls", "reason": str(error)}})
        return
    pipe.send({"ok": built.as_json() | {"cores": sorted(os.sched_getaffinity(0))}})
    os.chdir(spec["tmp"])
    # Only now may code be found anywhere but in the standard library, and never in the model's folder.
    sys.path.extend(path for path in spec["python_path"] if path not in sys.path)
    serve.answer_calls(pipe, spec)


def _keep_to(cores: list[int]) -> None:
    """Run on these processors alone. Threads that libraries start later are held to the same."""
    if cores:
        with contextlib.suppress(OSError):  # The machine took one away meanwhile; what holds is told in the answer.
            os.sched_setaffinity(0, cores)
