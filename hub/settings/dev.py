"""What `make run` uses: the base as it stands, on this machine alone, with no build step for static files."""

from hub.settings.base import *  # noqa: F403 - settings modules extend by star import.
from hub.settings.base import STORAGES

STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0
