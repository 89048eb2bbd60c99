"""Where the hub is, who we are, where things are kept. The only module that reads the environment.

SMALLHUB_ENDPOINT   address of the hub                default http://127.0.0.1:8000
SMALLHUB_TOKEN      access token                      default: the one that `smallhub login` stored for this endpoint
SMALLHUB_CACHE      folder for pulled files           default ~/.cache/smallhub (below XDG_CACHE_HOME if set)
SMALLHUB_OFFLINE    1: never touch the network        default 0
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ._exceptions import Invalid

DEFAULT_ENDPOINT = "http://127.0.0.1:8000"
_TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a client needs to know before it speaks."""

    endpoint: str
    cache: Path
    offline: bool = False
    token: str | None = field(default=None, repr=False)  # Kept out of repr, so that it stays out of logs.


def read_config(
    *,
    endpoint: str | None = None,
    token: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    offline: bool | None = None,
) -> Config:
    """Combine arguments, environment and stored login, in this order of rank.

    Raises:
        Invalid: the endpoint is not an http or https address.
    """
    address = _clean_endpoint(endpoint or os.environ.get("SMALLHUB_ENDPOINT") or DEFAULT_ENDPOINT)
    folder = cache or os.environ.get("SMALLHUB_CACHE") or _default_cache()
    is_offline = offline if offline is not None else os.environ.get("SMALLHUB_OFFLINE", "").lower() in _TRUE
    secret = token if token is not None else os.environ.get("SMALLHUB_TOKEN") or stored_token(address)
    return Config(
        endpoint=address,
        cache=Path(folder).expanduser().absolute(),
        offline=is_offline,
        token=(secret or "").strip() or None,
    )


def token_path() -> Path:
    """The file that `login` writes: one line `endpoint token` for each hub, mode 0600."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return Path(base) / "smallhub" / "token"


def stored_token(endpoint: str) -> str | None:
    """Find the token stored for this very hub; a token is never offered to another one."""
    return _read_tokens().get(endpoint)


def store_token(*, endpoint: str, token: str) -> Path:
    """Remember `token` for `endpoint`, readable by this user alone. Returns the file."""
    tokens = _read_tokens() | {_clean_endpoint(endpoint): token}
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f".token.{os.getpid()}")
    # Created with its final mode: at no moment may another user open it.
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(f"{hub} {secret}\n" for hub, secret in tokens.items())
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
    return path


def _read_tokens() -> dict[str, str]:
    try:
        lines = token_path().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split() for line in lines)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "smallhub"


def _clean_endpoint(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Invalid(f"The endpoint {text!r} is not an address like {DEFAULT_ENDPOINT}.", code="invalid_endpoint")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
