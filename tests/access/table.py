"""Who may do what at each address: the table that the whole URL configuration is held against.

A route without a row fails, and so does a row without a route. Addresses are written with the parts of `world.py`.
"""

from typing import Any

from tests.access import verdicts
from tests.access.boards import BOARD_ROUTES
from tests.access.files import UPLOAD, file_pages
from tests.access.gates import gate_pages
from tests.access.licences import LICENCE_ROUTES
from tests.access.routes import (
    ALL,
    FORM,
    REPO,
    V1,
    Access,
    Route,
    form,
    page,
    post,
    read,
)
from tests.access.routes import (
    METHODS as METHODS,
)
from tests.access.versions import V1_ROUTES, version_pages

ROUTES: dict[str, Route] = {
    # ── The service itself ──────────────────────────────────────────────────────────────────────
    "healthz": Route("/healthz", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "readyz": Route("/readyz", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "metrics": Route("/metrics", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:agent_harnesses": Route("/api/agent-harnesses", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:telemetry": Route(
        "/api/telemetry/x", {"GET": Access.OPEN, "HEAD": Access.OPEN, "POST": Access.OPEN}, body={}
    ),
    **{
        f"elsewhere:{name}": Route(address, {"GET": Access.NOTHING, "POST": Access.NOTHING})
        for name, address in (
            ("no_semantic_search", "/api/spaces/semantic-search"),
            ("no_leaderboard", "/api/datasets/ada/data/leaderboard"),
            ("no_papers", "/api/papers/2401.00001"),
            ("no_space_services", "/api/spaces/hardware"),
            ("no_running_spaces", "/api/spaces/ada/app/runtime"),
            ("no_jobs", "/api/jobs/ada"),
            ("no_buckets", "/api/buckets/ada/things/tree"),
            ("no_kernels", "/api/kernels/ada/fast"),
            ("no_resource_groups", "/api/organizations/ada/resource-groups"),
            ("no_collection_groups", "/api/collections/ada/x/resource-group"),
            ("without_namespace", "/api/models/gpt2/revision/main"),
        )
    },
    "resolve_without_namespace": Route("/gpt2/resolve/main/config.json", {"GET": Access.NOTHING}),
    "nothing_here": Route("/api/never/was", {"GET": Access.NOTHING}),
    "set_language": Route("/i18n/setlang/", dict.fromkeys(METHODS, Access.OPEN), is_page=True),  # Django's own.
    # ── Our own API ─────────────────────────────────────────────────────────────────────────────
    "api_schema": Route("/api/v1/schema", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "registry_v1:list": Route("/api/v1/repositories/{v1}", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "registry_v1:read": Route(V1, {"GET": Access.READ, "HEAD": Access.READ}, kinds=ALL),
    "registry_v1:manifest": read(V1 + "/manifest/main", Access.DOWNLOAD, kinds=ALL),
    **V1_ROUTES,
    **LICENCE_ROUTES,
    **verdicts.V1_ROUTES,
    **verdicts.PAGES,
    "evaluation_v1:evaluation": Route(
        "/api/v1/models/{repo}/evaluations/main", {"GET": Access.READ, "HEAD": Access.READ}
    ),
    **BOARD_ROUTES,
    "evaluation_v1:benchmarks": Route("/api/v1/benchmarks", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "evaluation_v1:receipt": Route(
        "/api/v1/receipts/{receipt}", {"GET": Access.READ, "HEAD": Access.READ}, names_no_repository=True
    ),
    "evaluation_v1:receipt_envelope": Route(
        "/api/v1/receipts/{receipt}/envelope", {"GET": Access.READ, "HEAD": Access.READ}, names_no_repository=True
    ),
    "evaluation_v1:evaluation_cancel": Route(
        "/api/v1/models/{repo}/evaluations/main/cancel", {"POST": Access.WRITE}, body={}, also=(409,)
    ),
    "evaluation_v1:evaluation_rerun": Route(
        "/api/v1/models/{repo}/evaluations/main/rerun", {"POST": Access.WRITE}, body={"step": "scan"}, also=(409,)
    ),
    "evaluation_v1:model_index": read("/api/v1/models/{repo}/model-index/main"),
    "evaluation_v1:eval_results": read("/api/v1/models/{repo}/eval-results/main"),
    "evaluation_v1:conversions": Route(
        "/api/v1/models/{repo}/conversions/main",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.WRITE},
        body={},
        also=(409,),  # There is nothing to convert here.
    ),
    "evaluation_v1:claims": read("/api/v1/models/{repo}/claims/main"),
    "status_workers": Route("/status/workers", {"GET": Access.OPEN, "HEAD": Access.OPEN}, is_page=True),
    "evaluation_v1:keys": Route("/api/v1/keys", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "evaluation_v1:benchmark_version": Route("/api/v1/benchmarks/none/1", {"GET": Access.NOTHING}),
    "evaluation_v1:receipt_items": read("/api/v1/receipts/{receipt}/items", Access.DOWNLOAD, names_no_repository=True),
    "evaluation_v1:receipt_table": read(
        "/api/v1/receipts/{receipt}/items.parquet", Access.DOWNLOAD, names_no_repository=True
    ),
    "evaluation_v1:declared_benchmarks": Route(
        "/api/v1/datasets/{repo}/benchmarks/main",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.WRITE},
        kinds=("datasets",),
        also=(400,),
    ),
    "evaluation_v1:splits": read("/api/v1/datasets/{repo}/splits/main", Access.DOWNLOAD, kinds=("datasets",)),
    "evaluation_v1:rows": read("/api/v1/datasets/{repo}/rows/main", Access.DOWNLOAD, kinds=("datasets",)),
    # ── The wire ────────────────────────────────────────────────────────────────────────────────
    "wire:whoami": Route("/api/whoami-v2", {"GET": Access.SIGNED_IN, "HEAD": Access.SIGNED_IN}),
    "wire:repo_create": Route(
        "/api/repos/create", {"POST": Access.CREATE}, body={"organization": "{namespace}", "name": "fresh"}
    ),
    "wire:repo_delete": Route(
        "/api/repos/delete",
        {"DELETE": Access.ADMINISTER},
        body={"organization": "{namespace}", "name": "{name}", "type": "{type}"},
        kinds=ALL,
    ),
    "wire:repo_move": Route(
        "/api/repos/move",
        {"POST": Access.ADMINISTER},
        body={"fromRepo": "{repo}", "toRepo": "{namespace}/renamed", "type": "{type}"},
        kinds=ALL,
    ),
    "wire:own_repositories": Route("/api/settings/repositories", {"GET": Access.SIGNED_IN, "HEAD": Access.SIGNED_IN}),
    "wire:organisation_repositories": Route(
        "/api/organizations/{namespace}/settings/repositories", {"GET": Access.MEMBER, "HEAD": Access.MEMBER}
    ),
    "wire:webhooks": Route(
        "/api/settings/webhooks",
        {"GET": Access.SIGNED_IN, "HEAD": Access.SIGNED_IN, "POST": Access.SIGNED_IN},
        body={"url": "https://example.org/new", "watched": []},
    ),
    "wire:webhook": Route(
        "/api/settings/webhooks/{webhook}",
        {"GET": Access.OWN, "HEAD": Access.OWN, "POST": Access.OWN, "DELETE": Access.OWN},
        body={"url": "https://example.org/other"},
    ),
    "wire:webhook_enable": Route("/api/settings/webhooks/{webhook}/enable", {"POST": Access.OWN}),
    "wire:webhook_disable": Route("/api/settings/webhooks/{webhook}/disable", {"POST": Access.OWN}),
    "wire:validate_yaml": Route(
        "/api/validate-yaml", {"POST": Access.OPEN}, body={"content": "---\nlicense: mit\n---\n"}
    ),
    "wire:listing": Route("/api/{kind}", {"GET": Access.OPEN, "HEAD": Access.OPEN}, kinds=ALL),
    "wire:model_tags": Route("/api/models-tags-by-type", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:dataset_tags": Route("/api/datasets-tags-by-type", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:info": read(REPO, kinds=ALL),
    "wire:info_revision": read(REPO + "/revision/main"),
    "wire:auth_check": read(REPO + "/auth-check", Access.DOWNLOAD),
    "wire:auth_check_write": Route(REPO + "/auth-check/write", {"GET": Access.WRITE, "HEAD": Access.WRITE}),
    "wire:settings": Route(REPO + "/settings", {"PUT": Access.ADMINISTER}, body={"visibility": "private"}, kinds=ALL),
    "wire:access_requests": Route(
        REPO + "/user-access-request/pending", {"GET": Access.WRITE, "HEAD": Access.WRITE}, kinds=ALL, also=(400,)
    ),
    "wire:access_handle": Route(
        REPO + "/user-access-request/handle",
        {"POST": Access.WRITE},
        body={"requestId": "0" * 24, "status": "accepted"},
        also=(404,),
    ),
    "wire:access_grant": Route(
        REPO + "/user-access-request/grant", {"POST": Access.WRITE}, body={"user": "stranger"}, also=(400,)
    ),
    "wire:duplicate": Route(
        REPO + "/duplicate", {"POST": Access.COPY}, body={"repository": "{namespace}/copy"}, kinds=ALL
    ),
    "wire:tree": read(REPO + "/tree/main", kinds=ALL),
    "wire:tree_path": read(REPO + "/tree/main/sub"),
    "wire:paths_info": Route(REPO + "/paths-info/main", {"POST": Access.READ}, body={"paths": ["config.json"]}),
    "wire:refs": read(REPO + "/refs"),
    "wire:commits": read(REPO + "/commits/main"),
    "wire:compare": read(REPO + "/compare/old...main", kinds=ALL),
    "wire:super_squash": Route(REPO + "/super-squash/main", {"POST": Access.WRITE}, body={"message": "One"}),
    "wire:lfs_files": Route(REPO + "/lfs-files", {"GET": Access.WRITE, "HEAD": Access.WRITE}),
    "wire:lfs_files_batch": Route(
        REPO + "/lfs-files/batch", {"POST": Access.ADMINISTER}, body={"deletions": {"sha": [], "rewriteHistory": True}}
    ),
    "wire:lfs_files_duplicate": Route(
        REPO + "/lfs-files/duplicate",
        {"POST": Access.WRITE},
        body={"target": {"type": "model", "name": "{namespace}/{name}"}, "files": []},
    ),
    "wire:safetensors_metadata": read(REPO + "/safetensors-metadata/w.safetensors"),
    "wire:branch": Route(REPO + "/branch/trial", {"POST": Access.WRITE, "DELETE": Access.WRITE}, body={}),
    "wire:tag": Route(REPO + "/tag/main", {"POST": Access.WRITE, "DELETE": Access.WRITE}, body={"tag": "v9"}),
    "wire:preupload": Route(REPO + "/preupload/main", {"POST": Access.WRITE}, body={"files": []}),
    "wire:commit": Route(
        REPO + "/commit/main",
        {"POST": Access.WRITE},
        body='{"key": "header", "value": {"summary": "Try"}}\n'
        '{"key": "file", "value": {"path": "new.txt", "content": "bmV3", "encoding": "base64"}}\n',
        content_type="application/x-ndjson",
        kinds=ALL,
    ),
    "wire:like": Route(REPO + "/like", {"POST": Access.LIKE, "DELETE": Access.LIKE}, kinds=ALL),
    "wire:like_without_namespace": Route("/api/models/tiny/like", {"POST": Access.NOTHING, "DELETE": Access.NOTHING}),
    "wire:likers": read(REPO + "/likers", kinds=ALL),
    "wire:user_overview": Route("/api/users/{person}/overview", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:user_likes": Route("/api/users/{person}/likes", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:user_followers": Route("/api/users/{person}/followers", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:user_following": Route("/api/users/{person}/following", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:user_follow": Route("/api/users/{person}/follow", {"POST": Access.TAKE_PART, "DELETE": Access.TAKE_PART}),
    "wire:user_avatar": Route("/api/users/{person}/avatar", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "wire:organisation_overview": Route(
        "/api/organizations/{namespace}/overview", {"GET": Access.OPEN, "HEAD": Access.OPEN}
    ),
    "wire:organisation_members": Route(
        "/api/organizations/{namespace}/members", {"GET": Access.OPEN, "HEAD": Access.OPEN}
    ),
    "wire:organisation_followers": Route(
        "/api/organizations/{namespace}/followers", {"GET": Access.OPEN, "HEAD": Access.OPEN}
    ),
    "wire:organisation_follow": Route(
        "/api/organizations/{namespace}/follow", {"POST": Access.TAKE_PART, "DELETE": Access.TAKE_PART}
    ),
    "wire:organisation_avatar": Route(
        "/api/organizations/{namespace}/avatar", {"GET": Access.OPEN, "HEAD": Access.OPEN}
    ),
    "wire:collections": Route(
        "/api/collections",
        {"GET": Access.OPEN, "HEAD": Access.OPEN, "POST": Access.CREATE},
        body={"namespace": "{namespace}", "title": "Fresh"},
    ),
    "wire:collection": Route(
        "/api/collections/{collection}",
        {"GET": Access.OPEN, "HEAD": Access.OPEN, "PATCH": Access.CURATE, "DELETE": Access.CURATE},
        body={"description": "New"},
    ),
    "wire:collection_items": Route(
        "/api/collections/{collection}/items",
        {"POST": Access.CURATE},
        body={"item": {"type": "dataset", "id": "harbour/tiny-public"}},
    ),
    "wire:collection_item": Route(
        "/api/collections/{collection}/items/{item}",
        {"PATCH": Access.CURATE, "DELETE": Access.CURATE},
        body={"note": "New"},
    ),
    "wire:collection_upvote": Route(
        "/api/collections/{collection}/upvote", {"POST": Access.TAKE_PART, "DELETE": Access.TAKE_PART}
    ),
    "wire:discussions": Route(
        REPO + "/discussions",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.DISCUSS},
        body={"title": "A question"},
    ),
    "wire:discussion": read(REPO + "/discussions/2", kinds=ALL),
    "wire:discussion_comment": Route(
        REPO + "/discussions/1/comment", {"POST": Access.DISCUSS}, body={"comment": "Yes."}, kinds=ALL
    ),
    "wire:discussion_title": Route(REPO + "/discussions/1/title", {"POST": Access.WRITE}, body={"title": "Other"}),
    "wire:discussion_status": Route(REPO + "/discussions/1/status", {"POST": Access.WRITE}, body={"status": "closed"}),
    "wire:discussion_merge": Route(REPO + "/discussions/2/merge", {"POST": Access.WRITE}, body={}, kinds=ALL),
    "wire:discussion_edit": Route(
        REPO + "/discussions/1/comment/{comment}/edit", {"POST": Access.AUTHOR}, body={"content": "Better."}
    ),
    "wire:discussion_hide": Route(REPO + "/discussions/1/comment/{comment}/hide", {"POST": Access.WRITE}, body={}),
    "oauth_device": Route(
        "/oauth/device",
        {"POST": Access.OPEN},
        body="client_id=tried",
        content_type=FORM,
    ),
    "oauth_token": Route(
        "/oauth/token",
        {"POST": Access.OPEN},
        body="grant_type=refresh_token&refresh_token=none",
        content_type=FORM,
    ),
    # ── The chunk store ─────────────────────────────────────────────────────────────────────────
    "xet_write_token": Route(REPO + "/xet-write-token/main", {"GET": Access.WRITE}, kinds=ALL),
    "xet_read_token": Route(REPO + "/xet-read-token/main", {"GET": Access.DOWNLOAD}, kinds=ALL),
    "cas_xorb": Route("/cas/{space}/v1/xorbs/default/" + "0" * 64, {"POST": Access.SIGNED, "HEAD": Access.SIGNED}),
    "cas_shard": Route("/cas/{space}/v1/shards", {"POST": Access.SIGNED}),
    "cas_shard_stream": Route("/cas/{space}/v2/shards", {"POST": Access.SIGNED}),
    "cas_reconstruction_v1": Route("/cas/{space}/v1/reconstructions/" + "0" * 64, {"GET": Access.SIGNED}),
    "cas_reconstruction_v2": Route("/cas/{space}/v2/reconstructions/" + "0" * 64, {"GET": Access.SIGNED}),
    "cas_data": Route("/cas/{space}/v1/data/forged", {"GET": Access.SIGNED, "HEAD": Access.SIGNED}),
    "cas_chunk": Route("/cas/{space}/v1/chunks/default/" + "0" * 64, {"GET": Access.SIGNED}),
    "cas_no_grants": Route("/cas/{space}/v1/xorb-grants/x", {"GET": Access.NOTHING, "POST": Access.NOTHING}),
    "cas_no_commits": Route("/cas/{space}/v1/xorb-commits/x", {"GET": Access.NOTHING, "POST": Access.NOTHING}),
    "cas_telemetry": Route("/v1/telemetry", {"POST": Access.OPEN}),
    "cas_telemetry_below": Route("/cas/{space}/v1/telemetry", {"POST": Access.OPEN}),
    # ── People ──────────────────────────────────────────────────────────────────────────────────
    "accounts:login": form("/login", Access.OPEN),
    "accounts:device": form("/login/device", Access.SIGNED_IN),
    "accounts:join": form("/join", Access.OPEN),
    "accounts:logout": Route("/logout", {"POST": Access.OPEN}, is_page=True),
    "accounts:settings": page("/settings", Access.SIGNED_IN),
    "accounts:settings_profile": form("/settings/profile", Access.SIGNED_IN),
    "accounts:settings_password": Route("/settings/password", {"POST": Access.SIGNED_IN}, is_page=True),
    "settings_tokens": form("/settings/tokens", Access.SIGNED_IN),
    "token_rotate": Route("/settings/tokens/{token}/rotate", {"POST": Access.OWN}, is_page=True),
    "token_revoke": Route("/settings/tokens/{token}/revoke", {"POST": Access.OWN}, is_page=True),
    "accounts:settings_organizations": form("/settings/organizations", Access.SIGNED_IN),
    "accounts:settings_members": form("/settings/organizations/{namespace}", Access.OWN),
    "accounts:sessions_end": Route("/settings/sessions/end", {"POST": Access.SIGNED_IN}, is_page=True),
    "account_delete": form("/settings/delete", Access.SIGNED_IN),
    "organisation_delete": form("/settings/organizations/{namespace}/delete", Access.OWN),
    "settings_licences": form("/settings/licences", Access.SIGNED_IN, body="mode=inform", content_type=FORM),
    "organisation_licences": form(
        "/settings/organizations/{namespace}/licences", Access.OWN, body="mode=inform", content_type=FORM
    ),
    "accounts:organisation_profile": form("/settings/organizations/{namespace}/profile", Access.OWN),
    "accounts:organisation_log": page("/settings/organizations/{namespace}/log", Access.OWN),
    "accounts:organisation_leave": Route(
        "/settings/organizations/{namespace}/leave", {"POST": Access.SIGNED_IN}, is_page=True
    ),
    "accounts:invitation_answer": Route("/settings/invitations/{invitation}", {"POST": Access.OWN}, is_page=True),
    "accounts:invitation_withdraw": Route(
        "/settings/organizations/{namespace}/invitations/{invitation}/withdraw", {"POST": Access.OWN}, is_page=True
    ),
    "accounts:member_remove": Route(
        "/settings/organizations/{namespace}/members/{member}/remove", {"POST": Access.OWN}, is_page=True
    ),
    "settings_access": page("/settings/access", Access.SIGNED_IN),
    "acceptances": page("/settings/acceptances", Access.SIGNED_IN),
    "acceptance": page("/settings/acceptances/{acceptance}", Access.OWN),
    "acceptance_json": page("/settings/acceptances/{acceptance}/receipt.json", Access.OWN),
    "acceptance_text": page("/settings/acceptances/{acceptance}/licence.txt", Access.OWN),
    "access_withdraw": Route("/settings/access/{asking}/withdraw", {"POST": Access.OWN}, is_page=True),
    "webhook_list": page("/settings/webhooks", Access.SIGNED_IN),
    "webhook_new": form("/settings/webhooks/new", Access.SIGNED_IN),
    "webhook_page": form("/settings/webhooks/{webhook}", Access.OWN),
    "webhook_act": Route("/settings/webhooks/{webhook}/act", {"POST": Access.OWN}, is_page=True),
    "webhook_delivery": form("/settings/webhooks/{webhook}/deliveries/{delivery}", Access.OWN),
    # ── Pages ───────────────────────────────────────────────────────────────────────────────────
    "home": page("/", Access.OPEN),
    "model_list": page("/models", Access.OPEN),
    "dataset_list": page("/datasets", Access.OPEN),
    "app_list": page("/spaces", Access.OPEN),
    "new": form("/new", Access.SIGNED_IN),
    "deleted_repositories": page("/settings/deleted", Access.SIGNED_IN),
    "repository_restore": Route("/settings/deleted/1/restore", {"POST": Access.OWN}, is_page=True),
    "status": page("/status", Access.OPEN),
    "benchmarks": page("/benchmarks", Access.OPEN),
    "benchmark": page("/benchmarks/none", Access.NOTHING),
    "benchmark_register": form("/benchmarks/register", Access.SIGNED_IN),
    "suites": page("/suites", Access.OPEN),
    "suite": page("/suites/healthcare", Access.OPEN),
    "mentions": page("/settings/mentions", Access.SIGNED_IN),
    "attachment_new": Route("/uploads", {"POST": Access.SIGNED_IN}, body="GIF89a", content_type="image/gif"),
    "attachment": Route("/uploads/" + "0" * 32, {"GET": Access.NOTHING, "HEAD": Access.NOTHING}),
    "docs": page("/docs", Access.OPEN),
    "docs_page": page("/docs/user/upload", Access.OPEN),
    "follow": Route("/users/{person}/follow", {"POST": Access.TAKE_PART}, is_page=True),
    "collections": page("/collections", Access.OPEN),
    "collection_new": form("/collections/new", Access.SIGNED_IN),
    "collection_choose": page("/collections/choose", Access.SIGNED_IN),
    "collection": page("/collections/{collection}", Access.OPEN),
    "collection_edit": Route(
        "/collections/{collection}/edit",
        {"POST": Access.CURATE},
        body="title=Small+ones&theme=pink",
        content_type=FORM,
        is_page=True,
    ),
    "collection_add": Route(
        "/collections/{collection}/add",
        {"POST": Access.CURATE},
        body="kind=dataset&name=harbour/tiny-public",
        content_type=FORM,
        is_page=True,
    ),
    "collection_item": Route(
        "/collections/{collection}/items/{item}",
        {"POST": Access.CURATE},
        body="do=note&note=New",
        content_type=FORM,
        is_page=True,
    ),
    "collection_delete": form("/collections/{collection}/delete", Access.CURATE),
    "collection_upvote": Route("/collections/{collection}/upvote", {"POST": Access.TAKE_PART}, is_page=True),
    "avatar": Route("/assets/avatars/{namespace}.svg", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "namespace": page("/{namespace}", Access.OPEN),
    "dataset_rows": page("/datasets/{repo}/rows", Access.DOWNLOAD, kinds=("datasets",)),
    "dataset_rows_at": page("/datasets/{repo}/rows/main", Access.DOWNLOAD, kinds=("datasets",)),
}

# The same addresses for each kind of repository.
for _kind, _prefix, _suffix in (
    ("models", "", ""),
    ("datasets", "datasets/", "_dataset"),
    ("spaces", "spaces/", "_app"),
):
    _only: dict[str, Any] = {"kinds": (_kind,)}
    _form = _only | {
        "body": "title=A+title&text=Words&word=agree&status=closed&do=pin",
        "content_type": "application/x-www-form-urlencoded",
    }
    _lfs = f"/{_prefix}{{repo}}.git/info/lfs"
    _name = {"models": "model", "datasets": "dataset", "spaces": "app"}[_kind]
    _page = f"/{_prefix}{{repo}}"
    ROUTES |= {
        f"resolve{_suffix}": read(f"/{_prefix}{{repo}}/resolve/main/config.json", Access.DOWNLOAD, **_only),
        f"raw{_suffix}": read(f"/{_prefix}{{repo}}/raw/main/config.json", Access.DOWNLOAD, **_only),
        f"git_info_refs_{_kind}": Route(
            f"{_page}.git/info/refs?service=git-upload-pack", {"GET": Access.DOWNLOAD}, **_only
        ),
        f"git_upload_pack_{_kind}": Route(
            f"{_page}/git-upload-pack",
            {"POST": Access.DOWNLOAD},
            body="0000",
            content_type="application/x-git-upload-pack-request",
            **_only,
        ),
        f"git_receive_pack_{_kind}": Route(
            f"{_page}/git-receive-pack",
            {"POST": Access.WRITE},
            body="0000",
            content_type="application/x-git-receive-pack-request",
            **_only,
        ),
        f"lfs_batch_{_kind}": Route(
            f"{_lfs}/objects/batch",
            {"POST": Access.WRITE},
            body={"operation": "upload", "objects": [], "ref": {"name": "refs/heads/main"}},
            **_only,
        ),
        f"lfs_upload_{_kind}": Route(f"{_lfs}/upload/forged", {"PUT": Access.SIGNED}, **_only),
        f"lfs_part_{_kind}": Route(f"{_lfs}/part/forged", {"PUT": Access.SIGNED}, **_only),
        f"lfs_complete_{_kind}": Route(f"{_lfs}/complete/forged", {"POST": Access.SIGNED}, **_only),
        f"lfs_verify_{_kind}": Route(f"{_lfs}/verify/forged", {"POST": Access.SIGNED}, **_only),
        f"lfs_download_{_kind}": Route(
            f"{_lfs}/download/forged", {"GET": Access.SIGNED, "HEAD": Access.SIGNED}, **_only
        ),
        f"lfs_locks_{_kind}": Route(f"{_lfs}/locks", {"GET": Access.READ}, **_only),
        f"lfs_verify_locks_{_kind}": Route(f"{_lfs}/locks/verify", {"POST": Access.READ}, body={}, **_only),
        _name: page(_page, **_only),
        **gate_pages(_page, _name, _only),
        f"{_name}_like": Route(f"{_page}/like", {"POST": Access.LIKE}, is_page=True, **_only),
        f"{_name}_likers": page(f"{_page}/likers", **_only),
        f"{_name}_files": page(f"{_page}/tree", **_only),
        f"{_name}_tree": page(f"{_page}/tree/main", **_only),
        f"{_name}_folder": page(f"{_page}/tree/main/sub", **_only),
        f"{_name}_file": page(f"{_page}/blob/main/config.json", Access.DOWNLOAD, **_only),
        f"{_name}_history": page(f"{_page}/commits", **_only),
        f"{_name}_commits": page(f"{_page}/commits/main", **_only),
        f"{_name}_commit": page(f"{_page}/commit/main", **_only),
        **version_pages(_page, _name, _kind),
        **file_pages(_name, _page, _only),
        f"{_name}_evaluations": page(f"{_page}/evaluations", **_only),
        f"{_name}_evaluation": page(f"{_page}/evaluations/main", **_only),
        f"{_name}_tensors": page(f"{_page}/tensors/main", Access.DOWNLOAD, **_only),
        f"{_name}_receipt_items": page(f"{_page}/evaluations/old/receipts/{{receipt}}/items", **_only),
        f"{_name}_receipt": page(f"{_page}/evaluations/old/receipts/{{receipt}}", **_only),
        f"{_name}_evaluation_act": post(f"{_page}/evaluations/main/act", Access.WRITE, **_form),
        f"{_name}_evaluation_propose": post(f"{_page}/evaluations/main/propose", Access.DISCUSS, **_form),
        f"{_name}_discussions": page(f"{_page}/discussions", **_only),
        f"{_name}_discussion_new": form(f"{_page}/discussions/new", Access.DISCUSS, **_form),
        f"{_name}_discussion": page(f"{_page}/discussions/1", **_only),
        f"{_name}_discussion_commits": page(f"{_page}/discussions/2/commits", **_only),
        f"{_name}_discussion_files": page(f"{_page}/discussions/2/files", Access.DOWNLOAD, **_only),
        f"{_name}_discussion_comment": post(f"{_page}/discussions/1/comment", Access.DISCUSS, **_form),
        f"{_name}_discussion_title": post(f"{_page}/discussions/1/title", Access.WRITE, **_form),
        f"{_name}_discussion_status": post(f"{_page}/discussions/1/status", Access.WRITE, **_form),
        f"{_name}_discussion_mark": post(f"{_page}/discussions/1/mark", Access.WRITE, **_form),
        f"{_name}_discussion_merge": post(f"{_page}/discussions/2/merge", Access.WRITE, **_form),
        f"{_name}_comment_edit": form(f"{_page}/discussions/1/comments/{{comment}}/edit", Access.AUTHOR, **_form),
        f"{_name}_comment_hide": post(f"{_page}/discussions/1/comments/{{comment}}/hide", Access.WRITE, **_form),
        f"{_name}_comment_react": post(f"{_page}/discussions/1/comments/{{comment}}/react", Access.DISCUSS, **_form),
        f"{_name}_upload": form(
            f"{_page}/upload/main", Access.DISCUSS, body=UPLOAD, content_type="multipart/form-data; boundary=x", **_only
        ),
    }
