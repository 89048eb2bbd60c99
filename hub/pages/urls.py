"""Addresses of the pages. Repository paths come last, for they take whatever is left."""

from django.urls import URLPattern, path, re_path

from evaluation.boards import GROUPS
from hub.pages import (
    acceptances,
    access,
    access_review,
    avatars,
    benchmark_register,
    benchmarks,
    boards,
    catalogue,
    collections,
    compare,
    discussions,
    edits,
    embeds,
    evaluation_actions,
    evaluations,
    files,
    history,
    holders,
    items,
    licence,
    licence_outputs,
    licence_policies,
    licence_settings,
    licences,
    model_compare,
    paths,
    people,
    receipts,
    refs,
    releases,
    repository,
    repository_settings,
    service,
    social,
    storage,
    tables,
    tensors,
    thread_actions,
    tokens,
    upload,
    verdicts,
    webhooks,
    workers,
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
        path(f"{at}/commits/<rev:revision>/<filepath:path>", paths.file_history, known, name=f"{kind}_file_history"),
        path(f"{at}/find/<rev:revision>", paths.find, known, name=f"{kind}_find"),
        path(f"{at}/new/<rev:revision>", edits.new_file, known, name=f"{kind}_new_file"),
        path(f"{at}/new/<rev:revision>/<filepath:path>", edits.new_file, known, name=f"{kind}_new_file_in"),
        path(f"{at}/edit/<rev:revision>/<filepath:path>", edits.edit_file, known, name=f"{kind}_edit"),
        path(f"{at}/move/<rev:revision>/<filepath:path>", edits.move, known, name=f"{kind}_move"),
        path(f"{at}/delete/<rev:revision>/<filepath:path>", edits.delete, known, name=f"{kind}_delete"),
        path(f"{at}/preview/<rev:revision>", edits.preview, known, name=f"{kind}_preview"),
        path(f"{at}/commit/<rev:revision>", history.commit, known, name=f"{kind}_commit"),
        path(f"{at}/restore/<rev:revision>", history.restore, known, name=f"{kind}_restore"),
        path(f"{at}/releases", releases.timeline, known, name=f"{kind}_releases"),
        path(f"{at}/releases/<rev:release>", releases.release, known, name=f"{kind}_release"),
        path(f"{at}/new-release", releases.new, known, name=f"{kind}_release_new"),
        path(f"{at}/compare", compare.choose, known, name=f"{kind}_compare_choose"),
        path(f"{at}/compare/<rev:span>", compare.compare, known, name=f"{kind}_compare"),
        path(f"{at}/refs", refs.branches, known, name=f"{kind}_refs"),
        path(f"{at}/pointers", refs.pointer_list, known, name=f"{kind}_pointers"),
        path(f"{at}/storage", storage.storage, known, name=f"{kind}_storage"),
        path(f"{at}/tensors/<rev:revision>", tensors.tensors, known, name=f"{kind}_tensors"),
        path(f"{at}/evaluations", evaluations.evaluations, known, name=f"{kind}_evaluations"),
        path(f"{at}/evaluations/<rev:revision>", evaluations.evaluation, known, name=f"{kind}_evaluation"),
        path(f"{at}/evaluations/<rev:revision>/act", evaluation_actions.act, known, name=f"{kind}_evaluation_act"),
        path(
            f"{at}/evaluations/<rev:revision>/propose",
            evaluation_actions.propose,
            known,
            name=f"{kind}_evaluation_propose",
        ),
        path(
            f"{at}/evaluations/<rev:revision>/receipts/<sha256:sha256>/items",
            items.items,
            known,
            name=f"{kind}_receipt_items",
        ),
        path(
            f"{at}/evaluations/<rev:revision>/receipts/<sha256:sha256>",
            receipts.receipt,
            known,
            name=f"{kind}_receipt",
        ),
        path(f"{at}/upload/<rev:revision>", upload.add_files, known, name=f"{kind}_upload"),
        path(f"{at}/ask-access", access.ask, known, name=f"{kind}_ask_access"),
        path(f"{at}/settings/access", access_review.review, known, name=f"{kind}_access"),
        path(f"{at}/settings/access/gate", access_review.gate, known, name=f"{kind}_access_gate"),
        path(f"{at}/settings/access/gate/carry", access_review.carry, known, name=f"{kind}_access_carry"),
        path(
            f"{at}/settings/access/gate/versions/<int:version>",
            access_review.minor,
            known,
            name=f"{kind}_access_version",
        ),
        path(f"{at}/settings/access/grant", access_review.grant, known, name=f"{kind}_access_grant"),
        path(f"{at}/settings/access/export", access_review.export, known, name=f"{kind}_access_export"),
        path(f"{at}/settings/access/decide", access_review.decide_many, known, name=f"{kind}_access_decide_many"),
        path(f"{at}/settings/access/<slug:public_id>", access_review.decide, known, name=f"{kind}_access_decide"),
        path(f"{at}/licence.svg", licence_outputs.badge_svg, known, name=f"{kind}_licence_badge"),
        path(f"{at}/licence.json", licence_outputs.badge_json, known, name=f"{kind}_licence_badge_json"),
        path(f"{at}/licence", licence.licence, known, name=f"{kind}_licence"),
        path(f"{at}/settings/licence", licence_settings.choose, known, name=f"{kind}_settings_licence"),
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


def measured_pages(prefix: str, kind: str) -> list[URLPattern]:
    """What only models have: they are measured."""
    at = f"{prefix}<name:namespace>/<name:name>"
    known = {"kind": kind}
    return [
        path(f"{at}/discussions/<int:number>/measure", verdicts.measure, known, name=f"{kind}_discussion_measure"),
        path(f"{at}/versions", verdicts.versions, known, name=f"{kind}_versions"),
        path(f"{at}/flips/<rev:span>", verdicts.flips, known, name=f"{kind}_flips"),
        path(f"{at}/badge.svg", verdicts.badge_svg, known, name=f"{kind}_badge"),
        path(f"{at}/badge.json", verdicts.badge_json, known, name=f"{kind}_badge_json"),
        path(f"{at}/settings/gate", verdicts.gate, known, name=f"{kind}_settings_gate"),
    ]


def discussion_pages(prefix: str, kind: str) -> list[URLPattern]:
    """The pages of discussions and pull requests, and what people do there."""
    at = f"{prefix}<name:namespace>/<name:name>"
    thread = f"{at}/discussions/<int:number>"
    known = {"kind": kind}
    return [
        path(f"{at}/discussions", discussions.discussions, known, name=f"{kind}_discussions"),
        path(f"{at}/discussions/new", discussions.new, known, name=f"{kind}_discussion_new"),
        path(f"{thread}", discussions.thread, known, name=f"{kind}_discussion"),
        path(f"{thread}/commits", discussions.commits, known, name=f"{kind}_discussion_commits"),
        path(f"{thread}/files", discussions.files, known, name=f"{kind}_discussion_files"),
        path(f"{thread}/comment", thread_actions.comment, known, name=f"{kind}_discussion_comment"),
        path(f"{thread}/title", thread_actions.title, known, name=f"{kind}_discussion_title"),
        path(f"{thread}/status", thread_actions.status, known, name=f"{kind}_discussion_status"),
        path(f"{thread}/mark", thread_actions.mark, known, name=f"{kind}_discussion_mark"),
        path(f"{thread}/merge", thread_actions.merge, known, name=f"{kind}_discussion_merge"),
        path(f"{thread}/comments/<str:event>/edit", thread_actions.edit, known, name=f"{kind}_comment_edit"),
        path(f"{thread}/comments/<str:event>/hide", thread_actions.hide, known, name=f"{kind}_comment_hide"),
        path(f"{thread}/comments/<str:event>/react", thread_actions.react, known, name=f"{kind}_comment_react"),
    ]


urlpatterns = [
    path("", catalogue.home, name="home"),
    path("models", catalogue.model_list, name="model_list"),
    path("datasets", catalogue.dataset_list, name="dataset_list"),
    path("spaces", catalogue.app_list, name="app_list"),
    path("compare", model_compare.compare, name="compare_models"),
    path("licences", licences.listing, name="licences"),
    path("licences/<str:licence>", licences.licence, name="licence_page"),
    path(
        "settings/organizations/<str:name>/licences/allowed",
        licence_outputs.allowed,
        name="organisation_licences_allowed",
    ),
    path("leaderboards", boards.index, name="leaderboards"),
    re_path(rf"^leaderboards/(?P<by>{'|'.join(GROUPS)})/(?P<value>[^/]+)$", boards.group, name="leaderboard_group"),
    path("leaderboards/<str:key>", boards.board, name="leaderboard"),
    path("embed/leaderboards/<str:key>", embeds.board, name="embed_leaderboard"),
    path("new", upload.new, name="new"),
    path("assets/avatars/<name:name>.svg", avatars.avatar, name="avatar"),
    path("settings/delete", holders.delete_account, name="account_delete"),
    path("settings/organizations/<str:name>/delete", holders.delete_organisation, name="organisation_delete"),
    path("settings/licences", licence_policies.own, name="settings_licences"),
    path("settings/organizations/<str:name>/licences", licence_policies.of_organisation, name="organisation_licences"),
    path("settings/tokens", tokens.tokens, name="settings_tokens"),
    path("settings/tokens/<int:pk>/revoke", tokens.revoke, name="token_revoke"),
    path("settings/tokens/<int:pk>/rotate", tokens.rotate, name="token_rotate"),
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
    path("settings/mentions", discussions.mentions, name="mentions"),
    path("settings/access", access.mine, name="settings_access"),
    path("settings/access/<slug:public_id>/withdraw", access.withdraw, name="access_withdraw"),
    path("settings/acceptances", acceptances.listing, name="acceptances"),
    path("settings/acceptances/<slug:public_id>", acceptances.receipt, name="acceptance"),
    path("settings/acceptances/<slug:public_id>/receipt.json", acceptances.as_json, name="acceptance_json"),
    path("settings/acceptances/<slug:public_id>/licence.txt", acceptances.text, name="acceptance_text"),
    path("settings/webhooks", webhooks.listing, name="webhook_list"),
    path("settings/webhooks/new", webhooks.new, name="webhook_new"),
    path("settings/webhooks/<slug:public_id>", webhooks.one, name="webhook_page"),
    path("settings/webhooks/<slug:public_id>/act", webhooks.act, name="webhook_act"),
    path("settings/webhooks/<slug:public_id>/deliveries/<int:pk>", webhooks.delivery, name="webhook_delivery"),
    path("benchmarks", benchmarks.listing, name="benchmarks"),
    path("benchmarks/register", benchmark_register.register, name="benchmark_register"),
    path("benchmarks/<str:key>", benchmarks.benchmark, name="benchmark"),
    path("suites", benchmarks.suite_list, name="suites"),
    path("suites/<str:suite_id>", benchmarks.suite, name="suite"),
    path("status/workers", workers.workers, name="status_workers"),
    path("status", service.status, name="status"),
    path("docs", service.docs, name="docs"),
    path("docs/<path:page>", service.docs, name="docs_page"),
    *data_pages("datasets/", "dataset"),
    *discussion_pages("datasets/", "dataset"),
    *repository_pages("datasets/", "dataset"),
    *discussion_pages("spaces/", "app"),
    *repository_pages("spaces/", "app"),
    *measured_pages("", "model"),
    *discussion_pages("", "model"),
    *repository_pages("", "model"),
    path("<name:namespace>", people.namespace, name="namespace"),
]
