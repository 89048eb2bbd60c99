"""Answers the parent's calls with the model's own methods. It computes no score and never sees an answer key."""

from __future__ import annotations

import importlib
import json
import resource
import time
from pathlib import Path
from typing import Any

from .pipe import Pipe, decode, encode

OPERATIONS = frozenset(
    {
        "answer",
        "classify",
        "conditional_log_likelihood",
        "continuation_log_likelihood",
        "continue_greedily",
        "decode",
        "description",
        "embed",
        "encode",
        "explain",
        "generate",
        "log_likelihood",
        "next_log_probs",
        "pseudo_log_likelihood",
        "rolling_log_likelihood",
        "rows",
        "run_program",
        "scan_beside",
        "scan_file",
        "summarize",
        "tag",
        "transcribe",
        "translate",
        "weights_part",
    }
)


def answer_calls(pipe: Pipe, spec: dict[str, Any]) -> None:
    """Serve until the pipe closes. Every failure is an answer; only the kernel ends this loop early."""
    model: Any = None
    answer: Any
    while (line := pipe.receive()) is not None:
        request: dict[str, Any] = json.loads(line)
        try:
            if request["op"] == "load":
                model, seconds = _load(spec)
                answer = _described(model) | seconds
            elif request["op"] == "ping":
                answer = "pong"
            else:
                answer = _call(model, request)
            reply: dict[str, Any] = {"ok": encode(answer)}
        except Exception as error:  # noqa: BLE001 - whatever a model raises is an answer for the parent to judge.
            reply = {"error": _described_error(error)}
        reply["id"] = request["id"]
        pipe.send(reply)


def _load(spec: dict[str, Any]) -> tuple[Any, dict[str, float]]:
    """Import the loader and load the folder, or the open file; the seconds of both are kept apart."""
    began = time.perf_counter()
    loader = importlib.import_module(spec["loader"])
    imported = time.perf_counter()
    given = spec.get("descriptor")
    model = loader.load(Path(spec["folder"]) if given is None else given, threads=spec["threads"])
    return model, {"import_s": imported - began, "load_s": time.perf_counter() - imported}


def _described(model: Any) -> dict[str, Any]:
    """The model's own description, and what it can do."""
    return {
        "runtime": model.runtime,
        "task": model.task,
        "capabilities": sorted(model.capabilities),
        "description": model.description(),
        "rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _call(model: Any, request: dict[str, Any]) -> Any:
    """Run one allowed operation with named arguments."""
    if model is None or request["op"] not in OPERATIONS:
        raise LookupError(f"no operation {request['op']!r} here")
    method = getattr(model, request["op"], None)
    if method is None:
        raise LookupError(f"this model has no operation {request['op']!r}")
    return method(**decode(request["args"]))


def _described_error(error: Exception) -> dict[str, str]:
    """Sort an exception into what the parent can act on. Texts are cut: they are shown, never parsed."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or "can't allocate memory" in text or "std::bad_alloc" in text:
        return {"kind": "memory", "code": "memory", "reason": text[:2000]}
    code = getattr(error, "code", None)
    if isinstance(code, str):
        return {"kind": "refused", "code": code[:80], "reason": str(error)[:2000]}
    return {"kind": "raised", "code": "model_error", "reason": text[:2000]}
