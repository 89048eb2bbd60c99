"""Colour never changes what the text says, and never lets markup through."""

import html
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.highlight import MAX_BYTES, highlight_block, highlight_file


def words(markup: str) -> str:
    return html.unescape(re.sub(r"</?span[^>]*>", "", markup))


def test_python_keywords_carry_a_class():
    assert '<span class="k">def</span>' in highlight_block("def f(): pass", "python")


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    path=st.sampled_from(["a.py", "a.json", "a.yaml", "a.md", "a.html", "a.txt"]),
)
def test_the_words_of_a_file_stay_as_they_are(text, path):
    plain = text.replace("\r\n", "\n").replace("\r", "\n")

    lines = highlight_file(text, path)

    assert "\n".join(words(line) for line in lines) == plain


@pytest.mark.parametrize("language", ["python", "html", "unknown", "", "../../x"])
def test_markup_in_code_is_escaped(language):
    markup = highlight_block("<script>alert(1)</script>", language)

    assert "<script" not in markup


def test_a_large_file_is_shown_without_colour_and_quickly():
    text = "x = (" * (MAX_BYTES // 5 + 1)

    started = time.process_time()
    lines = highlight_file(text, "a.py")

    assert "<span" not in lines[0]
    assert time.process_time() - started < 0.5
