"""A small virus scanner that speaks clamd's INSTREAM on a Unix socket. It knows one virus: the word NIGHTSHADE."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT_BYTES = 1 << 20


@contextmanager
def running(path: Path, *, answer: bytes | None = None) -> Iterator[str]:
    """Serve at `path` until the block ends; gives the address. `answer` is what it says to everything, if given."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        threading.Thread(target=_serve, args=(door, answer), daemon=True).start()
        yield f"unix://{path}"


def _serve(door: socket.socket, answer: bytes | None) -> None:
    while True:
        try:
            caller, _ = door.accept()
        except OSError:
            return
        with caller, caller.makefile("rb") as stream:
            said = _answer(stream)
            caller.sendall(answer if answer is not None else said)


def _answer(stream: object) -> bytes:
    command = b""
    while not command.endswith(b"\0"):
        command += stream.read(1)  # type: ignore[attr-defined]
    if command == b"zPING\0":
        return b"PONG\0"
    assert command == b"zINSTREAM\0", command
    content = b""
    while length := struct.unpack(">I", stream.read(4))[0]:  # type: ignore[attr-defined]
        content += stream.read(length)  # type: ignore[attr-defined]
        if len(content) > LIMIT_BYTES:
            return b"INSTREAM size limit exceeded. ERROR\0"
    return b"stream: Test.Nightshade FOUND\0" if b"NIGHTSHADE" in content else b"stream: OK\0"
