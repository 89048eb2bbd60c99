"""Cards are written by strangers: what they say is shown, what they try is not."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core import markdown
from hub.core.markdown_render import Places, clean, to_html

PLACES = Places(folder="docs", page="/ada/tiny/blob/main/", raw="/ada/tiny/resolve/abc/")

# Each line tries something else: scripts, handlers, odd schemes, mutation, clobbering, forms, styles, frames, trackers.
ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=`x` onerror=alert(1)//>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='  java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x></object><embed src=x>",
    "<form action=/logout method=post><input name=q><button>Go</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<body onload=alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>body{background:url(//evil.example/x)}</style>",
    "<p style='position:fixed;inset:0'>over everything</p>",
    "<p id=main name=csrfmiddlewaretoken class=btn>clobber</p>",
    "<a id=x name=y href=/z>clobber</a>",
    "<img src=//tracker.example/p.gif>",
    "<img src=https://tracker.example/p.gif>",
    "<img src=/logout>",
    "<img src=../../../../logout>",
    "<img srcset='//evil.example/x 1x' src=a.png>",
    "<video src=//evil.example/x autoplay></video><audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><script>alert(1)</script>",
    "<x onclick=alert(1)>y</x>",
    "```<script>alert(1)</script>\n<script>alert(2)</script>\n```",
    "`<script>alert(1)</script>`",
    "~~~mermaid\ngraph TD; A-->B[<img src=x onerror=alert(1)>]\n~~~",
    "$\\href{javascript:alert(1)}{x}$",
    "|a|\n|-|\n|<script>alert(1)</script>|",
    "<template><script>alert(1)</script></template>",
    "<a href=x ping=//evil.example target=_blank download>x</a>",
    "<div><p></div><script>alert(1)",
    "<img src='a.png' alt='\"><script>alert(1)</script>'>",
]
ALLOWED_IN_LINKS = re.compile(r"https?:|mailto:|[^:]*(?:$|[/?#])", re.IGNORECASE)  # An allowed scheme, or none.


class Seen(HTMLParser):
    """Collects what a browser would meet."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    return parser


def assert_harmless(html: str) -> None:
    found = seen(html)
    active = {"script", "style", "iframe", "form", "input", "button", "svg", "math", "object", "embed", "link", "meta"}
    assert not active & set(found.tags)
    for tag, name, value in found.attributes:
        assert not name.startswith("on")
        assert name not in {"id", "name", "style", "srcset", "target", "ping", "formaction"}
        if name == "href":
            assert ALLOWED_IN_LINKS.match(value), value
        if name == "src":
            assert tag == "img"
            assert value.startswith(PLACES.raw)
        if name == "class":
            assert "btn" not in value


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_leaves_nothing_that_acts(attack):
    assert_harmless(to_html(attack, PLACES))
    assert_harmless(to_html(f"para *with* {attack} inside", PLACES))
    assert_harmless(clean(attack, PLACES))  # The last pass alone must hold, whatever the ones before it do.


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*ATTACKS, "a", "\n\n", "<", ">", "`", "[", "](", ")", "*", "|", "&", '"', "'"]), max_size=8
    )
)
def test_mixtures_of_attacks_leave_nothing_that_acts(pieces):
    assert_harmless(to_html("".join(pieces), PLACES))


def test_ordinary_markdown_is_rendered():
    html = to_html("# Title\n\nSome **bold** and `code`.\n\n- one\n- two\n\n|a|b|\n|:-|-:|\n|1|2|", PLACES)

    assert "<h2>Title</h2>" in html
    assert "<strong>bold</strong>" in html
    assert '<td align="right">2</td>' in html
    assert "<li>one</li>" in html


def test_relative_links_lead_into_the_repository_and_pictures_to_its_files():
    html = to_html("[up](../notes.md#x) [in](a/b.md) ![p](img/curve.png)", PLACES)

    assert 'href="/ada/tiny/blob/main/notes.md#x"' in html
    assert 'href="/ada/tiny/blob/main/docs/a/b.md"' in html
    assert 'src="/ada/tiny/resolve/abc/docs/img/curve.png"' in html


def test_a_link_that_leaves_the_repository_leads_nowhere():
    assert 'href="#"' in to_html("[x](../../../etc/passwd)", PLACES)


def test_a_remote_picture_becomes_a_link_that_names_it():
    html = to_html("![a curve](https://example.org/c.png)", PLACES)

    assert "<img" not in html
    assert '<a class="remote" href="https://example.org/c.png" rel="nofollow noopener ugc">image: a curve</a>' in html


def test_a_linked_remote_picture_keeps_the_link_around_it():
    html = to_html("[![badge](https://example.org/b.svg)](https://example.org)", PLACES)

    assert html.count("<a ") == 1
    assert ">image: badge</a>" in html


def test_code_blocks_are_coloured_by_classes_alone():
    html = to_html("```python\ndef f(): pass\n```", PLACES)

    assert '<span class="k">def</span>' in html
    assert '<div class="code">' in html


def test_the_same_text_is_rendered_once(monkeypatch, settings):
    text = "remember me " + str(time.time_ns())
    first = markdown.render(text, PLACES)
    monkeypatch.setattr(markdown, "to_html", lambda *_: pytest.fail("rendered twice"))

    assert markdown.render(text, PLACES) == first


def test_a_text_over_one_mebibyte_is_refused():
    with pytest.raises(markdown.CardTooLarge):
        markdown.render("x" * (markdown.MAX_BYTES + 1), PLACES)


def test_a_larger_text_is_rendered_by_a_child_to_the_same_result():
    text = "A line of *prose*.\n\n" * 1_500
    assert len(text) > markdown.IN_PROCESS_BYTES

    assert markdown.render(text, PLACES) == to_html(text, PLACES)


def test_a_text_made_to_exhaust_the_renderer_is_given_up_in_seconds():
    started = time.perf_counter()

    with pytest.raises(markdown.CardTooComplex):
        markdown.render("[" * 900_000, PLACES)

    assert time.perf_counter() - started < markdown.WALL_S + 20


@pytest.mark.parametrize("piece", ["[", "![", "*a_ ", "[a](", "`a``", "<a ", "> ", "|a", "~~a", "&#x", "* "])
def test_the_worst_text_that_is_rendered_in_the_page_is_quick(piece):
    text = (piece * markdown.IN_PROCESS_BYTES)[: markdown.IN_PROCESS_BYTES]

    started = time.process_time()
    to_html(text, PLACES)

    assert time.process_time() - started < 1.0  # CPU, so that a busy machine does not decide; 0.2 s usually.
