"""Scans files inside the sandbox, one by one, as the parent asks for them. Found there by its own name.

The readers are the hub's own and plain Python. What they do with bytes that were made against them stays behind the
walls: a file that kills its scan, or never ends it, ends this process and nothing else.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve()
# The packages that hold the readers, each from its own folder: what lies beside them is not to be seen here. None of
# them is run itself, for they bring along what only the parent needs.
_PACKAGES = {
    "evaluation": _HERE.parents[2],
    "evaluation.sandbox": _HERE.parents[1],
    "evaluation.steps": _HERE.parents[2] / "steps",
    "models_registry": _HERE.parents[3] / "models_registry",
    "models_registry.formats": _HERE.parents[3] / "models_registry" / "formats",
}


def load(folder: Path, *, threads: int) -> Scanner:
    """The readers, over a folder with the files of a commit."""
    for name, place in _PACKAGES.items():
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(place)]
        sys.modules[name] = importlib.util.module_from_spec(spec)
    return Scanner(folder)


class Scanner:
    """One commit's files."""

    runtime, task, capabilities = "scan", "scan", ("scan_file", "scan_beside")

    def __init__(self, folder: Path) -> None:
        from evaluation.steps import scan, scan_formats

        self._folder, self._scan, self._formats = folder, scan, scan_formats

    def description(self) -> dict[str, Any]:
        """Nothing: each file is asked for by itself."""
        return {}

    def scan_file(self, path: str, cpu_s: int) -> dict[str, Any]:
        """The kind of a file by its bytes, and what was found in it. The kernel ends this process after `cpu_s` more
        seconds of processor time.
        """
        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_s + 1, hard))
        place = self._folder / path
        with place.open("rb") as stream:
            kind, found = self._scan.scan_stream(path, stream, size_bytes=place.stat().st_size)
        return {"kind": kind, "findings": [asdict(finding) for finding in found]}

    def scan_beside(self, kinds: dict[str, str]) -> dict[str, Any]:
        """What is found in files that keep a part of themselves in others."""
        found = self._formats.external_findings(self._folder, kinds)
        return {"kind": "", "findings": [asdict(finding) for finding in found]}
