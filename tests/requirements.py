"""Things that a machine may lack. A test that needs one is skipped with the reason; CI allows no skip.

With `SMALLHUB_REQUIRE_ALL=1` a missing thing fails the test instead.
"""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

_PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "redis": ("redis-server",),
    "postgres": ("pg_ctl", "/usr/lib/postgresql/*/bin/pg_ctl"),
    "git-lfs": ("git-lfs",),
    "git": ("git",),
    "bubblewrap": ("bwrap",),
    "s3": ("radosgw",),
    "nginx": ("nginx", "/usr/sbin/nginx"),
}
_MODULES = {"torch": "torch", "transformers": "transformers", "huggingface_hub": "huggingface_hub", "hf_xet": "hf_xet"}
_FOLDERS = {"benchmark data": SHARED / "benchmarks", "specification": SHARED / "spec"}


def require(*names: str) -> None:
    """Skip the test, or fail it where everything is required, when one of these is absent."""
    for name in names:
        reason = _missing(name)
        if reason and os.environ.get("SMALLHUB_REQUIRE_ALL") == "1":
            pytest.fail(f"{reason} SMALLHUB_REQUIRE_ALL=1 allows no skip.", pytrace=False)
        if reason:
            pytest.skip(reason)


def program(name: str) -> str:
    """The path of a program, which `require` has found."""
    for candidate in _PROGRAMS[name]:
        if "*" in candidate:
            found = sorted(Path("/").glob(candidate.lstrip("/")))
            if found:
                return str(found[-1])
        elif path := shutil.which(candidate):
            return path
    raise LookupError(name)


def _missing(name: str) -> str:
    if name in _PROGRAMS:
        try:
            program(name)
        except LookupError:
            return f"{name} is not installed."
        return ""
    if name == "client 1.x":
        found = (ROOT / ".venv-client-1x" / "bin" / "python").exists()
        return "" if found else "The client's 1.x line is not installed; `make install-dev` does it."
    if name == "lm-eval":
        found = (ROOT / ".venv-lm-eval" / "bin" / "python").exists()
        return "" if found else "The public harness is not installed; `make install-dev` does it."
    if name in _MODULES:
        return "" if importlib.util.find_spec(_MODULES[name]) else f"The Python package {name} is not installed."
    return "" if _FOLDERS[name].is_dir() else f"The {name} folder is not beside this checkout."
