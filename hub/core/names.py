"""Which names people may choose. One place decides, for every door."""

import re

from django.utils.translation import gettext_noop

_NAMESPACE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_]|-(?=[A-Za-z0-9_])){0,41}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")

# First path segments that the site itself uses; a namespace of that name could never be reached.
RESERVED_NAMESPACES = frozenset(
    """
    about admin api apps app assets auth benchmarks blog browse cas collections compare contact contribute
    dataset datasets docs embed enterprise evaluations explore favicon feed git healthz help home hub i18n join js
    kernels leaderboard leaderboards legal licenses licences login logout media metrics model models new
    notifications oauth organizations organisations papers password posts pricing privacy rank readyz register
    robots search security settings signup signin spaces static status studio suites support system tasks team terms
    trending uploads user users v1 v2 webhooks well-known www null undefined none true false root anonymous
    """.split()
)


def namespace_fault(name: str) -> str | None:
    """Say what is wrong with a namespace name, or None. Rule: 2 to 42 letters, digits, `_` and single inner hyphens."""
    if len(name) < 2 or not _NAMESPACE.fullmatch(name):
        return gettext_noop("Use 2 to 42 letters, digits, “_” and single hyphens, and no hyphen at the ends.")
    if name.lower() in RESERVED_NAMESPACES:
        return gettext_noop("This name is kept for the site itself.")
    return None


def repository_fault(name: str) -> str | None:
    """Say what is wrong with a repository name, or None (the public client's rule, hf-wire 2.3)."""
    if not _REPOSITORY.fullmatch(name) or "--" in name or ".." in name:
        return gettext_noop(
            'Use up to 96 letters, digits, "-", "_" and "."; no "--" or "..", and no "-" or "." at the ends.'
        )
    if name.lower().endswith(".git"):
        return gettext_noop('A name cannot end in ".git".')
    return None
