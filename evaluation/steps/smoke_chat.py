"""S12: the chat template renders turns, in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evaluation.sandbox import RuntimeRefused, Session
from evaluation.steps.checks import Check, failed, not_applicable, passed, warned
from evaluation.steps.inspect import Inspection

_ID, _TITLE = "S12", "chat"
# Words of the turns, as the reader renders them.
_SYSTEM, _QUESTION, _MORE = "You are terse.", "Where is the ferry?", "Since when?"


def check(inspection: Inspection, open_reader: Callable[[], Session] | None) -> Check:
    """Render system, user and assistant turns.

    Args:
        open_reader: starts a sandbox with the reader of templates over the model's files, not yet loaded.
    """
    if not inspection.chat_template or open_reader is None:
        return not_applicable(_ID, _TITLE, "It has no chat template.")
    try:
        with open_reader() as session:
            found = session.load()["description"]
    except RuntimeRefused as error:
        return failed(_ID, _TITLE, f"The template in {inspection.chat_template} fails: {error.reason[:300]}")
    return judge(found)


def judge(found: Mapping[str, Any]) -> Check:
    """What the rendered texts say of the template. Each has a `text` or an `error`."""
    texts = {name: value["text"] for name, value in found.items() if isinstance(value, dict) and "text" in value}
    for name in ("user:open", "user:closed", "dialogue:open"):
        if name not in texts:
            reason = found.get(name, {}).get("error", "nothing came out")
            return failed(_ID, _TITLE, f"It cannot render a plain dialogue: {reason[:300]}")
    opened, closed = texts["user:open"], texts["user:closed"]
    if _QUESTION not in opened or _MORE not in texts["dialogue:open"]:
        return failed(_ID, _TITLE, "It leaves out what the user said.")
    bos = str(found.get("bos_token") or "")
    if bos and any(text.startswith(bos + bos) for text in texts.values()):
        return failed(_ID, _TITLE, f"It begins with {bos[:40]} twice.")
    return _warnings(found, texts, opened, closed, bos)


def _warnings(found: Mapping[str, Any], texts: Mapping[str, str], opened: str, closed: str, bos: str) -> Check:
    """What works, but not as people would expect."""
    if opened == closed:
        return warned(_ID, _TITLE, "It adds nothing where the model should speak (add_generation_prompt).")
    if not opened.startswith(closed.rstrip()):
        return warned(_ID, _TITLE, "With the model's turn opened it also changes what came before.")
    if bos and found.get("adds_bos") and opened.startswith(bos):
        return warned(_ID, _TITLE, f"It writes {bos[:40]}, and so does the tokenizer: added by both it comes twice.")
    system = "system:open" in texts and _SYSTEM in texts["system:open"]
    strict = sum("error" in found.get(f"{name}:open", {}) for name in ("wrong_order", "unknown_role"))
    parts = [
        "It renders user, assistant" + (" and system turns" if system else " turns, but no system turn"),
        "opens the model's turn",
        f"refuses {strict} of 2 wrong orders of roles",
    ]
    return passed(_ID, _TITLE, ", ".join(parts) + ".", value=strict)
