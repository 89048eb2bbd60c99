"""Licences in templates: their names with a link to what they say, and the words for a change."""

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from models_registry.labels import licence_name
from models_registry.licences import CLASSES, UNKNOWN, find, parse
from models_registry.models import LicenceChange

register = template.Library()
_WAYS: dict[str, str | Promise] = {
    LicenceChange.Way.FREER: gettext_lazy("freer"),
    LicenceChange.Way.STRICTER: gettext_lazy("stricter"),
    LicenceChange.Way.OTHER: gettext_lazy("other terms"),
}


@register.filter
def licence_way(way: str) -> str | Promise:
    """The word for what a change of licence means."""
    return _WAYS.get(way, way)


@register.filter
def licence_class_name(kind: str) -> str | Promise:
    """The word for a class of licences."""
    return CLASSES.get(kind, CLASSES[UNKNOWN])


@register.filter
def licence_link(licence: str) -> SafeString | str:
    """A declared licence with a link to the page of each that this hub knows; as it stands where it knows none."""
    records = [record for record in map(find, parse(licence).ids) if record]
    if len(records) == 1 and len(parse(licence).ids) == 1:
        return _linked(records[0].id, licence_name(licence))
    if not records:
        return licence_name(licence)
    links = format_html_join(", ", "{}", ((_linked(record.id, record.label),) for record in records))
    return format_html("{} ({})", licence_name(licence), links)


def _linked(name: str, text: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("licence_page", args=[name]), text)
