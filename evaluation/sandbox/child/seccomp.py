"""A system-call filter of our own: what a process that only computes never needs is refused.

The filter is a small BPF program handed to the kernel by `prctl`/`seccomp`. It refuses by errno (EPERM), so that
ordinary code gets an ordinary error, and it kills the process only when the caller's architecture is not ours.
Numbers of x86-64 and of the generic table that aarch64 uses; calls that one of them lacks have None.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_EPERM, _ENOSYS = 1, 38
_RET_KILL, _RET_ERRNO, _RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _JUMP_EQ, _JUMP_GT, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
_NEWEST_KNOWN_CALL = 462
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020080
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Network and other sockets.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "connect": (42, 203),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    # New processes and programs. Threads remain possible, see `clone` below.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    # Mounts and namespaces.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    # Kernel interfaces with a history of holes, and machine administration.
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "personality": (135, 92),
    "uselib": (134, None),
    "_sysctl": (156, None),
    "nfsservctl": (180, 42),
    "lookup_dcookie": (212, 18),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "mlockall": (151, 230),
    # Memory that the address-space limit does not see, and channels between processes.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # Identity and file attributes, which Landlock does not watch.
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "setgroups": (116, 159),
    "capset": (126, 91),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "truncate": (76, 45),
    "link": (86, None),
    "linkat": (265, 37),
    # Priorities of others, and where memory of others lies.
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
}

_CLONE, _CLONE3 = (56, 220), (435, 435)
_KILL, _TGKILL, _PRLIMIT, _IOCTL = (62, 129), (234, 131), (302, 261), (16, 29)


def is_supported() -> bool:
    """Whether this filter knows the machine's system-call numbers."""
    return platform.machine() in _ARCHITECTURES


def install() -> None:
    """Put the filter on every thread of this process, for good. `no_new_privs` must be set before.

    Raises:
        OSError: the kernel refuses, or the architecture is not known.
    """
    if not is_supported():
        raise OSError(_ENOSYS, f"no system-call table for {platform.machine()}")
    program = build_program(machine=platform.machine(), pid=os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: number of eight-byte instructions, padding, pointer.
    description = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    set_filter, all_threads = 1, 1
    result = libc.syscall(
        ctypes.c_long(_SECCOMP_CALL[platform.machine()]),
        ctypes.c_uint(set_filter),
        ctypes.c_uint(all_threads),
        ctypes.c_char_p(description),
    )
    if result != 0:
        raise OSError(ctypes.get_errno(), "the system-call filter was refused")


def build_program(*, machine: str, pid: int) -> bytes:
    """The filter as BPF instructions of eight bytes each. `pid` may signal and limit itself, nobody else."""
    architecture, column = _ARCHITECTURES[machine]
    refuse, missing = _RET_ERRNO | _EPERM, _RET_ERRNO | _ENOSYS
    code = [_op(_LOAD, 4), _op(_JUMP_EQ, architecture, 1, 0), _op(_RETURN, _RET_KILL), _op(_LOAD, 0)]
    if machine == "x86_64":
        code += [_op(_JUMP_GE, _X32_BIT, 0, 1), _op(_RETURN, refuse)]
    # Calls newer than this table are unknown, so they are missing.
    code += [_op(_JUMP_GT, _NEWEST_KNOWN_CALL, 0, 1), _op(_RETURN, missing)]
    # The C library falls back from clone3, whose flags a filter cannot see, to clone.
    code += [_op(_JUMP_EQ, _CLONE3[column], 0, 1), _op(_RETURN, missing)]
    code += _threads_only(_CLONE[column], refuse)
    for call in (_KILL, _TGKILL):
        code += _first_argument_in(call[column], {pid}, refuse)
    code += _first_argument_in(_PRLIMIT[column], {0, pid}, refuse)
    code += _no_typing_into_terminals(_IOCTL[column], refuse)
    for numbers in REFUSED.values():
        if numbers[column] is not None:
            code += [_op(_JUMP_EQ, numbers[column] or 0, 0, 1), _op(_RETURN, refuse)]
    return b"".join([*code, _op(_RETURN, _RET_ALLOW)])


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


def _argument(index: int) -> bytes:
    """Load the low half of an argument. Both architectures are little endian."""
    return _op(_LOAD, 16 + 8 * index)


def _guarded(number: int, body: list[bytes]) -> list[bytes]:
    """Run `body` for one call only, and load the call's number again behind it."""
    return [_op(_JUMP_EQ, number, 0, len(body) + 1), *body, _op(_LOAD, 0)]


def _threads_only(number: int, refuse: int) -> list[bytes]:
    """`clone` makes threads of this process, never processes or namespaces."""
    body = [
        _argument(0),
        _op(_JUMP_SET, _CLONE_THREAD, 1, 0),
        _op(_RETURN, refuse),
        _op(_JUMP_SET, _CLONE_NAMESPACES, 0, 1),
        _op(_RETURN, refuse),
    ]
    return _guarded(number, body)


def _first_argument_in(number: int, allowed: set[int], refuse: int) -> list[bytes]:
    values = sorted(allowed)
    tests = [_op(_JUMP_EQ, value, len(values) - index, 0) for index, value in enumerate(values)]
    return _guarded(number, [_argument(0), *tests, _op(_RETURN, refuse)])


def _no_typing_into_terminals(number: int, refuse: int) -> list[bytes]:
    body = [
        _argument(1),
        _op(_JUMP_EQ, _TIOCSTI, 1, 0),
        _op(_JUMP_EQ, _TIOCLINUX, 0, 1),
        _op(_RETURN, refuse),
    ]
    return _guarded(number, body)
