"""Reads what a pickle would do, without doing it.

A pickle is a program. This module walks its opcodes and keeps just enough of the stack to name what would be imported
and called. It never imports and never calls. Whatever it says, a pickle is never loaded by the hub: the report only
tells people *why* a file is held back. Names are judged by an allow-list; everything else counts as code.
"""

from __future__ import annotations

import pickletools
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from models_registry.formats.errors import printable

MAX_OPCODES = 2_000_000
MAX_STREAMS = 64
MAX_SECONDS = 8.0
_MAX_LINE_BYTES = 16_000_000
_KEPT_TEXT_BYTES = 512

_TORCH_STORAGES = ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
ALLOWED_GLOBALS = frozenset(
    {f"torch.{name}Storage" for name in _TORCH_STORAGES}
    | {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"}
    | {"torch.Size", "torch.device", "torch.float32", "torch.float16", "torch.bfloat16"}
    | {"numpy.core.multiarray._reconstruct", "numpy.core.multiarray.scalar", "numpy.ndarray", "numpy.dtype"}
    | {"numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar", "_codecs.encode"}
)
# What the import lane may rebuild: tensors in dictionaries, nothing else.
STATE_DICT_GLOBALS = frozenset(
    name for name in ALLOWED_GLOBALS if name.startswith("torch.") or name == "collections.OrderedDict"
)
# `posix` and `nt` are what `os` resolves to; people know it as `os`.
_SPOKEN = {"posix": "os", "nt": "os", "__builtin__": "builtins"}


@dataclass(frozen=True)
class PickleReport:
    """What a pickle would import and call, in order of first appearance, as dotted names.

    `broken` says why the walk ended before the end, or is None. `opcodes` counts all streams together.
    """

    protocol: int
    imports: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    broken: str | None = None
    opcodes: int = 0
    streams: int = 0

    @property
    def unknown(self) -> tuple[str, ...]:
        """Imported names outside the allow-list: each of these may run anything."""
        return tuple(name for name in self.imports if name not in ALLOWED_GLOBALS)

    @property
    def would_run(self) -> tuple[str, ...]:
        """Unknown names that the pickle calls itself."""
        return tuple(name for name in self.calls if name not in ALLOWED_GLOBALS)

    @property
    def is_state_dict(self) -> bool:
        """It rebuilds torch's tensors and dictionaries alone, to its end."""
        rebuilds = any(name.startswith("torch._utils._rebuild_") for name in self.imports)
        return self.broken is None and rebuilds and set(self.imports) <= STATE_DICT_GLOBALS

    @property
    def is_program(self) -> bool:
        """It imports or calls something, so it is not merely bytes that happen to parse."""
        return bool(self.imports or self.calls)


@dataclass(frozen=True)
class _Name:
    """A stack value that stands for an imported object."""

    dotted: str


class _Mark:
    """The stack's opening bracket."""


class _Broken(Exception):
    """The walk cannot go on; the text says why."""


@dataclass
class _Machine:
    """The part of a pickle machine that is needed to tell names: stack, memo, what was seen."""

    stack: list[object] = field(default_factory=list)
    memo: dict[int, object] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    calls: dict[str, None] = field(default_factory=dict)
    protocol: int = 0
    opcodes: int = 0

    def pop(self) -> object:
        if not self.stack:
            raise _Broken("it takes from an empty stack")
        return self.stack.pop()

    def pop_to_mark(self) -> list[object]:
        taken: list[object] = []
        while True:
            value = self.pop()
            if isinstance(value, _Mark):
                return taken[::-1]
            taken.append(value)

    def found(self, module: object, name: object) -> None:
        """Push an import. Names that the pickle computes cannot be told, and are code by definition."""
        if isinstance(module, str) and isinstance(name, str):
            dotted = printable(f"{_SPOKEN.get(module, module)}.{name}", limit=120)
        else:
            dotted = "a name that it computes"
        self.imports[dotted] = None
        self.stack.append(_Name(dotted))

    def called(self, target: object) -> None:
        if isinstance(target, _Name):
            self.calls[target.dotted] = None


def scan(stream: BinaryIO) -> PickleReport:
    """Walk every pickle that follows another from the stream's position (PyTorch's old files hold five).

    What comes after the last whole pickle (the tensors of an old PyTorch file) is not a fault. Memory use does not
    depend on the file: long strings and bytes are skipped, not read.
    """
    machine, deadline = _Machine(), time.monotonic() + MAX_SECONDS
    broken, streams = None, 0
    while streams < MAX_STREAMS:
        start, opcodes = stream.tell(), machine.opcodes
        machine.stack.clear()
        machine.memo.clear()
        try:
            _walk(stream, machine, deadline)
        except _Broken as error:
            # A later stream that fails at its first opcodes is simply the data behind the pickles.
            if streams == 0 or machine.opcodes - opcodes > 8:
                broken = f"at byte {stream.tell():,} {error}"
            stream.seek(start)
            break
        streams += 1
        if not (head := stream.read(1)):
            break
        stream.seek(-len(head), 1)
    return PickleReport(
        protocol=machine.protocol,
        imports=tuple(machine.imports),
        calls=tuple(machine.calls),
        broken=broken,
        opcodes=machine.opcodes,
        streams=streams,
    )


def looks_like(head: bytes) -> bool:
    """Tell from the first two bytes whether this is a pickle of protocol 2 or later."""
    return len(head) >= 2 and head[0] == 0x80 and head[1] <= 5


def _walk(stream: BinaryIO, machine: _Machine, deadline: float) -> None:
    """Run one pickle up to its STOP."""
    while True:
        code = stream.read(1)
        if not code:
            raise _Broken("it ends without a STOP")
        opcode = _OPCODES.get(code)
        if opcode is None:
            raise _Broken(f"byte {code[0]:#04x} is no opcode")
        machine.opcodes += 1
        if machine.opcodes > MAX_OPCODES or (machine.opcodes % 4096 == 0 and time.monotonic() > deadline):
            raise _Broken("it is longer than the scan's limit")
        argument = _argument(stream, opcode)
        if opcode.name == "STOP":
            if not machine.stack:
                raise _Broken("it stops with nothing made")
            return
        _EFFECTS.get(opcode.name, _general)(machine, opcode, argument)
        if len(machine.stack) > MAX_OPCODES or len(machine.memo) > MAX_OPCODES:
            raise _Broken("its stack grows past the scan's limit")


def _argument(stream: BinaryIO, opcode: pickletools.OpcodeInfo) -> object:
    """Read or skip what follows an opcode. Short texts and integers are kept, everything else becomes None."""
    kind = opcode.arg
    if kind is None:
        return None
    if kind.name == "stringnl_noescape_pair":
        return _line(stream), _line(stream)
    if kind.n == pickletools.UP_TO_NEWLINE:
        text = _line(stream)
        return text[1:-1] if kind.name == "stringnl" and text[:1] in ("'", '"') else text
    if kind.n >= 0:
        raw = stream.read(kind.n)
        if len(raw) != kind.n:
            raise _Broken("it ends inside an argument")
        return int.from_bytes(raw, "little") if kind.name in _UNSIGNED else None
    return _counted(stream, kind)


def _counted(stream: BinaryIO, kind: pickletools.ArgumentDescriptor) -> object:
    """Read an argument that begins with its own length."""
    width, layout = _COUNTS[kind.n]
    raw = stream.read(width)
    if len(raw) != width:
        raise _Broken("it ends inside an argument")
    (length,) = struct.unpack(layout, raw)
    if length < 0:
        raise _Broken("an argument has a negative length")
    if length <= _KEPT_TEXT_BYTES:
        content = stream.read(length)
        if len(content) != length:
            raise _Broken("it ends inside an argument")
        return content.decode("utf-8", "replace") if "unicode" in kind.name or "string" in kind.name else None
    before = stream.tell()
    end = stream.seek(0, 2)
    if before + length > end:
        raise _Broken("an argument is longer than the file")
    stream.seek(before + length)
    return None


def _line(stream: BinaryIO) -> str:
    raw = stream.readline(_MAX_LINE_BYTES)
    if not raw.endswith(b"\n"):
        raise _Broken("a line has no end")
    return raw[:-1][:_KEPT_TEXT_BYTES].decode("utf-8", "replace")


def _general(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    """Apply an opcode by its declared stack effect; plain texts stay known, all other values become None."""
    for wanted in reversed(opcode.stack_before):
        if wanted is pickletools.stackslice:
            machine.pop_to_mark()
        elif wanted is not pickletools.markobject:
            machine.pop()
    for made in opcode.stack_after:
        if made is pickletools.markobject:
            machine.stack.append(_Mark())
        else:
            machine.stack.append(argument if isinstance(argument, str) else None)


def _container(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    """APPEND, SETITEM and their plurals leave the container itself, whose name must not be lost."""
    if opcode.name in ("APPENDS", "SETITEMS", "ADDITEMS"):
        machine.pop_to_mark()
    else:
        for _ in range(len(opcode.stack_before) - 1):
            machine.pop()
    target = machine.pop()
    machine.called(target)  # `extend`, `append` or `__setitem__` of an imported object is a call, too.
    machine.stack.append(target)


def _global(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    module, name = argument if isinstance(argument, tuple) else (None, None)
    machine.found(module, name)


def _stack_global(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    name, module = machine.pop(), machine.pop()
    machine.found(module, name)


def _extension(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    machine.found("copyreg", f"extension {argument}")


def _instance(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    """INST names a class by two lines and calls it with what lies above the mark."""
    machine.pop_to_mark()
    _global(machine, opcode, argument)
    machine.called(machine.stack[-1])
    machine.stack[-1] = None


def _object(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    """OBJ calls the class that lies first above the mark."""
    taken = machine.pop_to_mark()
    if not taken:
        raise _Broken("it builds an object of nothing")
    machine.called(taken[0])
    machine.stack.append(None)


def _call(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    """REDUCE, NEWOBJ, NEWOBJ_EX: arguments on top, what is called beneath them."""
    for _ in range(len(opcode.stack_before) - 1):
        machine.pop()
    machine.called(machine.pop())
    machine.stack.append(None)


def _build(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    machine.pop()
    machine.called(machine.stack[-1] if machine.stack else None)
    if not machine.stack:
        raise _Broken("it takes from an empty stack")


def _put(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    if not machine.stack:
        raise _Broken("it remembers a value that is not there")
    machine.memo[_memo_key(argument)] = machine.stack[-1]


def _memoize(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    _put(machine, opcode, len(machine.memo))


def _get(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    key = _memo_key(argument)
    if key not in machine.memo:
        raise _Broken("it recalls a value that it never remembered")
    machine.stack.append(machine.memo[key])


def _dup(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    value = machine.pop()
    machine.stack.extend((value, value))


def _protocol(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: object) -> None:
    if not isinstance(argument, int) or argument > 5:
        raise _Broken("its protocol is unknown")
    machine.protocol = max(machine.protocol, argument)


def _memo_key(argument: object) -> int:
    try:
        return int(argument)  # type: ignore[call-overload, no-any-return]  # str in PUT and GET, int in the others.
    except (TypeError, ValueError) as error:
        raise _Broken("a memo number is not a number") from error


_Effect = Callable[[_Machine, pickletools.OpcodeInfo, object], None]
_OPCODES = {info.code.encode("latin-1"): info for info in pickletools.opcodes}
_UNSIGNED = frozenset({"uint1", "uint2", "uint4", "uint8", "int4"})
_COUNTS = {
    pickletools.TAKEN_FROM_ARGUMENT1: (1, "<B"),
    pickletools.TAKEN_FROM_ARGUMENT4: (4, "<i"),
    pickletools.TAKEN_FROM_ARGUMENT4U: (4, "<I"),
    pickletools.TAKEN_FROM_ARGUMENT8U: (8, "<Q"),
}
_EFFECTS: dict[str, _Effect] = {
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _instance,
    "OBJ": _object,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _call,
    "BUILD": _build,
    "EXT1": _extension,
    "EXT2": _extension,
    "EXT4": _extension,
    "PUT": _put,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": _memoize,
    "GET": _get,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "DUP": _dup,
    "PROTO": _protocol,
    "APPEND": _container,
    "APPENDS": _container,
    "SETITEM": _container,
    "SETITEMS": _container,
    "ADDITEMS": _container,
}
