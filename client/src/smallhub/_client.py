"""One hub, with its doors as attributes: `downloads`, `uploads`, `repositories`, `releases`, `evaluations`, …"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

import httpx

from ._cache import Cache
from ._config import read_config
from ._http import Http
from ._licences import Licences
from ._needs import Needs
from ._pull import Downloads
from ._push import Uploads
from ._receipts import Receipts
from ._repositories import Account, Evaluations, Releases, Repositories
from ._terms import Terms


class Hub:
    """A connection to a hub. Use it in a `with`, or call `close`.

    Args:
        endpoint, token, cache, offline: as in the environment, which they outrank; see `smallhub._config`.
        transport: what carries the requests, in place of the network.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        cache: str | os.PathLike[str] | None = None,
        offline: bool | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.config = read_config(endpoint=endpoint, token=token, cache=cache, offline=offline)
        self._http = Http(self.config, transport=transport)
        self.downloads = Downloads(self._http, Cache(self.config.cache, endpoint=self.config.endpoint))
        self.uploads = Uploads(self._http)
        self.repositories = Repositories(self._http)
        self.releases = Releases(self._http)
        self.evaluations = Evaluations(self._http)
        self.receipts = Receipts(self._http, self.config.cache)
        self.needs = Needs(self._http)
        self.licences = Licences(self._http)
        self.terms = Terms(self._http)
        self.account = Account(self._http)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
