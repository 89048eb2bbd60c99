"""What a token looks like, and how it is kept. Pure."""

import hashlib
import re
import secrets
import string

_SHAPE = re.compile(r"hf_[A-Za-z0-9_]{20,100}")
VALUES = re.compile(rb"\bhf_[A-Za-z0-9_]{20,100}\b")  # In any text.
_ALPHABET = string.ascii_letters + string.digits


def new_value() -> str:
    """A fresh token: `hf_` and 34 characters, about 202 bits of chance."""
    return "hf_" + "".join(secrets.choice(_ALPHABET) for _ in range(34))


def new_refresh_value() -> str:
    """What renews a token. It has another beginning, so that nobody takes one for the other."""
    return "hfr_" + "".join(secrets.choice(_ALPHABET) for _ in range(44))


def is_well_formed(value: str) -> bool:
    return _SHAPE.fullmatch(value) is not None


def digest(value: str) -> str:
    """SHA-256, hex. A token is long and random, so a plain hash is as good as a slow one and cheap per request."""
    return hashlib.sha256(value.encode()).hexdigest()
