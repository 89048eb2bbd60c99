"""Smallhub: the hub for small models where every version is measured."""

from hub.celery import app as celery_app

__version__ = "0.1.0"
__all__ = ["__version__", "celery_app"]
