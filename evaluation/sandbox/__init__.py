"""The only place where users' models are opened: a child process behind walls, one model, one job.

with sandbox.open(folder, limits=Limits()) as session:
    session.load()
    session.call("log_likelihood", texts=["…"])
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from evaluation.sandbox import zygote
from evaluation.sandbox.errors import (
    Crashed,
    HostLost,
    OutOfMemory,
    RuntimeRefused,
    SandboxError,
    SandboxUnavailable,
    TimedOut,
)
from evaluation.sandbox.launch import Loader, Plan
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.probing import Probe, Wall, chosen_plan, probe, warm_plan
from evaluation.sandbox.process import Usage
from evaluation.sandbox.replies import Answer, Classification, Continued, Explanation, Generation, Likelihood
from evaluation.sandbox.session import Session

__all__ = [
    "Answer",
    "Classification",
    "Continued",
    "Crashed",
    "Explanation",
    "Generation",
    "HostLost",
    "Likelihood",
    "Limits",
    "Loader",
    "OutOfMemory",
    "Plan",
    "Probe",
    "RuntimeRefused",
    "SandboxError",
    "SandboxUnavailable",
    "Session",
    "TimedOut",
    "Usage",
    "Wall",
    "open",
    "open_files",
    "open_table",
    "open_weights",
    "probe",
    "warm_plan",
]


def open(  # noqa: A001 - always read as `sandbox.open`, and no file is opened here.
    folder: Path,
    *,
    limits: Limits | None = None,
    loader: Loader | None = None,
    plan: Plan | None = None,
    work_folder: Path | None = None,
    warm: bool = False,
) -> Session:
    """Start a child that sees the loadable files of `folder`, and nothing else of anybody's.

    Args:
        folder: the model's files, laid out as in its repository. It is not changed.
        loader: what loads the model in the child; `smallhub.runtimes` unless a test says otherwise.
        plan: how the walls are built; the best that works here unless a test says otherwise.
        work_folder: where the job's own folder is made; the system's tmp by default. On the disk of `folder` its files
            are linked, elsewhere they are copied.
        warm: fork the child from this process's warm one, which has the libraries loaded, where that gives up no wall;
            elsewhere it is started from nothing.

    Raises:
        HostLost: the warm process was killed meanwhile; the job can be done again.
        SandboxUnavailable: this machine cannot build walls that hold; nothing was opened.
    """
    chosen = plan or (warm_plan() if warm else None)
    return Session(
        folder,
        limits=limits or Limits(),
        loader=loader or Loader.runtimes(),
        plan=chosen or chosen_plan(),
        work_folder=work_folder,
        host=zygote.shared() if warm and chosen not in (None, Plan.BUBBLEWRAP) else None,
    )


def open_files(folder: Path, *, limits: Limits, plan: Plan | None = None) -> Session:
    """Start a child that sees all files of `folder` and reads them with the hub's own readers; no model is loaded.

    Raises:
        SandboxUnavailable: this machine cannot build walls that hold; nothing was read.
    """
    return Session(
        folder, limits=limits, loader=Loader.file_scans(), plan=plan or chosen_plan(), work_folder=None, whole=True
    )


def open_table(descriptor: int, *, limits: Limits, plan: Plan | None = None) -> Session:
    """Start a child that reads one table from an open descriptor, and sees no other file of anybody's.

    Args:
        descriptor: of a regular file, open for reading, which stays the caller's to close.

    Raises:
        SandboxUnavailable: this machine cannot build walls that hold; nothing was read.
    """
    with tempfile.TemporaryDirectory() as empty:
        return Session(
            Path(empty),
            limits=limits,
            loader=Loader.tables(),
            plan=plan or chosen_plan(),
            work_folder=None,
            descriptor=descriptor,
        )


def open_weights(descriptor: int, *, limits: Limits, plan: Plan | None = None) -> Session:
    """Start a child that reads the tensors of one pickle or Keras file from an open descriptor, and sees nothing else.

    Args:
        descriptor: of a regular file, open for reading, which stays the caller's to close.

    Raises:
        SandboxUnavailable: this machine cannot build walls that hold; nothing was read.
    """
    with tempfile.TemporaryDirectory() as empty:
        return Session(
            Path(empty),
            limits=limits,
            loader=Loader.legacy_weights(),
            plan=plan or chosen_plan(),
            work_folder=None,
            descriptor=descriptor,
        )
