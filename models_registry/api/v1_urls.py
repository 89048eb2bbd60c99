"""Addresses of the registry's part of our own API."""

from django.urls import path, register_converter

from models_registry.api import v1


class PluralConverter:
    """What our own API calls the kinds."""

    regex = "models|datasets|apps"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PluralConverter, "plural")

app_name = "registry_v1"
urlpatterns = [
    path("repositories/<plural:plural>", v1.RepositoryListView.as_view(), name="list"),
    path("repositories/<plural:plural>/<name:namespace>/<name:name>", v1.RepositoryView.as_view(), name="read"),
    path(
        "repositories/<plural:plural>/<name:namespace>/<name:name>/manifest/<rev:revision>",
        v1.ManifestView.as_view(),
        name="manifest",
    ),
]
