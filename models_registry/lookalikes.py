"""Names that are easily taken for a known one: by their letters' shapes, or one slip of the keyboard away."""

import re

from models_registry.models import Kind, Repository

KNOWN_DOWNLOADS = 100  # A name that is downloaded less is hardly worth imitating.
_MOST = 5_000
_SHAPES = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "2": "z", "8": "b", "_": "-", ".": "-"})


def skeleton(name: str) -> str:
    """What a name looks like at a glance; names of equal skeletons are confusable."""
    text = name.lower().translate(_SHAPES)
    return re.sub(r"-+", "-", text.replace("rn", "m").replace("vv", "w").replace("cl", "d"))


def is_like(name: str, known: str) -> bool:
    """Whether one could be taken for the other: equal at a glance, or one letter apart, or two swapped."""
    name, known = name.lower(), known.lower()
    return name != known and (skeleton(name) == skeleton(known) or _one_apart(name, known))


def find(kind: Kind, full_name: str) -> str:
    """A well-known repository of another namespace that this name could be taken for; "" if there is none.

    Those of the same namespace are not asked: nobody else can make names there.
    """
    namespace = full_name.partition("/")[0].lower()
    popular = Repository.objects.filter(kind=kind, visibility="public", downloads__gt=KNOWN_DOWNLOADS)
    keys = popular.exclude(key__startswith=f"{namespace}/").order_by("-downloads").values_list("key", flat=True)
    return next((key for key in keys[:_MOST] if is_like(full_name, key)), "")


def _one_apart(first: str, second: str) -> bool:
    """At most one letter put in, left out or replaced, or two neighbours swapped."""
    if abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    one, two = first[start:], second[start:]
    swapped = len(one) > 1 and len(two) > 1 and (one[0], one[1]) == (two[1], two[0]) and one[2:] == two[2:]
    return one[1:] == two or one == two[1:] or one[1:] == two[1:] or swapped
