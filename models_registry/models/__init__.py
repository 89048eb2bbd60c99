"""Rows of the registry, by aggregate: repositories and their history, Git objects, large content."""

from models_registry.models.content import Chunk, Content, RepositoryContent, RepositoryXorb, Xorb
from models_registry.models.git import GitObject
from models_registry.models.repositories import (
    Commit,
    Kind,
    Manifest,
    Ref,
    Repository,
    RepositoryTag,
    ScanVerdict,
    Visibility,
)

__all__ = [
    "Chunk",
    "Commit",
    "Content",
    "GitObject",
    "Kind",
    "Manifest",
    "Ref",
    "Repository",
    "RepositoryContent",
    "RepositoryTag",
    "RepositoryXorb",
    "ScanVerdict",
    "Visibility",
    "Xorb",
]
