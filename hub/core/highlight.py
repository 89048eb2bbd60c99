"""Colour for code, made on the server. Pure: Pygments with a short list of languages and a size limit."""

from functools import lru_cache
from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

# Lexers are made of regular expressions, and some can be made slow on purpose; the limit keeps that under 0.2 s.
MAX_BYTES = 64 * 1024
MAX_LINE = 2_000

_LANGUAGES = frozenset(
    [
        "bash",
        "c",
        "console",
        "cpp",
        "css",
        "diff",
        "dockerfile",
        "go",
        "html",
        "ini",
        "java",
        "javascript",
        "js",
        "json",
        "jsonl",
        "julia",
        "make",
        "markdown",
        "md",
        "py",
        "pycon",
        "python",
        "python3",
        "r",
        "rust",
        "sh",
        "shell",
        "sql",
        "toml",
        "ts",
        "typescript",
        "text",
        "xml",
        "yaml",
        "yml",
        "zsh",
    ]
)
_BY_SUFFIX = {
    "cfg": "ini",
    "css": "css",
    "diff": "diff",
    "go": "go",
    "html": "html",
    "ini": "ini",
    "ipynb": "json",
    "js": "js",
    "json": "json",
    "jsonl": "json",
    "md": "md",
    "py": "python",
    "r": "r",
    "rs": "rust",
    "sh": "bash",
    "sql": "sql",
    "toml": "toml",
    "ts": "ts",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
}


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if language not in _LANGUAGES or language == "text":
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _css_class(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return str(STANDARD_TYPES[kind])


def highlight_block(code: str, language: str) -> str:
    """Escaped HTML of a code block, with a class on each token; unknown languages are only escaped."""
    return "\n".join(_lines(code, _lexer(language.strip().lower())))


def highlight_file(text: str, path: str) -> list[str]:
    """Escaped HTML of each line of a file, coloured by its suffix."""
    suffix = path.rpartition(".")[2].lower()
    return _lines(text, _lexer(_BY_SUFFIX.get(suffix, "text")))


def _lines(text: str, lexer: Lexer | None) -> list[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = text.split("\n")
    if lexer is None or len(text) > MAX_BYTES or max(map(len, plain)) > MAX_LINE:
        return [escape(line) for line in plain]
    lines: list[list[str]] = [[]]
    for kind, value in lexer.get_tokens(text):
        name = _css_class(kind)
        for place, piece in enumerate(value.split("\n")):
            if place:
                lines.append([])
            if piece:
                lines[-1].append(f'<span class="{name}">{escape(piece)}</span>' if name else escape(piece))
    return ["".join(line) for line in lines]
