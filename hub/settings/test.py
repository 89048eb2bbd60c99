"""Tests: data in a throw-away folder, quick password hashing, tasks called by the tests themselves."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SMALLHUB_DATA", tempfile.mkdtemp(prefix="smallhub-test-"))
os.environ.setdefault("SMALLHUB_SECRET_KEY", "only-for-tests-0123456789abcdef0123456789abcdef")

from hub.settings.base import *  # noqa: F403 - the environment above must come first.
from hub.settings.base import DATABASES, SMALLHUB_DATA, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
SMALLHUB_SEED = False
SMALLHUB_RUN_PINNED = False  # Tests run side by side, each with data of its own, where no lock of another is seen.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A real file, so that tests with threads and processes meet the locks that production meets.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(SMALLHUB_DATA) / "test.sqlite3")}
