"""Namespaces made by ourselves, for machines without bubblewrap: no network, no other processes, a private tmp.

`enter` forks twice: the first new process is the namespace's init, which only waits, and the second goes on. If the
parent dies, the init dies with it, and with the init the kernel ends everything inside.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

from . import view

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 1 << 18
_PR_SET_PDEATHSIG = 1


def enter(
    *, tmp: str, tmp_bytes: int, owner: tuple[int, int], root: str | None = None, readable: list[str] | None = None
) -> list[str]:
    """Move into fresh namespaces; returns their names. The caller goes on as the second process inside.

    Args:
        tmp: an existing empty folder, over which a memory-backed one of at most `tmp_bytes` is laid.
        owner: user and group that shall own it.
        root: an empty folder, if the disk shall be seen through a view of one's own that shows `readable` and tmp.

    Raises:
        OSError: the kernel or the machine's policy refuses.
    """
    user, group = os.geteuid(), os.getegid()
    wanted = _NEWNS | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET | (0 if user == 0 else _NEWUSER)
    _call("unshare", wanted)
    if user != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"65534 {user} 1")
        _write("/proc/self/gid_map", f"65534 {group} 1")
    _become_child(die_with_parent=True)
    _become_child(die_with_parent=True)
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)
    options = f"size={tmp_bytes},mode=0700,nr_inodes=4096".encode()
    if user == 0:
        options += f",uid={owner[0]},gid={owner[1]}".encode()
    _call("mount", b"tmpfs", os.fsencode(tmp), b"tmpfs", _MS_NOSUID | _MS_NODEV, options)
    if root is not None:
        view.narrow(root=root, readable=readable or [], tmp=tmp)
    return ["pid", "net", "ipc", "uts", "mount"] + ([] if user == 0 else ["user"])


def _become_child(*, die_with_parent: bool) -> None:
    """Fork; the parent only waits and ends as its child ends, the child returns."""
    parent = os.getpid()
    child = os.fork()
    if child:
        _close_all()
        os._exit(_wait(child))
    if die_with_parent:
        _call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() not in (parent, 0):
            os._exit(1)


def _wait(child: int) -> int:
    """The child's exit status in the shell's convention (128 + signal)."""
    while True:
        finished, status = os.wait()
        if finished == child:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _close_all() -> None:
    """A waiting process must not hold the pipes open."""
    os.closerange(0, 4096)


def _call(name: str, *arguments: int | bytes | None) -> None:
    function: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
    number = ctypes.c_int if name == "unshare" else ctypes.c_ulong
    converted = [number(value) if isinstance(value, int) else value for value in arguments]
    if function(*converted) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)
