"""Path converters shared by every app."""

from django.urls import register_converter

from hub.core.rawpath import slashes


class NameConverter:
    """A namespace or repository name; what it may hold is decided at creation, so here only the separator counts."""

    regex = r"[A-Za-z0-9._-]{1,100}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class KindConverter:
    """The wire's plural of a repository kind."""

    regex = "models|datasets|spaces"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class RevisionConverter:
    """A revision in one segment: `refs%2Fpr%2F1` arrives as `refs/pr/1`."""

    regex = r"[^/]+"

    def to_python(self, value: str) -> str:
        return slashes(value)

    def to_url(self, value: str) -> str:
        return value


class FilePathConverter:
    """A path inside a repository, with real or encoded slashes."""

    regex = r".+"

    def to_python(self, value: str) -> str:
        return slashes(value)

    def to_url(self, value: str) -> str:
        return value


class Sha256Converter:
    """A SHA-256 as 64 lower-case hex digits; anything else is no address of ours."""

    regex = r"[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def register() -> None:
    """Make the converters known to the URL configuration."""
    register_converter(KindConverter, "kind")
    register_converter(NameConverter, "name")
    register_converter(RevisionConverter, "rev")
    register_converter(FilePathConverter, "filepath")
    register_converter(Sha256Converter, "sha256")
