"""Smallhub: the hub for small models where every version is measured."""

__version__ = "0.1.0"
