"""The one refusal that every pure reader raises: the bytes are not what they claim, and where."""

from __future__ import annotations


class BadFormat(ValueError):
    """The bytes break the format's rules, so nothing reads them further.

    `code` is stable and made for programs (`"safetensors_overlap"`); the text is made for people and names the
    place of the fault. It never quotes more than a short, printable piece of the file.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[type[BadFormat], tuple[str, str]]:
        return type(self), (self.code, self.detail)


def printable(text: str, *, limit: int = 80) -> str:
    """A piece of untrusted text that is safe to put into a sentence: one line, no controls, at most `limit` long."""
    shown = "".join(character if character.isprintable() else "�" for character in text[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"
