"""What a poisoned model does once it is asked: crashes, hangs, floods, eats, lies. Imported by `escapes` alone."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def forge_result() -> None:
    """Print a perfect answer where answers might be read from."""
    for number in range(100):
        print(json.dumps({"id": number, "ok": {"text": "perfect", "token_ids": [], "finish": "stop"}}), flush=True)


def nan_row() -> list[dict[str, Any]]:
    return [{"log_prob": float("nan"), "tokens": 1, "unknown": 0}]


def endless_loop() -> None:
    while True:
        time.sleep(0)


def crash() -> None:
    ctypes.string_at(0)


def memory_bomb() -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 32))


def disk_bomb() -> None:
    block = b"x" * (1 << 20)
    for number in range(10_000):
        with open(Path(tempfile.gettempdir(), f"fill{number}"), "wb") as stream:
            stream.write(block)


def output_bomb() -> None:
    while True:
        os.write(1, b"spam " * 10_000)


def thread_bomb() -> None:
    for _ in range(100_000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def fork_bomb() -> None:
    for _ in range(10_000):
        os.fork()


def handle_bomb() -> None:
    kept = [open("/dev/null") for _ in range(100_000)]  # noqa: SIM115
    raise AssertionError(len(kept))


def answer_flood() -> None:
    for descriptor in range(3, 64):
        try:
            while True:
                os.write(descriptor, b"y" * 65_536)
        except OSError:
            continue


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def deep_recursion() -> None:
    deep_recursion()


def huge_answer() -> str:
    return "x" * (64 << 20)


def raise_error() -> None:
    raise RuntimeError("as a model might")


BOMBS: dict[str, Callable[[], Any]] = {
    "healthy": lambda: None, "abort": os.abort, "exit": lambda: os._exit(0), "sleep": lambda: time.sleep(1000),
    "recursion": deep_recursion, "huge": huge_answer, "raise": raise_error, "forged": forge_result, "segfault": crash,
    "memory": memory_bomb, "disk": disk_bomb, "output": output_bomb, "threads": thread_bomb, "forks": fork_bomb,
    "handles": handle_bomb, "answers": answer_flood, "loop": endless_loop, "stop": stop_itself,
}  # fmt: skip

LIKELIHOODS: dict[str, Callable[[], Any]] = {
    "endless_loop": endless_loop, "crash": crash, "wrong_rows": list, "nan": nan_row,
}  # fmt: skip
