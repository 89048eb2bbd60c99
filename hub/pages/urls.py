"""Addresses of the pages. Repository paths come last, for they take whatever is left."""

from django.urls import URLPattern, path

from hub.pages import (
    avatars,
    catalogue,
    collections,
    evaluations,
    files,
    history,
    people,
    repository,
    repository_settings,
    service,
    social,
    tables,
    upload,
)

COLLECTION = "collections/<name:namespace>/<slug:slug>"


def repository_pages(prefix: str, kind: str) -> list[URLPattern]:
    """The pages of one kind of repository; `models_registry.addresses` writes their addresses."""
    at = f"{prefix}<name:namespace>/<name:name>"
    known = {"kind": kind}
    return [
        path(f"{at}/tree", files.tree_start, known, name=f"{kind}_files"),
        path(f"{at}/tree/<rev:revision>", files.tree, known, name=f"{kind}_tree"),
        path(f"{at}/tree/<rev:revision>/<filepath:path>", files.tree, known, name=f"{kind}_folder"),
        path(f"{at}/blob/<rev:revision>/<filepath:path>", files.blob, known, name=f"{kind}_file"),
        path(f"{at}/commits", history.commits, known, name=f"{kind}_history"),
        path(f"{at}/commits/<rev:revision>", history.commits, known, name=f"{kind}_commits"),
        path(f"{at}/commit/<rev:revision>", history.commit, known, name=f"{kind}_commit"),
        path(f"{at}/evaluations", evaluations.evaluations, known, name=f"{kind}_evaluations"),
        path(f"{at}/evaluations/<rev:revision>", evaluations.evaluation, known, name=f"{kind}_evaluation"),
        path(
            f"{at}/evaluations/<rev:revision>/receipts/<sha256:sha256>",
            evaluations.receipt,
            known,
            name=f"{kind}_receipt",
        ),
        path(f"{at}/upload/<rev:revision>", upload.add_files, known, name=f"{kind}_upload"),
        path(f"{at}/like", social.like, known, name=f"{kind}_like"),
        path(f"{at}/likers", social.likers, known, name=f"{kind}_likers"),
        path(f"{at}/settings", repository_settings.general, known, name=f"{kind}_settings"),
        path(f"{at}/settings/visibility", repository_settings.visibility, known, name=f"{kind}_settings_visibility"),
        path(f"{at}/settings/names", repository_settings.names, known, name=f"{kind}_settings_names"),
        path(f"{at}/settings/danger", repository_settings.danger, known, name=f"{kind}_settings_danger"),
        path(at, repository.card, known, name=kind),
    ]


def data_pages(prefix: str, kind: str) -> list[URLPattern]:
    """What only data sets have."""
    at = f"{prefix}<name:namespace>/<name:name>"
    return [
        path(f"{at}/rows", tables.rows, {"kind": kind}, name=f"{kind}_rows"),
        path(f"{at}/rows/<rev:revision>", tables.rows, {"kind": kind}, name=f"{kind}_rows_at"),
    ]


urlpatterns = [
    path("", catalogue.home, name="home"),
    path("models", catalogue.model_list, name="model_list"),
    path("datasets", catalogue.dataset_list, name="dataset_list"),
    path("new", upload.new, name="new"),
    path("assets/avatars/<name:name>.svg", avatars.avatar, name="avatar"),
    path("users/<name:name>/follow", social.follow, name="follow"),
    path("collections", collections.listing, name="collections"),
    path("collections/new", collections.new, name="collection_new"),
    path("collections/choose", collections.choose, name="collection_choose"),
    path(COLLECTION, collections.collection, name="collection"),
    path(f"{COLLECTION}/edit", collections.edit, name="collection_edit"),
    path(f"{COLLECTION}/add", collections.add, name="collection_add"),
    path(f"{COLLECTION}/items/<slug:item>", collections.item, name="collection_item"),
    path(f"{COLLECTION}/delete", collections.delete, name="collection_delete"),
    path(f"{COLLECTION}/upvote", collections.upvote, name="collection_upvote"),
    path("settings/deleted", repository_settings.deleted, name="deleted_repositories"),
    path("settings/deleted/<int:repository>/restore", repository_settings.restore, name="repository_restore"),
    path("status", service.status, name="status"),
    path("docs", service.docs, name="docs"),
    path("docs/<path:page>", service.docs, name="docs_page"),
    *data_pages("datasets/", "dataset"),
    *repository_pages("datasets/", "dataset"),
    *repository_pages("spaces/", "app"),
    *repository_pages("", "model"),
    path("<name:namespace>", people.namespace, name="namespace"),
]
