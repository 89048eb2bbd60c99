"""Secrets that must be read again, sealed with a key that is not in the database.

What only has to be compared is kept as a digest instead (`accounts.tokens`).
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from hub.core.exceptions import Unavailable


class SealBroken(Unavailable):
    """The key changed since; the secret has to be set anew."""

    code = "seal_broken"
    message = "A secret cannot be read: it was sealed with another key. Set it again."


def seal(value: str, *, purpose: str) -> str:
    """Encrypt a text for one purpose; it opens for no other."""
    return _box(purpose).encrypt(value.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """The text again.

    Raises:
        SealBroken: sealed with another key or for another purpose, or damaged.
    """
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBroken from error


def _box(purpose: str) -> MultiFernet:
    """The current key first; keys before it still open what they sealed."""
    return MultiFernet([_fernet(key, purpose) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _fernet(key: str | bytes, purpose: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"smallhub.seal.{purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode() if isinstance(key, str) else key)))
