"""Written addresses lead to the views they mean."""

import pytest
from django.urls import resolve

from models_registry import addresses
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["model", "dataset", "app"])
@pytest.mark.parametrize(
    ("view", "name"), [("tree", "tree"), ("commits", "commits"), ("commit", "commit"), ("evaluations", "evaluation")]
)
def test_each_view_of_each_kind_is_reached(kind, view, name):
    repository = RepositoryFactory(kind=kind)

    found = resolve(addresses.at(repository, view, "main"))

    assert found.url_name == f"{kind}_{name}"
    assert found.kwargs["revision"] == "main"
    assert resolve(addresses.page(repository)).url_name == kind


def test_revisions_are_one_segment_and_paths_keep_their_slashes():
    repository = RepositoryFactory()

    address = addresses.at(repository, "blob", "refs/pr/1", "a b/ü#.txt")

    assert address.endswith("/blob/refs%2Fpr%2F1/a%20b/%C3%BC%23.txt")


def test_a_download_says_so():
    assert addresses.resolve(RepositoryFactory(), "main", "a.bin", download=True).endswith("/a.bin?download=true")
