"""System checks for mistakes of deployment; `manage.py check` and `doctor` show them."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def blobs_setting_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`SMALLHUB_BLOBS` must name a store that this version can speak to."""
    if settings.SMALLHUB_BLOBS.startswith(("file:///", "s3://")):
        return []
    return [Error("SMALLHUB_BLOBS must be a file:/// or s3:// address.", id="smallhub.E001")]
