"""One address, page and fragment."""

from django.test import RequestFactory

from hub.core.htmx import wants_fragment


def test_htmx_gets_the_fragment_and_everybody_else_the_page():
    make = RequestFactory().get

    assert wants_fragment(make("/", headers={"HX-Request": "true"}))
    assert not wants_fragment(make("/"))


def test_a_restored_history_entry_gets_the_whole_page():
    request = RequestFactory().get("/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert not wants_fragment(request)
