"""What the hub knows of repositories, their measurements, and of us."""

from __future__ import annotations

from typing import Any

from ._exceptions import AccessDenied, Invalid
from ._http import Http
from ._names import Kind, Reference, segment

SORTS = ("trendingScore", "downloads", "likes", "createdAt", "lastModified")


class Repositories:
    """Looking repositories up."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def info(self, reference: Reference) -> dict[str, Any]:
        """What the hub says of a repository: commit, files, tags, card, counters."""
        path = f"/api/{reference.wire_kind}/{reference.repository}"
        if reference.revision:
            path += f"/revision/{segment(reference.revision)}"
        return dict(self._http.call("GET", path, params={"blobs": "true"}).data)

    def search(
        self,
        query: str = "",
        *,
        kind: Kind = "model",
        author: str | None = None,
        task: str | None = None,
        tags: tuple[str, ...] = (),
        sort: str = "trendingScore",
        limit: int = 20,
        licence: str | None = None,
    ) -> list[dict[str, Any]]:
        """Find repositories by words of their names and by tags, best first."""
        if sort not in SORTS:
            raise Invalid(f"Cannot sort by {sort!r}; choose from {', '.join(SORTS)}.", code="invalid_sort")
        if limit < 1:
            raise Invalid("A search needs a limit of at least 1.", code="invalid_limit")
        asked = {
            "search": query or None,
            "author": author,
            "pipeline_tag": task if kind == "model" else None,
            "filter": [*tags, *([task] if task and kind != "model" else [])] or None,
            "licence": licence,
            "sort": sort,
            "limit": limit,
            "full": "true",
        }
        params = {key: value for key, value in asked.items() if value is not None}
        kinds: dict[Kind, str] = {"model": "models", "dataset": "datasets", "app": "spaces"}
        return list(self._http.call("GET", f"/api/{kinds[kind]}", params=params).data)[:limit]


class Releases:
    """Versions with a name."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self, reference: Reference) -> list[dict[str, Any]]:
        """All releases, the highest version first: name, commit, notes, yanked, latest."""
        path = f"/api/v1/repositories/{reference.api_kind}/{reference.repository}/releases"
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            page = self._http.call("GET", path, params=params).data
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found


class Evaluations:
    """What was measured."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def results(self, reference: Reference) -> dict[str, Any]:
        """The evaluation of a version: state, steps, scores with intervals, cost, scan, verdict."""
        revision = segment(reference.revision or "latest")
        return dict(self._http.call("GET", f"/api/v1/models/{reference.repository}/evaluations/{revision}").data)


class Account:
    """Who we are to the hub."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def whoami(self) -> dict[str, Any]:
        """The user behind the token.

        Raises:
            AccessDenied: no token, or a wrong one.
        """
        if not self._http.config.token:
            raise AccessDenied(
                f"There is no token for {self._http.config.endpoint}: run `smallhub login`, or set SMALLHUB_TOKEN.",
                code="no_token",
            )
        return dict(self._http.call("GET", "/api/whoami-v2").data)
