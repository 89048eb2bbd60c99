"""Pull, load, push and verify small models by name.

    import smallhub

    folder = smallhub.pull("ns/name@v1")        # bytes checked against their SHA-256
    model = smallhub.load("ns/name@v1")         # needs smallhub[models]
    model.generate("Once upon a time").text
    smallhub.push("./my-model", "me/my-model", message="First version")

Pulling needs neither torch nor numpy. All errors are `SmallhubError`s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._api import (
    find,
    info,
    licenses,
    load,
    lock,
    login,
    notice,
    outdated,
    pull,
    push,
    receipts,
    releases,
    results,
    sbom,
    search,
    update,
    verify,
    verify_receipt,
    whoami,
)
from ._exceptions import (
    AcceptanceNeeded,
    AccessDenied,
    CacheError,
    Conflict,
    IntegrityError,
    Invalid,
    LatestHeld,
    LicenceRefused,
    NotFound,
    NotMeasurable,
    Offline,
    Quarantined,
    Refused,
    RepositoryNotFound,
    RevisionNotFound,
    ServerError,
    SmallhubError,
    UnsafePath,
    UnsafeRedirect,
    Unscanned,
    UnsupportedModel,
)
from ._lock import Pin, PinState
from ._terms import RepositoryTerms, accept, terms
from ._types import FileCheck, PushReport, VerifyReport

if TYPE_CHECKING:
    from ._client import Hub
    from ._needs import Findings, Need

__version__ = "0.1.0"

__all__ = [
    "AcceptanceNeeded",
    "AccessDenied",
    "CacheError",
    "Conflict",
    "FileCheck",
    "Findings",
    "Hub",
    "IntegrityError",
    "Invalid",
    "LatestHeld",
    "LicenceRefused",
    "Need",
    "NotFound",
    "NotMeasurable",
    "Offline",
    "Pin",
    "PinState",
    "PushReport",
    "Quarantined",
    "Refused",
    "RepositoryNotFound",
    "RepositoryTerms",
    "RevisionNotFound",
    "ServerError",
    "SmallhubError",
    "UnsafePath",
    "UnsafeRedirect",
    "Unscanned",
    "UnsupportedModel",
    "VerifyReport",
    "__version__",
    "accept",
    "find",
    "info",
    "licenses",
    "load",
    "lock",
    "login",
    "notice",
    "outdated",
    "pull",
    "push",
    "receipts",
    "releases",
    "results",
    "sbom",
    "search",
    "terms",
    "update",
    "verify",
    "verify_receipt",
    "whoami",
]


def __getattr__(name: str) -> Any:
    # `Hub` brings the HTTP library along; whoever only loads a folder (a sandboxed worker, say) should not pay for it.
    if name == "Hub":
        from ._client import Hub

        return Hub
    if name in {"Findings", "Need"}:
        from . import _needs

        return getattr(_needs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
