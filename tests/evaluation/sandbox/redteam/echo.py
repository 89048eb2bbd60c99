"""A loader whose model answers with what it was given, so that a test sees what arrives in the child."""

from __future__ import annotations

from typing import Any

runtime, task, capabilities = "echo", "automatic-speech-recognition", frozenset({"transcribe", "tag", "answer"})


class Model:
    runtime, task, capabilities = runtime, task, capabilities

    def description(self) -> dict[str, Any]:
        return {}

    def transcribe(self, clips: list[Any], *, sampling_rate: int) -> list[str]:
        return [f"{clip.dtype} {clip.shape} {float(clip.sum()):g} at {sampling_rate}" for clip in clips]

    def tag(self, sentences: list[list[str]]) -> list[tuple[str, ...]]:
        return [tuple(f"B-{word}" for word in words) for words in sentences]

    def answer(self, questions: list[str], *, contexts: list[str]) -> list[dict[str, Any]]:
        return [{"text": context[2:], "start": 2, "end": len(context), "score": 1.5} for context in contexts]


def load(folder: Any, *, threads: int) -> Model:
    return Model()
