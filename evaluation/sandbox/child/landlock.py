"""Landlock: a process gives up, for good and for all its threads, every path that it does not name.

Reading is granted beneath a few folders, writing beneath one. Executing is granted nowhere. Where the kernel knows
more, TCP, abstract Unix sockets and signals to outsiders are given up as well.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # The same numbers on every architecture.
_VERSION_QUERY, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_LINK = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_TRUNCATE = 1 << 14
_ALL_BITS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_TCP, _SCOPES = 0b11, 0b11

READ = _READ_FILE | _READ_DIR
WRITE = READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_LINK | _TRUNCATE


def abi() -> int:
    """The kernel's Landlock version, or 0 if it has none or it is switched off."""
    version: int = _libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_QUERY))
    return max(0, version)


class Ruleset:
    """Rules under construction. Paths are opened now, so later changes of identity do not matter."""

    def __init__(self) -> None:
        self._abi = abi()
        if not self._abi:
            raise OSError("the kernel has no Landlock")
        self._handled = (1 << _ALL_BITS_BY_ABI.get(self._abi, 16)) - 1
        attributes = struct.pack("<QQQ", self._handled, _TCP, _SCOPES)
        size = 24 if self._abi >= 6 else 16 if self._abi >= 4 else 8
        self._descriptor = _checked(_libc().syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)))

    def allow(self, paths: Iterable[str], rights: int) -> None:
        """Grant `rights` beneath each path; a path that is not there is skipped, since nobody can use it either."""
        for path in paths:
            try:
                opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            granted = rights & self._handled
            if not stat.S_ISDIR(os.fstat(opened).st_mode):
                granted &= _FILE_ONLY
            rule = struct.pack("<Qi", granted, opened)
            _checked(_libc().syscall(_ADD_RULE, self._descriptor, _PATH_BENEATH, rule, ctypes.c_uint(0)))
            os.close(opened)

    def enforce(self) -> int:
        """Restrict this process; returns the ABI in force. `no_new_privs` must be set before."""
        _checked(_libc().syscall(_RESTRICT, self._descriptor, ctypes.c_uint(0)))
        os.close(self._descriptor)
        return self._abi


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result
