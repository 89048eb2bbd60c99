"""Renders a model's chat template inside the sandbox, and says what came out. Found there by its own name.

A template is a program of a stranger's: it may loop for as long as it likes, which is the session's limit, not ours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

SYSTEM, QUESTION, REPLY, MORE = "You are terse.", "Where is the ferry?", "At the pier.", "Since when?"
MAX_SHOWN = 2000
_TURNS: dict[str, list[tuple[str, str]]] = {
    "user": [("user", QUESTION)],
    "system": [("system", SYSTEM), ("user", QUESTION)],
    "dialogue": [("user", QUESTION), ("assistant", REPLY), ("user", MORE)],
    "wrong_order": [("assistant", REPLY), ("assistant", REPLY)],
    "unknown_role": [("harbour", QUESTION)],
}


class Refused(Exception):
    """A template's own error, which is how it refuses turns that it does not know."""

    code = "template"


def load(folder: Path, *, threads: int) -> Rendered:
    """Read the template and the special tokens, and render all kinds of turns with and without the model's turn."""
    settings = _settings(folder)
    source = _source(folder, settings)
    tokens = {name: _token(settings.get(name)) for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
    try:
        template = _environment().from_string(source)
    except TemplateError as error:
        raise Refused(f"it does not compile: {error}"[:500]) from error
    results: dict[str, Any] = {"bos_token": tokens["bos_token"], "adds_bos": settings.get("add_bos_token") is True}
    for name, turns in _TURNS.items():
        messages = [{"role": role, "content": content} for role, content in turns]
        for is_open in (False, True):
            results[f"{name}:{'open' if is_open else 'closed'}"] = _rendered(template, messages, is_open, tokens)
    return Rendered(results)


class Rendered:
    """What came out, as a description."""

    runtime, task, capabilities = "jinja", "chat-template", ("description",)

    def __init__(self, results: dict[str, Any]) -> None:
        self._results = results

    def description(self) -> dict[str, Any]:
        """By kind of turns: `text`, or `error`."""
        return self._results


def _rendered(template: Any, messages: list[dict[str, str]], is_open: bool, tokens: dict[str, str]) -> dict[str, str]:
    try:
        text = template.render(messages=messages, add_generation_prompt=is_open, tools=None, documents=None, **tokens)
    except Exception as error:  # noqa: BLE001 - whatever a template raises is its answer.
        return {"error": f"{type(error).__name__}: {error}"[:500]}
    return {"text": text[:MAX_SHOWN]}


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False)
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: "2026-01-01"
    return environment


def _raise(message: str) -> None:
    raise Refused(message)


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    value = json.loads(path.read_bytes()) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _source(folder: Path, settings: dict[str, Any]) -> str:
    """The template: a file of its own, or in the settings, where several have names."""
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    found = settings.get("chat_template")
    if found is None and (folder / "chat_template.json").is_file():
        found = json.loads((folder / "chat_template.json").read_bytes()).get("chat_template")
    if isinstance(found, list):
        named = {row.get("name"): row.get("template") for row in found if isinstance(row, dict)}
        found = named.get("default") or next(iter(named.values()), None)
    if not isinstance(found, str):
        raise Refused("it is not a text")
    return found


def _token(value: Any) -> str:
    text = value.get("content") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""
