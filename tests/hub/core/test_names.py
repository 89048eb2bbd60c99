import pytest

from hub.core.names import RESERVED_NAMESPACES, namespace_fault, repository_fault


@pytest.mark.parametrize("name", ["ada", "Ada-Lovelace", "a1", "valid_org_hub", "__A_B__", "x" * 42])
def test_ordinary_namespaces_are_allowed(name: str) -> None:
    assert namespace_fault(name) is None


@pytest.mark.parametrize(
    "name", ["", "a", "-ada", "ada-", "a--b", "a b", "a/b", "ada.lovelace", "ää", "x" * 43, "API", "datasets", "a\n"]
)
def test_other_namespaces_are_refused_with_a_reason(name: str) -> None:
    assert namespace_fault(name)


@pytest.mark.parametrize("name", ["tiny", "tiny.lm", "tiny_lm-2", "_x_", "a", "x" * 96])
def test_ordinary_repositories_are_allowed(name: str) -> None:
    assert repository_fault(name) is None


@pytest.mark.parametrize(
    "name", ["", ".x", "x.", "-x", "x-", "a--b", "a..b", "a/b", "x.git", "X.GIT", "x" * 97, "a b", "é"]
)
def test_other_repositories_are_refused_with_a_reason(name: str) -> None:
    assert repository_fault(name)


def test_every_first_segment_of_the_site_is_reserved() -> None:
    from django.urls import get_resolver

    firsts = set()
    for pattern in get_resolver().url_patterns:
        text = str(pattern.pattern).lstrip("^").split("/")[0]
        if text.isidentifier() or text.replace("-", "").isalnum():
            firsts.add(text)
    assert firsts <= RESERVED_NAMESPACES
