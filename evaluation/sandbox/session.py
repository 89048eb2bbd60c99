"""One model, loaded in one child, for one job. The only way to a user's model in the whole project."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaluation.sandbox import launch, replies, requests, staging
from evaluation.sandbox.errors import Crashed, OutOfMemory, RuntimeRefused, SandboxUnavailable
from evaluation.sandbox.launch import Job, Loader, Plan
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.process import Child, Start, Usage, started
from evaluation.sandbox.zygote import Zygote

_PREFIX = "smallhub-job-"


class Session:
    """A running job. Use it as a context manager, from one thread."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits,
        loader: Loader,
        plan: Plan,
        work_folder: Path | None = None,
        descriptor: int | None = None,
        host: Zygote | None = None,
        whole: bool = False,
    ) -> None:
        """
        Args:
            whole: show the child all files, not only those that a loader reads.
            host: the warm process to fork the child from; None starts one from nothing.
        """
        self._host = host
        self.limits, self._plan, self._descriptor = limits, plan, descriptor
        self._job_folder = _make_job_folder(work_folder or Path(tempfile.gettempdir()))
        try:
            self._start(folder, loader, staging.stage_all if whole else staging.stage)
        except BaseException:
            self.close()
            raise

    def _start(self, folder: Path, loader: Loader, stage: staging.Stage) -> None:
        """Lay out the files, start the child, and insist on the walls."""
        drop_to = launch.identity_for(self._plan, loader, self._job_folder)
        model, tmp = self._job_folder / "model", self._job_folder / "tmp"
        model.mkdir(mode=0o755)
        tmp.mkdir(mode=0o700)
        if self._plan is Plan.VIEW:
            (self._job_folder / "root").mkdir(mode=0o755)
        self.staged = stage(folder, model, readable_by_others=bool(drop_to))
        job = Job(
            folder=model, tmp=tmp, loader=loader, limits=self.limits, plan=self._plan, descriptor=self._descriptor
        )
        self._child = Child(self._host.fork if self._host else self._from_nothing(job), self.limits, tmp=tmp)
        hello = self._child.exchange(launch.specification(job, drop_to=drop_to), timeout_s=self.limits.start_s)
        if "ok" not in hello:
            raise SandboxUnavailable(str(hello.get("error", {}).get("reason", "the walls could not be built")))
        self.walls: dict[str, Any] = hello["ok"]
        self._require_walls()
        self._calls = 0
        self.description: dict[str, Any] = {}

    def _from_nothing(self, job: Job) -> Start:
        return started(
            launch.command(job, read_from="{read}", write_to="{write}"),
            launch.environment(job),
            descriptors=() if self._descriptor is None else (self._descriptor,),
        )

    def _require_walls(self) -> None:
        """Files need Landlock or bubblewrap's view; the network needs the filter or a namespace. Else nothing opens."""
        if not self.walls["landlock"] and self._plan not in (Plan.BUBBLEWRAP, Plan.VIEW):
            raise SandboxUnavailable(f"no wall around files: {'; '.join(self.walls['refused'])}")
        if not self.walls["seccomp"] and "net" not in self.walls["namespaces"]:
            raise SandboxUnavailable(f"no wall around the network: {'; '.join(self.walls['refused'])}")

    def load(self) -> dict[str, Any]:
        """Load the model in the child.

        Returns:
            `runtime`, `task`, `capabilities`, `description` (the model's own), `load_s` and `import_s` (told by the
            child), `wall_s` (seen from outside) and `rss_bytes` (seen from outside, after loading).

        Raises:
            RuntimeRefused, TimedOut, OutOfMemory, Crashed
        """
        began = time.monotonic()
        loaded: dict[str, Any] = self._exchange("load", {}, self.limits.load_s)
        self.description = loaded | {"wall_s": time.monotonic() - began, "rss_bytes": self.usage().rss_bytes}
        return self.description

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any:
        """Call one operation of the loaded model, such as `call("log_likelihood", texts=[…])`.

        Returns:
            The operation's own type, checked (see `replies`).

        Raises:
            RuntimeRefused: the model raised, or refused the call. The session goes on.
            TimedOut, OutOfMemory, Crashed: the session is over.
        """
        return self._exchange(operation, arguments, timeout_s or self.limits.call_s)

    @property
    def is_alive(self) -> bool:
        """Whether the model's process can still be asked."""
        return self._child.is_alive

    def begin_again(self) -> None:
        """Give the session its whole time once more, for another job on the same model."""
        self._child.begin_again()

    def usage(self) -> Usage:
        """Memory and time used so far, measured from outside."""
        return self._child.usage()

    def output_tail(self) -> str:
        """The end of what the model's process printed."""
        return self._child.output_tail()

    def stop(self) -> None:
        """End the model's process, from any thread, because nobody wants its answers any more."""
        self._child.stop(Crashed("The job was stopped."))

    def close(self) -> None:
        """End the child and remove all that the job left."""
        if hasattr(self, "_child"):
            self._child.close()
        shutil.rmtree(self._job_folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, operation: str, arguments: dict[str, Any], timeout_s: float) -> Any:
        """Send a numbered call, match the answer, sort its error, check its form."""
        self._calls += 1
        message = {"id": self._calls, "op": operation, "args": requests.encode(arguments)}
        reply = self._child.exchange(message, timeout_s=timeout_s)
        if reply.get("id") != self._calls:
            raise self._broken_protocol("an answer out of turn")
        if "error" in reply:
            raise self._refusal(reply["error"])
        try:
            return replies.check(operation, arguments, replies.decode(reply.get("ok")))
        except replies.BadReply as error:
            raise self._broken_protocol(str(error)) from error

    def _broken_protocol(self, what: str) -> Crashed:
        self._child.close()
        return Crashed(f"The model's process broke the protocol: {what}.", tail=self.output_tail())

    def _refusal(self, error: Any) -> RuntimeRefused | OutOfMemory:
        if not isinstance(error, dict):
            return RuntimeRefused("model_error", "The model failed without a reason.")
        if error.get("kind") == "memory":
            return OutOfMemory("The model's process asked for more memory than it may have.")
        return RuntimeRefused(str(error.get("code"))[:80], str(error.get("reason"))[:2000])


def _make_job_folder(base: Path) -> Path:
    """A folder in `base` whose name tells its owner, after removing those of owners that are gone."""
    for entry in base.glob(f"{_PREFIX}*"):
        owner = entry.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(entry, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=base)).resolve()
    folder.chmod(0o755)
    return folder
