"""How repositories are named and addressed on pages."""

from django import template

from models_registry import addresses, labels
from models_registry.licences.panels import Panel, panels
from models_registry.models import Discussion, Repository

register = template.Library()
register.filter("task_name", labels.task_name)
register.filter("licence_name", labels.licence_name)
register.filter("language_name", labels.language_name)
register.filter("languages", labels.languages)


@register.filter
def address(repository: Repository) -> str:
    """The repository's page."""
    return addresses.page(repository)


@register.simple_tag
def at(repository: Repository, view: str, revision: str, path: str = "") -> str:
    """The address of one view of a revision."""
    return addresses.at(repository, view, revision, path)


@register.filter
def licence_panels(licence: str) -> tuple[Panel, ...]:
    """What people may, must and must not do, once for each choice that the licence leaves."""
    return panels(licence)


@register.simple_tag
def thread_address(discussion: Discussion, *parts: str) -> str:
    """The address of a thread, or of something below it."""
    return addresses.thread(discussion.repository, discussion.number, "/".join(parts))


@register.filter
def line_text(raw: bytes) -> str:
    """A line of a diff without its end, cut where nobody would read on."""
    return raw.rstrip(b"\r\n")[:4000].decode("utf-8", "replace")


@register.filter
def shape(axes: list[int]) -> str:
    """[2, 3] → "2 × 3"; a scalar has no axes."""
    return " × ".join(f"{axis:,}" for axis in axes)
