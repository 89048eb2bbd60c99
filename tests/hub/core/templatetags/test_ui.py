"""The tags that pages are written with."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import timezone


def drawn(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


def test_the_ruler_tag_takes_value_low_high_and_marks():
    markup = drawn(
        "{% ruler value 50 90 ci_low=73.4 ci_high=76.3 baseline=61.2 chance=50"
        " name='BLiMP' unit='%' higher_is_better=yes %}",
        value=74.9,
        yes=True,
    )

    assert 'cx="62.25%"' in markup
    assert (
        'aria-label="BLiMP: 74.9 %; 95 % interval 73.4 to 76.3; baseline 61.2; chance 50; higher is better"' in markup
    )


def test_the_ruler_needs_its_scale():
    with pytest.raises(TemplateSyntaxError):
        drawn("{% ruler 3 %}")


def test_an_icon_is_hidden_from_readers_and_comes_from_the_sprite():
    assert drawn("{% icon 'check' %}") == (
        '<svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href="/static/img/icons.svg#check"/></svg>'
    )


@pytest.mark.parametrize(
    ("state", "css", "word"),
    [
        ("passed", "badge--ok", "passed"),
        ("timed_out", "badge--failed", "timed out"),
        ("quarantined", "badge--quarantined", "quarantined"),
        ("claimed", "badge--claimed", "claimed"),
    ],
)
def test_a_badge_says_its_state_in_a_word_and_a_style(state, css, word):
    markup = drawn("{% badge state %}", state=state)

    assert css in markup
    assert markup.endswith(f"{word}</span>")


def test_a_badge_with_a_reason_links_to_it_and_escapes_it():
    markup = drawn("{% badge 'failed' text href %}", text="<b>", href='/x?"')

    assert markup.startswith('<a class="badge badge--failed" href="/x?&quot;">')
    assert "&lt;b&gt;" in markup


def test_an_unknown_state_shows_its_own_name():
    assert drawn("{% badge 'brand_new' %}") == '<span class="badge">brand new</span>'


def test_a_verdict_is_shape_word_and_signed_difference():
    assert 'better <span class="delta">+1.8</span>' in drawn("{% verdict 'better' 1.8 %}")
    assert '<span class="delta">−1.7</span>' in drawn("{% verdict 'worse' delta %}", delta=-1.7)
    assert "verdict--unclear" in drawn("{% verdict 'unclear' 0.4 %}")


def test_filters_write_sizes_counts_and_ages():
    assert drawn("{{ 66900000|filesize }}") == '66.9<span class="unit">MB</span>'
    assert drawn("{{ 66900000|plain_size }}") == "66.9 MB"
    assert drawn("{{ 33400000|count }}") == "33.4 M"
    assert drawn("{{ '0a34bd5ffff'|short_hash }}") == "0a34bd5"
    assert ">just now</time>" in drawn("{{ now|since }}", now=timezone.now())
