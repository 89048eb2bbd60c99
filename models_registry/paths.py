"""Which paths a repository may hold. Every door asks here: commits, uploads, pushes and reads. Pure."""

import re
import unicodedata
from collections.abc import Iterable

MAX_PATH_BYTES = 1024
MAX_SEGMENT_BYTES = 255
MAX_DEPTH = 32
CLIENT_FOLDER = ".smallhub"  # Where our client notes which version a folder holds; it refuses to pull one.

# Control characters, letters that nobody sees or that turn the direction, and the mark of what could not be read.
# Variation selectors stay: emoji need them.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    r"\ufff9-\ufffb\ufffd\U000e0000-\U000e007f]"
)
_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICE = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9]|lpt[0-9]) *(\..*)?", re.IGNORECASE)
# Spellings that some file system takes for .git: NTFS short names, trailing dots, HFS's ignored characters.
# Of .gitmodules as well: Git has run commands that stood in it, and a repository here holds no submodules.
_GIT = re.compile(r"(\.git|git~[0-9]+|\.gitmodules|(gitmod|gi7eba)~[0-9]+)[ .]*(:.*)?", re.IGNORECASE)


def gettext_noop(text: str) -> str:
    """Mark a text for the translators, as Django's own does; this module knows no Django."""
    return text


def path_fault(path: str) -> str | None:
    """Say what is wrong with a path, or None.

    Refused is what any common file system reads as something else: absolute or climbing paths, drives, backslashes,
    control and invisible characters, device names, aliases of `.git` and `.gitmodules`, the client's notes, ends in
    space or dot.
    """
    if not path:
        return gettext_noop("It is empty.")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return gettext_noop("It is not valid Unicode.")
    if size > MAX_PATH_BYTES:
        return f"It is longer than {MAX_PATH_BYTES} bytes."
    if _CONTROL.search(path):
        return gettext_noop("It holds control or invisible characters.")
    if "\\" in path:
        return gettext_noop("It holds a backslash.")
    if path.startswith("/") or _DRIVE.match(path):
        return gettext_noop("It is not relative.")
    segments = path.split("/")
    if folded(segments[0]) == CLIENT_FOLDER:
        return f"“{CLIENT_FOLDER}” holds the client's own notes of a pulled folder."
    if len(segments) > MAX_DEPTH:
        return f"It is more than {MAX_DEPTH} folders deep."
    return next((fault for fault in map(_segment_fault, segments) if fault), None)


def _segment_fault(segment: str) -> str | None:
    plain = unicodedata.normalize("NFKC", segment)  # What systems that take wide letters for narrow ones would read.
    if plain in {"", ".", ".."}:
        return gettext_noop("It holds an empty part, “.” or “..”.")
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"A part is longer than {MAX_SEGMENT_BYTES} bytes."
    if _GIT.fullmatch(plain):
        return gettext_noop("“.git” and its aliases belong to Git.")
    if segment.endswith((" ", ".")) or segment.startswith(" "):
        return gettext_noop("A part starts with a space, or ends in a space or dot.")
    if _DEVICE.fullmatch(plain):
        return gettext_noop("A part is a device name on Windows.")
    if any(letter in segment for letter in '<>:"|?*'):
        return gettext_noop('It holds one of < > : " | ? *')
    return None


def folded(path: str) -> str:
    """What a file system that ignores case and Unicode forms would make of a path."""
    return unicodedata.normalize("NFKC", path).casefold()


def parents(path: str) -> Iterable[str]:
    """The folders above a path, outermost first: `a/b/c` gives `a`, `a/b`."""
    parts = path.split("/")[:-1]
    return ("/".join(parts[: index + 1]) for index in range(len(parts)))


def clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """Two paths that cannot stand together on some file system, or None.

    Either they differ by case or Unicode form alone, or one is a folder in the other's eyes and a file in its own.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        other = files.setdefault(folded(path), path)
        if other != path:
            return path, other
        for folder in parents(path):
            other = folders.setdefault(folded(folder), folder)
            if other != folder:
                return path, other
    both = files.keys() & folders.keys()
    return (files[key := both.pop()], folders[key]) if both else None


def is_within(path: str, folder: str) -> bool:
    """Is this path the file or inside the folder? "" holds everything."""
    return not folder or path == folder or path.startswith(folder + "/")
