"""Typed readers of the environment. Every error names the variable that is wrong."""

import os
import re
from urllib.parse import parse_qs, unquote, urlsplit

_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}


class BadSetting(ValueError):
    """A variable holds something that cannot be read as its type."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value!r} is not {expected}.")


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def env_bool(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value == "":
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(name, value, "a yes or no (1, 0, true, false)")


def env_int(name: str, default: int, *, minimum: int = 0) -> int:
    value = os.environ.get(name, "").strip()
    if value == "":
        return default
    if not re.fullmatch(r"\d{1,18}", value) or int(value) < minimum:
        raise BadSetting(name, value, f"a whole number of at least {minimum}")
    return int(value)


def env_bytes(name: str, default: str) -> int:
    """Read a size such as `10 GiB`, `500MB` or `1048576`. Returns bytes."""
    value = os.environ.get(name, "").strip() or default
    match = re.fullmatch(r"(\d{1,15})\s*([a-zA-Z]*)", value)
    if match is None or match[2].lower() not in _UNITS:
        raise BadSetting(name, value, "a size such as 10 GiB")
    return int(match[1]) * _UNITS[match[2].lower()]


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def database_from_url(name: str, url: str) -> dict[str, object]:
    """Turn `postgresql://user:secret@host:5432/db?sslmode=require` or `sqlite:////path` into Django's settings."""
    parts = urlsplit(url)
    if parts.scheme not in _ENGINES:
        raise BadSetting(name, url.split("@")[-1], "a sqlite: or postgresql: address")
    if parts.scheme == "sqlite":
        return {"ENGINE": _ENGINES["sqlite"], "NAME": unquote(parts.path[1:])}
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", unquote(parts.hostname or ""))  # A socket folder travels as ?host=/run/postgresql.
    return {
        "ENGINE": _ENGINES[parts.scheme],
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
    }
