"""Builds the walls, in the order in which each still can be built. Afterwards the process cannot open them again."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from typing import Any

from . import landlock, namespaces, seccomp

_PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_SECUREBITS, _PR_SET_NO_NEW_PRIVS = 8, 24, 28, 38
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_SECUREBITS_ROOT_IS_NOBODY = 0b101111  # No privileges by being root, none kept across identities; all locked.

# What libraries read beside their own folders: processor and memory facts, the loader's cache, own status.
_SYSTEM_READS = (
    "/etc/ld.so.cache",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/self/status",
    "/proc/self/stat",
    "/proc/self/maps",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)


@dataclass(frozen=True)
class Walls:
    """Which walls stand. `landlock` is its ABI or 0; `refused` says what could not be built, and why."""

    landlock: int
    seccomp: bool
    namespaces: tuple[str, ...]
    user: int
    refused: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "landlock": self.landlock,
            "seccomp": self.seccomp,
            "namespaces": list(self.namespaces),
            "user": self.user,
            "refused": list(self.refused),
        }


def build(spec: dict[str, Any]) -> Walls:
    """Build every wall that this machine allows, as `spec` (written by the parent) describes.

    Order matters: limits first, then namespaces (which need rights), then the loss of all rights, then Landlock, and
    the filter last, since it refuses what the others need.
    """
    refused: list[str] = []
    owner = (spec["drop_to"], spec["drop_to"]) if spec["drop_to"] else (os.geteuid(), os.getegid())
    spaces: list[str] = list(spec["outer_namespaces"])
    if spec["own_namespaces"]:
        shown = [*spec["readable"], spec["folder"], "/etc/ld.so.cache"]
        spaces = namespaces.enter(
            tmp=spec["tmp"], tmp_bytes=spec["tmp_bytes"], owner=owner, root=spec["view_root"], readable=shown
        )
    elif spec["drop_to"]:
        os.chown(spec["tmp"], *owner)
    _set_limits(spec["limits"])
    rules = _landlock_rules(spec, refused)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _drop_rights(spec["drop_to"])
    die_with_parent()  # Changing identity switches it off.
    _prctl(_PR_SET_DUMPABLE, 0)
    abi = rules.enforce() if rules else 0
    filtered = _install_filter(refused)
    return Walls(abi, filtered, tuple(spaces), os.geteuid(), tuple(refused))


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _landlock_rules(spec: dict[str, Any], refused: list[str]) -> landlock.Ruleset | None:
    try:
        rules = landlock.Ruleset()
    except OSError as error:
        refused.append(f"landlock: {error}")
        return None
    rules.allow([*spec["readable"], spec["folder"], *_SYSTEM_READS], landlock.READ)
    rules.allow([spec["tmp"], "/dev/null"], landlock.WRITE)
    return rules


def _install_filter(refused: list[str]) -> bool:
    try:
        seccomp.install()
    except OSError as error:
        refused.append(f"seccomp: {error}")
        return False
    return True


def _set_limits(limits: dict[str, int]) -> None:
    """Soft and hard limits. The processor's hard one is a little later, so that the soft one's signal tells why."""
    names = {
        "address_space_bytes": resource.RLIMIT_AS,
        "file_bytes": resource.RLIMIT_FSIZE,
        "open_files": resource.RLIMIT_NOFILE,
        "threads": resource.RLIMIT_NPROC,
    }
    for name, number in names.items():
        _limit(number, limits[name], limits[name])
    _limit(resource.RLIMIT_CPU, limits["cpu_s"], limits["cpu_s"] + 2)
    for number in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        _limit(number, 0, 0)


def _limit(number: int, soft: int, hard: int) -> None:
    """Set a limit, never above one that the parent itself is under."""
    ceiling = resource.getrlimit(number)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(number, (soft, hard))


def _drop_rights(drop_to: int) -> None:
    """Give up root: another identity where the parent chose one, and in any case every capability."""
    if os.geteuid() == 0:
        _prctl(_PR_SET_SECUREBITS, _SECUREBITS_ROOT_IS_NOBODY)
        for capability in range(64):
            # Numbers past the last one are refused by the kernel, which is fine.
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if drop_to:
        os.setgroups([])
        os.setresgid(drop_to, drop_to, drop_to)
        os.setresuid(drop_to, drop_to, drop_to)
    _drop_capabilities()


def _drop_capabilities() -> None:
    """Empty all capability sets of this process (they are already empty for an ordinary user)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capabilities could not be given up")


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
