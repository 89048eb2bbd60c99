"""Addresses of the registry's part of our own API."""

from django.urls import path, register_converter

from models_registry.api import v1, v1_compare, v1_licences, v1_lineage, v1_namespaces, v1_releases, v1_state, v1_terms


class PluralConverter:
    """What our own API calls the kinds."""

    regex = "models|datasets|apps"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PluralConverter, "plural")

REPOSITORY = "repositories/<plural:plural>/<name:namespace>/<name:name>"

app_name = "registry_v1"
urlpatterns = [
    path("licences", v1_licences.LicencesView.as_view(), name="licences"),
    path("licences/<str:licence>", v1_licences.LicenceRecordView.as_view(), name="licence_record"),
    path("licence-rules", v1_licences.LicenceRulesView.as_view(), name="licence_rules"),
    path("namespaces/<str:namespace>/licence-policy", v1_namespaces.LicencePolicyView.as_view(), name="licence_policy"),
    path(
        "namespaces/<str:namespace>/licence-allowance", v1_namespaces.AllowanceView.as_view(), name="licence_allowance"
    ),
    path("<plural:plural>/<name:namespace>/<name:name>/licence", v1_licences.LicenceView.as_view(), name="licence"),
    path("<plural:plural>/<name:namespace>/<name:name>/notice", v1_licences.NoticeView.as_view(), name="notice"),
    path("repositories/<plural:plural>", v1.RepositoryListView.as_view(), name="list"),
    path("repositories/<plural:plural>/<name:namespace>/<name:name>", v1.RepositoryView.as_view(), name="read"),
    path(
        "repositories/<plural:plural>/<name:namespace>/<name:name>/manifest/<rev:revision>",
        v1.ManifestView.as_view(),
        name="manifest",
    ),
    path(f"{REPOSITORY}/compare/<rev:span>", v1_compare.CompareView.as_view(), name="compare"),
    path(f"{REPOSITORY}/storage", v1_state.StorageView.as_view(), name="storage"),
    path(f"{REPOSITORY}/restore", v1_state.RestoreView.as_view(), name="restore"),
    path(f"{REPOSITORY}/releases", v1_releases.ReleasesView.as_view(), name="releases"),
    path(f"{REPOSITORY}/releases/<rev:release>", v1_releases.ReleaseView.as_view(), name="release"),
    path(f"{REPOSITORY}/releases/<rev:release>/yank", v1_releases.ReleaseYankView.as_view(), name="release_yank"),
    path(f"{REPOSITORY}/terms", v1_terms.TermsView.as_view(), name="terms"),
    path("<plural:plural>/<name:namespace>/<name:name>/lineage", v1_lineage.LineageView.as_view(), name="lineage"),
    path(f"{REPOSITORY}/pointers", v1_releases.PointersView.as_view(), name="pointers"),
    path(f"{REPOSITORY}/pointers/<rev:pointer>", v1_releases.PointerView.as_view(), name="pointer"),
]
