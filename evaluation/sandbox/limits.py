"""What one sandboxed job may use. Plain data: the caller decides, the sandbox enforces."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Limits of one child process.

    `cores` are the processors that the child may run on, none for all that its parent may.
    `memory_bytes` is resident memory, watched from outside; the address space is limited as well, since libraries
    reserve far more than they use. `call_s` limits each call, `wall_s` the whole session, `cpu_s` all processor time.
    """

    memory_bytes: int = 4 * GIB
    address_space_extra_bytes: int = 6 * GIB
    cpu_s: int = 1800
    wall_s: float = 1800.0
    call_s: float = 300.0
    start_s: float = 20.0
    load_s: float = 180.0
    compute_threads: int = 2
    cores: tuple[int, ...] = ()
    threads: int = 256
    open_files: int = 256
    tmp_bytes: int = 256 * MIB
    output_bytes: int = 1 * MIB
    request_bytes: int = 64 * MIB
    reply_bytes: int = 256 * MIB

    @property
    def address_space_bytes(self) -> int:
        return self.memory_bytes + self.address_space_extra_bytes
