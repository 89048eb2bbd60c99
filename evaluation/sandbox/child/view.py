"""A view of the disk of one's own, inside a mount namespace: a new root that holds a few folders, nearly all read-only.

What bubblewrap gives a child that it starts, built by a child that was forked.
"""

from __future__ import annotations

import ctypes
import os
import platform

_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC = 1, 2, 4, 8, 32, 4096, 16384
_NOATIME, _NODIRATIME, _RELATIME = 1 << 10, 1 << 11, 1 << 21
_ST_RELATIME = 4096
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_FACTS = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage")


def narrow(*, root: str, readable: list[str], tmp: str) -> None:
    """See nothing but these from now on, under their own names.

    Args:
        root: an empty folder where the new root is built.
        readable: folders and files to be seen, read-only; what is not there is left out.
        tmp: a folder, mounted for this process already, that stays writable.

    Raises:
        OSError: the kernel or the machine's policy refuses.
    """
    os.umask(0o022)
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=0755,size=1m,nr_inodes=4096")
    for path in [*readable, *_FACTS]:
        if os.path.exists(path):
            _show(root, path, read_only=True)
    for path in (*_DEVICES, tmp):
        _show(root, path, read_only=False)
    os.mkdir(f"{root}/proc")
    _mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC, None)
    os.chdir(root)
    _pivot_here()
    _mount(None, "/", None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV, None)
    os.chdir("/")


def _show(root: str, path: str, *, read_only: bool) -> None:
    target = root + path
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if os.path.isdir(path):
        os.makedirs(target, mode=0o755, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(path, target, None, _BIND | _REC, None)
    if read_only:
        _mount(None, target, None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | _kept_flags(target), None)


def _kept_flags(target: str) -> int:
    """Flags that a mount brought along: in a namespace of one's own the kernel lets nobody take them off."""
    found = os.statvfs(target).f_flag
    return found & (_NOEXEC | _NOATIME | _NODIRATIME) | (_RELATIME if found & _ST_RELATIME else 0)


def _pivot_here() -> None:
    """Make this folder the root, and let go of the one before."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_PIVOT_ROOT[platform.machine()], b".", b".") != 0:
        raise OSError(ctypes.get_errno(), f"pivot_root: {os.strerror(ctypes.get_errno())}")
    if libc.umount2(b".", _DETACH) != 0:
        raise OSError(ctypes.get_errno(), f"umount: {os.strerror(ctypes.get_errno())}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    if libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {target}: {os.strerror(code)}")
