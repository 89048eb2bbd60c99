"""Comments as clean HTML: like cards, with people, threads and attached pictures found in them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from accounts.models import Namespace
from hub.core import markdown
from models_registry import addresses
from models_registry.models import Discussion, Repository
from models_registry.services.threads import MENTION, REFERENCE

MAX_NAMES = 200


@dataclass(frozen=True)
class Names:
    """What comments name that really is there."""

    people: frozenset[str] = frozenset()
    numbers: frozenset[int] = frozenset()


def names_in(repository: Repository, texts: Iterable[str]) -> Names:
    """The namespaces and threads that these texts name, in two queries at most."""
    all_text = "\n".join(texts)
    people = {name.lower() for name in MENTION.findall(all_text)[:MAX_NAMES]}
    numbers = {int(number) for number in REFERENCE.findall(all_text)[:MAX_NAMES]}
    found_people = Namespace.objects.held().filter(key__in=people).values_list("key", flat=True) if people else ()
    found_numbers = (
        Discussion.objects.filter(repository=repository, number__in=numbers).values_list("number", flat=True)
        if numbers
        else ()
    )
    return Names(frozenset(found_people), frozenset(found_numbers))


def comment_html(repository: Repository, text: str, *, known: Names | None = None) -> SafeString:
    """Render a comment. `known` is what `names_in` found for all comments of a page.

    Raises:
        CardTooLarge, CardTooComplex
    """
    known = known if known is not None else names_in(repository, [text])
    people = {name.lower() for name in MENTION.findall(text)} & known.people
    numbers = {int(number) for number in REFERENCE.findall(text)} & known.numbers
    branch = repository.default_branch
    places = markdown.Places(
        page=addresses.at(repository, "blob", branch) + "/",
        raw=addresses.at(repository, "resolve", branch) + "/",
        people=tuple(sorted(people)),
        threads=f"{addresses.page(repository)}/discussions/",
        numbers=tuple(sorted(numbers)),
        uploads=True,
    )
    return markdown.render(text, places)
