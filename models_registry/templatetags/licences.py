"""Licences in templates: their names with a link to what they say, and the words for a change."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from models_registry.licences import CLASSES, UNKNOWN
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
