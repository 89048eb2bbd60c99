"""Cards and documents as safe HTML: limits, a child process for the large ones, and a memory of what was rendered."""

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

from django.core.cache import cache
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from hub.core.exceptions import OverLimit
from hub.core.markdown_render import Places, to_html

__all__ = ["CardTooComplex", "CardTooLarge", "Places", "render"]

MAX_BYTES = 2**20
IN_PROCESS_BYTES = 16 * 2**10  # The worst text of this size takes 0.2 s; cost grows with the square.
WALL_S = 5
REMEMBER_S = 24 * 3600
_ROOT = Path(__file__).resolve().parents[2]
_TOO_COMPLEX = "\0too complex"
_VERSION = "2"  # Raise it when the rendering changes, so that old results are not shown.


class CardTooLarge(OverLimit):
    code = "card_too_large"
    message = "The text has {size} bytes; up to {limit} are shown."


class CardTooComplex(OverLimit):
    code = "card_too_complex"
    message = "The text is too complex to show. It can be downloaded."


def render(text: str, places: Places) -> SafeString:
    """Render Markdown for a page. The same text at the same place is rendered once a day.

    Raises:
        CardTooLarge: more than 1 MiB.
        CardTooComplex: it took more than 2 s of CPU or 256 MiB; this is remembered as well.
    """
    data = text.encode()
    if len(data) > MAX_BYTES:
        raise CardTooLarge(size=len(data), limit=MAX_BYTES)
    places = replace(places, image_word=gettext("image"))
    about = json.dumps([_VERSION, asdict(places)], sort_keys=True).encode()
    key = "markdown:" + hashlib.sha256(about + data).hexdigest()
    html: str | None = cache.get(key)
    if html is None:
        html = to_html(text, places) if len(data) <= IN_PROCESS_BYTES else _in_child(text, places)
        cache.set(key, html, REMEMBER_S)
    if html == _TOO_COMPLEX:
        raise CardTooComplex
    return SafeString(html)  # Cleaned by nh3, the last pass of to_html.


def _in_child(text: str, places: Places) -> str:
    """Render under limits that only a process can have: CPU and memory."""
    given = json.dumps({"text": text, "places": asdict(places)}).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hub.core.markdown_render"],
            input=given,
            capture_output=True,
            timeout=WALL_S,
            check=True,
            cwd=_ROOT,
            env={"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(_ROOT)},
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return _TOO_COMPLEX
    return done.stdout.decode()
