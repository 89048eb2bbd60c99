"""An optional second opinion: a ClamAV daemon that is asked about every file. Off unless an address is set."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

from models_registry.formats.errors import printable

_BLOCK_BYTES = 1 << 18
_REPLY_BYTES = 4096

# Asks about one stream; gives the name of what was found, or "". Raises `AntivirusUnavailable` or `TooLarge`.
Antivirus = Callable[[BinaryIO], str]


class AntivirusUnavailable(Exception):
    """The daemon cannot be asked now. The scan must wait: without its answer there is no verdict."""


class TooLarge(Exception):
    """The daemon does not take streams of this length."""


def client(address: str, *, timeout_s: float = 60.0) -> Antivirus:
    """A function that asks the daemon at `unix:///path/to/socket` or `tcp://host:port`.

    Raises:
        ValueError: the address is neither.
    """
    parts = _parts(address)

    def ask(stream: BinaryIO) -> str:
        try:
            with _connected(parts.scheme, parts.path, parts.hostname or "", parts.port or 0, timeout_s) as opened:
                return _verdict(_exchange(opened, stream))
        except OSError as error:
            raise AntivirusUnavailable(f"clamd at {address} does not answer ({type(error).__name__})") from error

    return ask


def fault(address: str) -> str:
    """Why the daemon cannot be asked, or "" if it answers."""
    try:
        parts = _parts(address)
        with _connected(parts.scheme, parts.path, parts.hostname or "", parts.port or 0, 5.0) as opened:
            opened.sendall(b"zPING\0")
            reply = _reply(opened)
    except (OSError, ValueError) as error:
        return str(error)
    return "" if reply == "PONG" else f"it answers {printable(reply)!r}"


def _parts(address: str) -> SplitResult:
    parts = urlsplit(address)
    if not (parts.scheme == "unix" and parts.path) and not (parts.scheme == "tcp" and parts.hostname and parts.port):
        raise ValueError(f"{address!r} is no address of clamd: unix:///run/clamd.sock or tcp://127.0.0.1:3310")
    return parts


def _connected(scheme: str, path: str, host: str, port: int, timeout_s: float) -> socket.socket:
    if scheme == "tcp":
        return socket.create_connection((host, port), timeout=timeout_s)
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(timeout_s)
    try:
        opened.connect(path)
    except OSError:
        opened.close()
        raise
    return opened


def _exchange(opened: socket.socket, stream: BinaryIO) -> str:
    """Send a stream in counted blocks, and read the answer."""
    stream.seek(0)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # It stopped reading, and has said why.
        opened.sendall(b"zINSTREAM\0")
        while block := stream.read(_BLOCK_BYTES):
            opened.sendall(struct.pack(">I", len(block)) + block)
        opened.sendall(struct.pack(">I", 0))
    return _reply(opened)


def _reply(opened: socket.socket) -> str:
    reply = b""
    while not reply.endswith(b"\0") and len(reply) < _REPLY_BYTES:
        part = opened.recv(_REPLY_BYTES)
        if not part:
            break
        reply += part
    return reply.rstrip(b"\0\n").decode("utf-8", "replace")


def _verdict(reply: str) -> str:
    if reply.endswith(" OK"):
        return ""
    if reply.endswith(" FOUND"):
        return printable(reply.removeprefix("stream: ").removesuffix(" FOUND"))
    if "size limit" in reply:
        raise TooLarge(printable(reply))
    raise AntivirusUnavailable(f"clamd answers: {printable(reply) or 'nothing'}")
