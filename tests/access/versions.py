"""Who may do what with versions: releases, pointers, comparisons, branches, storage, restoring."""

from typing import Any

from tests.access.routes import ALL, FORM, V1, Access, Route, page

V1_ROUTES: dict[str, Route] = {
    "registry_v1:compare": Route(
        V1 + "/compare/old..main",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.LIKE},
        body={"path": "model.safetensors"},
    ),
    "registry_v1:lineage": Route("/api/v1/{v1}/{repo}/lineage", {"GET": Access.READ, "HEAD": Access.READ}, kinds=ALL),
    "registry_v1:storage": Route(V1 + "/storage", {"GET": Access.READ, "HEAD": Access.READ}, kinds=ALL),
    "registry_v1:restore": Route(
        V1 + "/restore", {"POST": Access.WRITE}, body={"revision": "old", "path": "later.txt"}, kinds=ALL
    ),
    "registry_v1:releases": Route(
        V1 + "/releases",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.WRITE},
        body={"name": "v7.0.0"},
        kinds=ALL,
    ),
    "registry_v1:release": Route(
        V1 + "/releases/v1.0.0",
        {"GET": Access.READ, "HEAD": Access.READ, "PATCH": Access.WRITE},
        body={"notes": "Corrected."},
        kinds=ALL,
    ),
    "registry_v1:release_yank": Route(
        V1 + "/releases/v1.0.0/yank", {"POST": Access.WRITE, "DELETE": Access.WRITE}, body={"reason": "Try"}
    ),
    "registry_v1:terms": Route(
        V1 + "/terms",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.LIKE},
        body={"sha256": "0" * 64},
        kinds=ALL,
        also=(400, 409),
    ),
    "registry_v1:pointers": Route(V1 + "/pointers", {"GET": Access.READ, "HEAD": Access.READ}, kinds=ALL),
    "registry_v1:pointer": Route(
        V1 + "/pointers/production",
        {"GET": Access.READ, "HEAD": Access.READ, "PUT": Access.WRITE, "DELETE": Access.WRITE},
        body={"revision": "main"},
        kinds=ALL,
    ),
}


def version_pages(at: str, name: str, kind: str) -> dict[str, Route]:
    """The pages of one kind of repository."""
    only: dict[str, Any] = {"kinds": (kind,)}
    return {
        f"{name}_restore": Route(
            f"{at}/restore/old",
            {"GET": Access.WRITE, "HEAD": Access.WRITE, "POST": Access.WRITE},
            body="branch=main&path=later.txt",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_licence": page(f"{at}/licence", **only),
        f"{name}_licence_badge": page(f"{at}/licence.svg", **only),
        f"{name}_licence_badge_json": page(f"{at}/licence.json", **only),
        f"{name}_releases": page(f"{at}/releases", **only),
        f"{name}_release": Route(
            f"{at}/releases/v1.0.0",
            {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.WRITE},
            body="action=notes&notes=Corrected",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_release_new": Route(
            f"{at}/new-release",
            {"GET": Access.WRITE, "HEAD": Access.WRITE, "POST": Access.WRITE},
            body="name=v7.0.0&revision=main",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_compare_choose": page(f"{at}/compare", **only),
        f"{name}_compare": Route(
            f"{at}/compare/old..main",
            {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.LIKE},
            body="path=model.safetensors",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_refs": Route(
            f"{at}/refs",
            {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.WRITE},
            body="action=create_branch&name=trial",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_pointers": Route(
            f"{at}/pointers",
            {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.WRITE},
            body="action=move&name=production&revision=main",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_storage": page(f"{at}/storage", **only),
    }
