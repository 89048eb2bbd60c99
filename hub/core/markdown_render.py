"""Markdown to clean HTML. Pure: no Django, no settings, so that a child process can run it alone.

Three passes: markdown-it makes HTML, our own pass points links into the repository and takes remote pictures out, and
nh3 cleans the result against an allow-list, always last. A fault in the first two can make a page ugly, never unsafe.

Run as a module it reads one JSON object of arguments on stdin and writes the HTML to stdout, under limits of its own.
"""

import json
import posixpath
import re
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from pygments.token import STANDARD_TYPES

from hub.core.highlight import highlight_block

CPU_S = 2
MEMORY_BYTES = 256 * 2**20

_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "del", "details", "div", "dl"),
    *("dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark"),
    *("ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td"),
    *("tfoot", "th", "thead", "tr", "u", "ul", "var"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"alt", "height", "src", "title", "width"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
_DROPPED_WITH_CONTENT = {
    "script",
    "style",
    "template",
    "noscript",
    "iframe",
    "object",
    "svg",
    "math",
    "title",
    "textarea",
}
_CLASSES = {
    "a": {"remote"},
    "div": {"code", "table-wrap"},
    "span": {name for name in STANDARD_TYPES.values() if name},
}
_SCHEMES = {"http", "https", "mailto"}
_LITERAL = {"code", "pre", "kbd", "samp"}
_NAMED = re.compile(
    r"(?<![\w/@.`-])@(?P<person>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,40}[A-Za-z0-9])?)"
    r"|(?<![\w/#&`-])#(?P<number>[1-9][0-9]{0,8})\b"
)
_UPLOAD = re.compile(r"(?:https?://[^/?#\s]{1,255})?(/uploads/[0-9a-f]{32})")


@dataclass(frozen=True)
class Places:
    """Where relative addresses of a document lead.

    Attributes:
        folder: the document's folder inside the repository, "" for the root.
        page: prefix for links to files, as `/ns/name/blob/main/`.
        raw: prefix for pictures, as `/ns/name/resolve/main/`.
        people: names in lower case; `@name` of these becomes a link to their page.
        threads: prefix for links to threads, as `/ns/name/discussions/`.
        numbers: `#number` of these becomes a link to the thread.
        uploads: whether pictures that were attached here are shown.
        image_word: what stands before the name of a remote picture, in the reader's language.
    """

    folder: str = ""
    page: str = ""
    raw: str = ""
    image_word: str = "image"
    people: tuple[str, ...] = ()
    threads: str = ""
    numbers: tuple[int, ...] = ()
    uploads: bool = False

    def inside(self, address: str) -> str | None:
        """The path in the repository that a relative address means, or None where it leaves the repository."""
        path = unquote(address.split("#")[0].split("?")[0])
        joined = posixpath.normpath(posixpath.join(self.folder, path))
        if joined.startswith(("..", "/")) or "\\" in joined or "\0" in joined:
            return None
        return "" if joined == "." else joined


def to_html(text: str, places: Places) -> str:
    """Render a card. Headings move one level down, since the page has its own first heading."""
    raw = _parser().render(text)
    rewriter = _Rewriter(places)
    rewriter.feed(raw)
    rewriter.close()
    return clean("".join(rewriter.parts), places)


def clean(html: str, places: Places) -> str:
    """Keep what the allow-list names and drop everything else."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            inside = bool(places.raw) and value.startswith(places.raw)
            return value if inside or (places.uploads and _UPLOAD.fullmatch(value)) else None
        if name in {"width", "height", "colspan", "rowspan", "start"}:
            return value if value.isdecimal() and len(value) < 5 else None
        if name == "align":
            return value if value in {"left", "right", "center"} else None
        return value

    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=attribute,
        allowed_classes=_CLASSES,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener ugc",
        strip_comments=True,
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "highlight": _highlight, "maxNesting": 20})
    return parser.enable(["table", "strikethrough"])


def _highlight(code: str, language: str, _: str) -> str:
    return f"<pre><code>{highlight_block(code, language)}</code></pre>"


class _Rewriter(HTMLParser):
    """Points addresses into the repository, moves headings down, turns remote pictures into links."""

    def __init__(self, places: Places) -> None:
        super().__init__(convert_charrefs=False)
        self.places = places
        self.parts: list[str] = []
        self.open_links = 0
        self.open_literals = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "img":
            self.parts.append(self._image(found))
            return
        if tag == "a":
            self.open_links += 1
            if "href" in found:
                found["href"] = self._link(found["href"])
        self.open_literals += tag in _LITERAL
        if tag in {"td", "th"} and "text-align" in found.get("style", ""):
            found["align"] = found["style"].rpartition(":")[2].strip("; ")
        if tag == "table":
            self.parts.append('<div class="table-wrap">')
        if tag == "pre":
            self.parts.append('<div class="code">')
        self.parts.append(_written(_moved(tag), found))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.open_links = max(0, self.open_links - 1)
        if tag in _LITERAL:
            self.open_literals = max(0, self.open_literals - 1)
        self.parts.append(f"</{_moved(tag)}>")
        if tag in {"table", "pre"}:
            self.parts.append("</div>")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)  # HTML knows no self-closing tags; nh3 closes what stays open.

    def handle_data(self, data: str) -> None:
        data = data.replace("<", "&lt;")
        self.parts.append(data if self.open_links or self.open_literals else _NAMED.sub(self._named, data))

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def _named(self, match: re.Match[str]) -> str:
        """A person or a thread that is there, as a link; anything else as it was written."""
        person, number = match["person"], match["number"]
        if person and person.lower() in self.places.people:
            return f'<a href="/{escape(person)}">@{escape(person)}</a>'
        if number and int(number) in self.places.numbers:
            return f'<a href="{escape(self.places.threads)}{number}">#{number}</a>'
        return match[0]

    def _link(self, address: str) -> str:
        address = address.strip()
        if address.startswith("//"):
            return "https:" + address
        if address.startswith(("#", "/")) or _scheme(address):
            return address
        path = self.places.inside(address)
        if path is None or not self.places.page:
            return "#"
        fragment = address.partition("#")[2]
        return self.places.page + quote(path) + (f"#{quote(fragment)}" if fragment else "")

    def _image(self, found: Mapping[str, str]) -> str:
        address = found.get("src", "").strip()
        upload = _UPLOAD.fullmatch(address) if self.places.uploads else None
        if upload:  # Whatever host it names: our own address of this form is all that is ever asked.
            return _written("img", {"alt": found.get("alt", ""), "src": upload[1]})
        if not _scheme(address) and not address.startswith(("/", "#")):
            path = self.places.inside(address)
            if path and self.places.raw:
                kept = {name: found[name] for name in ("alt", "title", "width", "height") if name in found}
                return _written("img", kept | {"src": self.places.raw + quote(path)})
        name = escape(found.get("alt") or posixpath.basename(urlsplit_path(address)) or address[:80])
        words = f"{escape(self.places.image_word)}: {name}"
        if self.open_links or not address or _scheme(address) == "data":
            return words  # A link inside a link would be torn apart by every browser.
        return f'<a class="remote" href="{escape(self._link(address))}">{words}</a>'


def urlsplit_path(address: str) -> str:
    """The path of an address, "" where it is not an address at all."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _scheme(address: str) -> str:
    head, colon, _ = address.partition(":")
    is_scheme = bool(colon) and head[:1].isalpha() and all(char.isalnum() or char in "+-." for char in head)
    return head.lower() if is_scheme else ""


def _moved(tag: str) -> str:
    return f"h{min(int(tag[1]) + 1, 6)}" if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456" else tag


def _written(tag: str, attributes: Mapping[str, str]) -> str:
    inner = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{inner}>"


def main() -> None:
    """The child's door: limits first, then the text, for the text may be hostile."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    given = json.loads(sys.stdin.buffer.read())
    sys.stdout.write(to_html(given["text"], Places(**given["places"])))


if __name__ == "__main__":
    main()
