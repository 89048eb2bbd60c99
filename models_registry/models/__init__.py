"""Rows of the registry, by aggregate: repositories and their history, Git objects, large content, access, webhooks."""

from models_registry.models.access import AccessForm, AccessRequest, AccessState, AccessStep, Gate
from models_registry.models.content import Chunk, Content, ErasedContent, RepositoryContent, RepositoryXorb, Xorb
from models_registry.models.git import GitObject
from models_registry.models.releases import Pointer, PointerMove, Release, ReleaseEvent, ReleaseGate
from models_registry.models.repositories import (
    Commit,
    Gated,
    Kind,
    Manifest,
    Ref,
    Repository,
    RepositoryTag,
    ScanVerdict,
    Visibility,
)
from models_registry.models.social import THEMES, Collection, CollectionItem, CollectionUpvote, Like
from models_registry.models.webhooks import Webhook, WebhookDelivery, WebhookWatch

__all__ = [
    "THEMES",
    "AccessForm",
    "AccessRequest",
    "AccessState",
    "AccessStep",
    "Chunk",
    "Collection",
    "CollectionItem",
    "CollectionUpvote",
    "Commit",
    "Content",
    "ErasedContent",
    "Gate",
    "Gated",
    "GitObject",
    "Kind",
    "Like",
    "Manifest",
    "Pointer",
    "PointerMove",
    "Ref",
    "Release",
    "ReleaseEvent",
    "ReleaseGate",
    "Repository",
    "RepositoryContent",
    "RepositoryTag",
    "RepositoryXorb",
    "ScanVerdict",
    "Visibility",
    "Webhook",
    "WebhookDelivery",
    "WebhookWatch",
    "Xorb",
]
