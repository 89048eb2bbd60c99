"""Smallhub: the hub for small models where every version is measured."""

from hub.celery import app as celery_app
from hub.core.version import VERSION

__version__ = VERSION
__all__ = ["__version__", "celery_app"]
