"""Classes of size on disk, the same wherever models are narrowed down by it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

# By key: the words, the smallest size in bytes, and the first size that is too large (None: there is none).
SIZES: dict[str, tuple[str | Promise, int, int | None]] = {
    "to-1mb": (gettext_lazy("under 1 MB"), 0, 10**6),
    "1mb-10mb": (gettext_lazy("1 to 10 MB"), 10**6, 10**7),
    "10mb-100mb": (gettext_lazy("10 to 100 MB"), 10**7, 10**8),
    "100mb-1gb": (gettext_lazy("100 MB to 1 GB"), 10**8, 10**9),
    "from-1gb": (gettext_lazy("over 1 GB"), 10**9, None),
}


def size_class(size_bytes: int) -> str:
    """The key of the class that this size belongs to."""
    return next(key for key, (_, _, end) in SIZES.items() if end is None or size_bytes < end)
