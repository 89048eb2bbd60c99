"""Turns a job into a command line: which walls the start itself builds, what is visible, as whom it runs."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evaluation.sandbox.limits import Limits

CHILD_FOLDER = Path(__file__).parent / "child"
# Loads the child package from its own folder under its own name, so that nothing beside it can be imported.
_BOOTSTRAP = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "sandbox_child", sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
sys.modules["sandbox_child"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
"""


class Plan(StrEnum):
    """How a child is started. All plans add Landlock, the system-call filter and limits inside."""

    BUBBLEWRAP = "bubblewrap"
    VIEW = "view"  # Namespaces of our own and in them a view of the disk, as bubblewrap makes it.
    NAMESPACES = "namespaces"
    PLAIN = "plain"


@dataclass(frozen=True)
class Loader:
    """The module whose `load(folder, threads=…)` the child calls, and the folder it is imported from."""

    module: str
    root: Path
    also: tuple[Path, ...] = ()  # Folders of code that it needs besides.

    @classmethod
    def runtimes(cls) -> Loader:
        """The loader that everybody gets with our client."""
        found = importlib.util.find_spec("smallhub")
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError("the client package `smallhub` is not installed beside the server")
        return cls("smallhub.runtimes", Path(found.submodule_search_locations[0]).resolve().parent)

    @classmethod
    def tables(cls) -> Loader:
        """The reader of tables."""
        return cls("parquet_table", Path(__file__).resolve().parent / "readers")

    @classmethod
    def file_scans(cls) -> Loader:
        """The readers of the scan. The child sees two packages of the hub's tree, not the folder that holds them."""
        package = Path(__file__).resolve().parents[1]
        return cls("file_scan", package / "sandbox" / "readers", also=(package, package.parent / "models_registry"))

    @classmethod
    def legacy_weights(cls) -> Loader:
        """The reader of weights in formats that can run code."""
        return cls("legacy_weights", Path(__file__).resolve().parent / "readers")

    @classmethod
    def programs(cls) -> Loader:
        """What runs a generated program."""
        return cls("runner", Path(__file__).resolve().parent / "programs")

    @classmethod
    def chat_templates(cls) -> Loader:
        """The reader of chat templates."""
        return cls("chat_template", Path(__file__).resolve().parent / "readers")


@dataclass(frozen=True)
class Job:
    """One start: the folders (existing, absolute), the loader and the limits.

    `descriptor` is an open file that the loader gets instead of the folder.
    """

    folder: Path
    tmp: Path
    loader: Loader
    limits: Limits
    plan: Plan
    descriptor: int | None = None


def identity_for(plan: Plan, loader: Loader, job_folder: Path) -> int:
    """The user number the child changes to, fresh for each job, or 0 if it stays who it is.

    Only root can change identity. Without a view of the disk of the child's own, every folder on the way to the
    libraries and to the job must be open to others.
    """
    if os.geteuid() != 0:
        return 0
    if plan not in (Plan.BUBBLEWRAP, Plan.VIEW) and not all(map(_open_to_others, [*_readable(loader), job_folder])):
        return 0
    return 1_000_000_000 + secrets.randbelow(1_000_000_000)


def command(job: Job, *, read_from: str, write_to: str) -> list[str]:
    """The argument list for the child that reads and writes the two descriptors."""
    start = bootstrap("import sandbox_child.main\nsandbox_child.main.run(int(sys.argv[2]), int(sys.argv[3]))")
    words = [*python(), start, str(CHILD_FOLDER), read_from, write_to]
    if job.plan is not Plan.BUBBLEWRAP:
        return words
    return [*_bubblewrap(job, words[0]), "--", *words]


def python() -> list[str]:
    """The interpreter, isolated: no site packages, no user's folder, nothing of the place where it starts."""
    return [os.path.realpath(sys.executable), "-P", "-s", "-S", "-B", "-X", "utf8", "-c"]


def bootstrap(then: str) -> str:
    """Code that makes the child's package importable from its folder, and goes on with `then`."""
    return f"{_BOOTSTRAP}{then}\n"


def environment(job: Job) -> dict[str, str]:
    """A fresh environment: nothing of the parent's but two switches that keep arithmetic right on old processors."""
    return fresh_environment(job.tmp, threads=job.limits.compute_threads)


def fresh_environment(home: Path, *, threads: int) -> dict[str, str]:
    """The variables of a child, and of the process that children are forked from. Numpy's library gets no threads."""
    fresh = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return fresh | {name: os.environ[name] for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ}


def specification(job: Job, *, drop_to: int) -> dict[str, object]:
    """What the child is told in its first message."""
    limits = job.limits
    private_identity = bool(drop_to) or (os.geteuid() != 0 and job.plan is not Plan.PLAIN)
    return {
        "folder": str(job.folder),
        "tmp": str(job.tmp),
        "tmp_bytes": limits.tmp_bytes,
        "readable": [str(path) for path in _readable(job.loader)],
        "python_path": [str(path) for path in python_path(job.loader)],
        "loader": job.loader.module,
        "descriptor": job.descriptor,
        "threads": limits.compute_threads,
        "cores": list(limits.cores),
        "drop_to": drop_to,
        "environment": environment(job),
        "own_namespaces": job.plan in (Plan.VIEW, Plan.NAMESPACES),
        "view_root": str(job.tmp.parent / "root") if job.plan is Plan.VIEW else None,
        "outer_namespaces": ["pid", "net", "ipc", "uts", "mount"] if job.plan is Plan.BUBBLEWRAP else [],
        "limits": {
            "address_space_bytes": limits.address_space_bytes,
            "file_bytes": limits.tmp_bytes,
            "open_files": limits.open_files,
            # The kernel counts threads per user: without a user of its own, others' threads are counted as well.
            "threads": limits.threads if private_identity else limits.threads + 8192,
            "cpu_s": limits.cpu_s,
        },
    }


def _bubblewrap(job: Job, interpreter: str) -> list[str]:
    """A view of the disk with system libraries, Python, the loader and one model, all read-only, and a private tmp."""
    arguments = [shutil.which("bwrap") or "bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    if os.geteuid() != 0:
        arguments += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    arguments += ["--die-with-parent", "--hostname", "sandbox", "--proc", "/proc", "--dev", "/dev"]
    mounts = [*_readable(job.loader), Path(interpreter), Path("/etc/ld.so.cache"), job.folder]
    arguments += _folders([*mounts, job.tmp])
    for path in mounts:
        arguments += ["--ro-bind-try", str(path), str(path)]
    arguments += ["--perms", "0700", "--size", str(job.limits.tmp_bytes), "--tmpfs", str(job.tmp)]
    return [*arguments, "--remount-ro", "/", "--chdir", str(job.tmp)]


def _folders(paths: Iterable[Path]) -> list[str]:
    """Make the folders above each mount, open to all, for bubblewrap would make them closed to a changed identity."""
    above = {parent for path in paths for parent in path.parents if parent != Path("/")}
    return [word for path in sorted(above) for word in ("--perms", "0755", "--dir", str(path))]


def _readable(loader: Loader) -> list[Path]:
    """What the child may read besides the model: system libraries, Python, packages, the loader, its own code."""
    system = [Path(path) for path in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")]
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    python = [Path(sysconfig.get_path(name)) for name in names]
    base = [Path(sys.base_prefix) / "lib"]
    wanted = [*system, *base, *python, loader.root, *loader.also, CHILD_FOLDER]
    existing = dict.fromkeys(path for path in wanted if path.is_dir())
    return [path for path in existing if not any(other in path.parents for other in existing)]


def python_path(loader: Loader) -> list[Path]:
    packages = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    return list(dict.fromkeys([loader.root, *packages]))


def _open_to_others(path: Path) -> bool:
    """Whether any user may walk to this folder."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
