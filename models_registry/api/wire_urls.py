"""Addresses of the Hugging Face wire below /api/, in the order of the specification."""

from django.urls import path

from accounts.api import wire as accounts_wire
from models_registry.api import commits, discussions, repositories, trees

REPO = "<kind:kind>/<name:namespace>/<name:name>"

urlpatterns = [
    path("whoami-v2", accounts_wire.whoami, name="whoami"),
    path("repos/create", repositories.create, name="repo_create"),
    path("repos/delete", repositories.delete, name="repo_delete"),
    path("validate-yaml", commits.validate_yaml, name="validate_yaml"),
    path("<kind:kind>", repositories.listing, name="listing"),
    path(REPO, repositories.info, name="info"),
    path(f"{REPO}/revision/<rev:rev>", repositories.info, name="info_revision"),
    path(f"{REPO}/auth-check", repositories.auth_check, name="auth_check"),
    path(f"{REPO}/auth-check/write", repositories.auth_check, {"write": True}, name="auth_check_write"),
    path(f"{REPO}/settings", repositories.settings, name="settings"),
    path(f"{REPO}/tree/<rev:rev>", trees.tree, name="tree"),
    path(f"{REPO}/tree/<rev:rev>/<filepath:path>", trees.tree, name="tree_path"),
    path(f"{REPO}/paths-info/<rev:rev>", trees.paths_info, name="paths_info"),
    path(f"{REPO}/refs", trees.refs, name="refs"),
    path(f"{REPO}/commits/<rev:rev>", trees.commits, name="commits"),
    path(f"{REPO}/branch/<filepath:branch>", trees.branch, name="branch"),
    path(f"{REPO}/tag/<filepath:rev>", trees.tag, name="tag"),
    path(f"{REPO}/preupload/<rev:rev>", commits.preupload, name="preupload"),
    path(f"{REPO}/commit/<rev:rev>", commits.commit, name="commit"),
    path(f"{REPO}/discussions", discussions.listing, name="discussions"),
]
