"""Every setting of the product, read from the environment once. Documented in docs/operations.md."""

import secrets
from pathlib import Path
from typing import Any

from hub.settings.env import database_from_url, env_bool, env_bytes, env_int, env_list, env_str

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# ── Where things are ─────────────────────────────────────────────────────────────────────────────
SMALLHUB_DATA = Path(env_str("SMALLHUB_DATA", str(BASE_DIR / "data"))).resolve()
SMALLHUB_HOST = env_str("SMALLHUB_HOST", "127.0.0.1")
SMALLHUB_PORT = env_int("SMALLHUB_PORT", 8000)
SMALLHUB_PUBLIC_URL = env_str("SMALLHUB_PUBLIC_URL", "").rstrip("/")
SMALLHUB_BLOBS = env_str("SMALLHUB_BLOBS", f"file://{SMALLHUB_DATA / 'blobs'}")
SMALLHUB_BLOBS_DIRECT = env_bool("SMALLHUB_BLOBS_DIRECT", False)
SMALLHUB_ACCEL_PREFIX = env_str("SMALLHUB_ACCEL_PREFIX", "")
SMALLHUB_SEED = env_bool("SMALLHUB_SEED", True)
# Another hub whose public repositories are passed on and copied when they are not here.
SMALLHUB_UPSTREAM = env_str("SMALLHUB_UPSTREAM", "").rstrip("/")
SMALLHUB_UPSTREAM_SECONDS = env_int("SMALLHUB_UPSTREAM_SECONDS", 6 * 3600, minimum=60)

# ── Limits ───────────────────────────────────────────────────────────────────────────────────────
SMALLHUB_MAX_FILE_BYTES = env_bytes("SMALLHUB_MAX_FILE_BYTES", "8 GiB")
SMALLHUB_CACHE_BYTES = env_bytes("SMALLHUB_CACHE_BYTES", "10 GiB")
SMALLHUB_QUOTA_BYTES = env_bytes("SMALLHUB_QUOTA_BYTES", "0")
SMALLHUB_COMMIT_BYTES = env_bytes("SMALLHUB_COMMIT_BYTES", "256 MiB")
SMALLHUB_PUSH_BYTES = env_bytes("SMALLHUB_PUSH_BYTES", "512 MiB")
SMALLHUB_MAX_FILES_PER_REPOSITORY = env_int("SMALLHUB_MAX_FILES_PER_REPOSITORY", 100_000, minimum=1)
SMALLHUB_PROPOSALS_MEASURED_PER_DAY = env_int("SMALLHUB_PROPOSALS_MEASURED_PER_DAY", 20, minimum=0)
SMALLHUB_OPENINGS_PER_HOUR = env_int("SMALLHUB_OPENINGS_PER_HOUR", 200, minimum=0)
SMALLHUB_COMMENTS_PER_HOUR = env_int("SMALLHUB_COMMENTS_PER_HOUR", 600, minimum=0)
SMALLHUB_ATTACHMENTS_PER_HOUR = env_int("SMALLHUB_ATTACHMENTS_PER_HOUR", 60, minimum=0)
SMALLHUB_PROPOSED_BYTES_PER_DAY = env_bytes("SMALLHUB_PROPOSED_BYTES_PER_DAY", "20 GiB")
SMALLHUB_UNDELETE_DAYS = env_int("SMALLHUB_UNDELETE_DAYS", 30, minimum=0)
SMALLHUB_GRACE_DAYS = env_int("SMALLHUB_GRACE_DAYS", 30)
SMALLHUB_SCRUB_DAYS = env_int("SMALLHUB_SCRUB_DAYS", 30, minimum=1)
SMALLHUB_SCRUB_RATE_BYTES = env_bytes("SMALLHUB_SCRUB_RATE_BYTES", "20 MiB")
SMALLHUB_SIGN_UP = env_bool("SMALLHUB_SIGN_UP", True)
SMALLHUB_RUN_SECONDS = env_int("SMALLHUB_RUN_SECONDS", 900, minimum=10)
SMALLHUB_RUN_MEMORY_BYTES = env_bytes("SMALLHUB_RUN_MEMORY_BYTES", "6 GiB")
SMALLHUB_WATTS_PER_CORE = env_int("SMALLHUB_WATTS_PER_CORE", 10, minimum=1)
SMALLHUB_CLAMD = env_str("SMALLHUB_CLAMD")
SMALLHUB_RUN_THREADS = env_int("SMALLHUB_RUN_THREADS", 2, minimum=1)
SMALLHUB_RUN_PINNED = env_bool("SMALLHUB_RUN_PINNED", True)
# Hosts, as host:port, that webhooks may reach although they are not of the public internet.
SMALLHUB_WEBHOOK_ALLOW = [each.lower() for each in env_list("SMALLHUB_WEBHOOK_ALLOW")]
SMALLHUB_BENCHMARKS_PER_OWNER = env_int("SMALLHUB_BENCHMARKS_PER_OWNER", 20, minimum=0)
SMALLHUB_LEASE_SECONDS = env_int("SMALLHUB_LEASE_SECONDS", 60, minimum=3)


def _secret_key() -> str:
    """The configured key, or one made on first use and kept beside the data, readable by the owner alone."""
    configured = env_str("SMALLHUB_SECRET_KEY")
    if configured:
        return configured
    path = SMALLHUB_DATA / "secret_key"
    if not path.exists():
        SMALLHUB_DATA.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        if not path.read_text():
            path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env_list("SMALLHUB_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [SMALLHUB_PUBLIC_URL] if SMALLHUB_PUBLIC_URL else []
# Only a deployment behind a front server that sets these headers itself may trust them.
SMALLHUB_BEHIND_PROXY = env_bool("SMALLHUB_BEHIND_PROXY", False)
USE_X_FORWARDED_HOST = SMALLHUB_BEHIND_PROXY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SMALLHUB_BEHIND_PROXY else None

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
    "hub.core",
    "accounts",
    "models_registry",
    "evaluation",
    "training",
]

MIDDLEWARE = [
    "hub.core.middleware.RequestIdMiddleware",
    "hub.core.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.TokenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "hub.core.middleware.ErrorMiddleware",
    "models_registry.middleware.UpstreamMiddleware",
]

ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
APPEND_SLASH = False  # Repository paths carry no trailing slash, and a redirect would lose an upload's body.

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ── Database: SQLite in WAL mode unless DATABASE_URL names another ───────────────────────────────
_DATABASE_URL = env_str("DATABASE_URL", f"sqlite:///{SMALLHUB_DATA / 'hub.sqlite3'}")
_database = database_from_url("DATABASE_URL", _DATABASE_URL)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    Path(str(_database["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # A writer waits at BEGIN, so it can never fail half way with "locked".
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;",
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
DATABASES: dict[str, Any] = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Queue: a folder unless CELERY_BROKER_URL names Redis or RabbitMQ ─────────────────────────────
CELERY_BROKER_URL = env_str("CELERY_BROKER_URL", "filesystem://")
_BROKER_FOLDER = SMALLHUB_DATA / "broker"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": 4 * 3600}
if CELERY_BROKER_URL.startswith("filesystem:"):
    for _folder in ("queue", "done", "control"):
        (_BROKER_FOLDER / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_BROKER_FOLDER / "queue"),
        "data_folder_out": str(_BROKER_FOLDER / "queue"),
        "processed_folder": str(_BROKER_FOLDER / "done"),
        "control_folder": str(_BROKER_FOLDER / "control"),
        "store_processed": False,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}
CELERY_BEAT_SCHEDULE_FILENAME = str(SMALLHUB_DATA / "beat-schedule")

# ── Accounts and sessions ────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.CaseInsensitiveBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = SMALLHUB_PUBLIC_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "hub.core.handlers.csrf_failure"

# ── Request bodies: the wire's views stream; nothing else may be large ───────────────────────────
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_PERMISSIONS = 0o600

# ── Language and time ────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# ── Static files ─────────────────────────────────────────────────────────────────────────────────
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = SMALLHUB_DATA / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_MANIFEST_STRICT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenOrSessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "hub.core.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Smallhub",
    "DESCRIPTION": "Models, their versions, and what was measured of them.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["hub.core.api.schema.only_own_api"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "hub.core.logging.LineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env_str("SMALLHUB_LOG_LEVEL", "INFO")},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},  # Its lines would carry signed addresses.
        "kombu.connection": {"level": "ERROR"},
        "django.server": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
