"""Addresses of the Hugging Face wire below /api/, in the order of the specification."""

from django.urls import path

from accounts.api import wire as accounts_wire
from models_registry.api import access, collections, commits, discussions, listings, people, repositories, trees

REPO = "<kind:kind>/<name:namespace>/<name:name>"
COLLECTION = "collections/<name:namespace>/<slug:slug>"
ORGANISATION = {"organisation": True}

urlpatterns = [
    path("whoami-v2", accounts_wire.whoami, name="whoami"),
    path("repos/create", repositories.create, name="repo_create"),
    path("repos/delete", repositories.delete, name="repo_delete"),
    path("validate-yaml", commits.validate_yaml, name="validate_yaml"),
    path("users/<name:user>/overview", people.user_overview, name="user_overview"),
    path("users/<name:user>/likes", people.likes, name="user_likes"),
    path("users/<name:name>/followers", people.followers, name="user_followers"),
    path("users/<name:name>/following", people.following, name="user_following"),
    path("users/<name:name>/follow", people.follow, name="user_follow"),
    path("users/<name:name>/avatar", people.avatar, name="user_avatar"),
    path("organizations/<name:organisation>/overview", people.organisation_overview, name="organisation_overview"),
    path("organizations/<name:name>/members", people.members, name="organisation_members"),
    path("organizations/<name:name>/followers", people.followers, ORGANISATION, name="organisation_followers"),
    path("organizations/<name:name>/follow", people.follow, ORGANISATION, name="organisation_follow"),
    path("organizations/<name:name>/avatar", people.avatar, ORGANISATION, name="organisation_avatar"),
    path("collections", collections.collections, name="collections"),
    path(COLLECTION, collections.collection, name="collection"),
    path(f"{COLLECTION}/items", collections.items, name="collection_items"),
    path(f"{COLLECTION}/items/<slug:item>", collections.item, name="collection_item"),
    path(f"{COLLECTION}/upvote", collections.upvote, name="collection_upvote"),
    path("<kind:kind>", listings.listing, name="listing"),
    path("models-tags-by-type", listings.tags_by_type, {"kind": "models"}, name="model_tags"),
    path("datasets-tags-by-type", listings.tags_by_type, {"kind": "datasets"}, name="dataset_tags"),
    path("<kind:kind>/<name:name>/like", people.like_without_namespace, name="like_without_namespace"),
    path(REPO, repositories.info, name="info"),
    path(f"{REPO}/revision/<rev:rev>", repositories.info, name="info_revision"),
    path(f"{REPO}/auth-check", repositories.auth_check, name="auth_check"),
    path(f"{REPO}/auth-check/write", repositories.auth_check, {"write": True}, name="auth_check_write"),
    path(f"{REPO}/settings", repositories.settings, name="settings"),
    path(f"{REPO}/user-access-request/handle", access.handle, name="access_handle"),
    path(f"{REPO}/user-access-request/grant", access.grant, name="access_grant"),
    path(f"{REPO}/user-access-request/<str:status>", access.listing, name="access_requests"),
    path(f"{REPO}/tree/<rev:rev>", trees.tree, name="tree"),
    path(f"{REPO}/tree/<rev:rev>/<filepath:path>", trees.tree, name="tree_path"),
    path(f"{REPO}/paths-info/<rev:rev>", trees.paths_info, name="paths_info"),
    path(f"{REPO}/refs", trees.refs, name="refs"),
    path(f"{REPO}/commits/<rev:rev>", trees.commits, name="commits"),
    path(f"{REPO}/branch/<filepath:branch>", trees.branch, name="branch"),
    path(f"{REPO}/tag/<filepath:rev>", trees.tag, name="tag"),
    path(f"{REPO}/preupload/<rev:rev>", commits.preupload, name="preupload"),
    path(f"{REPO}/commit/<rev:rev>", commits.commit, name="commit"),
    path(f"{REPO}/like", people.like, name="like"),
    path(f"{REPO}/likers", people.likers, name="likers"),
    path(f"{REPO}/discussions", discussions.threads, name="discussions"),
    path(f"{REPO}/discussions/<int:number>", discussions.details, name="discussion"),
    path(f"{REPO}/discussions/<int:number>/comment", discussions.comment, name="discussion_comment"),
    path(f"{REPO}/discussions/<int:number>/title", discussions.title, name="discussion_title"),
    path(f"{REPO}/discussions/<int:number>/status", discussions.status, name="discussion_status"),
    path(f"{REPO}/discussions/<int:number>/merge", discussions.merge, name="discussion_merge"),
    path(f"{REPO}/discussions/<int:number>/comment/<str:event>/edit", discussions.edit, name="discussion_edit"),
    path(f"{REPO}/discussions/<int:number>/comment/<str:event>/hide", discussions.hide, name="discussion_hide"),
]
