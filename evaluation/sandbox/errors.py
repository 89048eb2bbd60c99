"""How a sandboxed job can end other than well.

SandboxError
├── SandboxUnavailable  this machine cannot build the walls; nothing was opened
│   └── HostLost        the process that children are forked from was killed; the job can be done again
├── RuntimeRefused      the runtime looked at the model, or at the call, and said no
├── TimedOut            a call, the session or the processor limit ran out
├── OutOfMemory         over the memory limit
└── Crashed             the process ended by itself, or broke the protocol
"""

from __future__ import annotations


class SandboxError(Exception):
    """A job that ended early. The text is for people; `code` is for programs."""

    code = "sandbox_error"


class SandboxUnavailable(SandboxError):
    """No wall that holds can be built here; `doctor` shows the same reasons."""

    code = "sandbox_unavailable"


class HostLost(SandboxUnavailable):
    """The process that children are forked from was killed. No model did that; the job can be done again."""

    code = "sandbox_host_lost"


class RuntimeRefused(SandboxError):
    """The runtime's own refusal, such as an unsupported architecture. Both texts came out of the sandbox."""

    code = "runtime_refused"

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class TimedOut(SandboxError):
    code = "timed_out"


class OutOfMemory(SandboxError):
    code = "out_of_memory"


class Crashed(SandboxError):
    """`signal` is the signal's number or None; `tail` is the end of what the process printed."""

    code = "crashed"

    def __init__(self, message: str, *, signal: int | None = None, tail: str = "") -> None:
        super().__init__(message)
        self.signal = signal
        self.tail = tail
