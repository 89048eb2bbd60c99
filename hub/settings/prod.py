"""A public deployment: refuses to start without the settings that a stranger could otherwise guess."""

from django.core.exceptions import ImproperlyConfigured

from hub.settings.base import *  # noqa: F403 - settings modules extend by star import.
from hub.settings.base import SMALLHUB_PUBLIC_URL
from hub.settings.env import env_str

if not SMALLHUB_PUBLIC_URL:
    raise ImproperlyConfigured(
        "SMALLHUB_PUBLIC_URL must name the address that people open, such as https://hub.example.org."
    )
if not env_str("SMALLHUB_SECRET_KEY"):
    raise ImproperlyConfigured("SMALLHUB_SECRET_KEY must be set, the same on every server.")
SECURE_HSTS_SECONDS = 3600 * 24 * 30 if SMALLHUB_PUBLIC_URL.startswith("https://") else 0
