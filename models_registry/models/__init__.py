"""Rows of the registry: repositories and their history, Git objects, large content, access, webhooks, discussions."""

from models_registry.models.access import AccessForm, AccessRequest, AccessState, AccessStep, Gate
from models_registry.models.community import (
    ActionCount,
    Attachment,
    CommentVersion,
    Discussion,
    DiscussionCounter,
    DiscussionEvent,
    DiscussionStatus,
    EventKind,
    Mention,
    Reaction,
    ReactionKind,
)
from models_registry.models.content import Chunk, Content, ErasedContent, RepositoryContent, RepositoryXorb, Xorb
from models_registry.models.diffs import WeightsDiff
from models_registry.models.git import GitObject
from models_registry.models.names import AuditEntry, FormerName
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
    "ActionCount",
    "Attachment",
    "AuditEntry",
    "Chunk",
    "Collection",
    "CollectionItem",
    "CollectionUpvote",
    "CommentVersion",
    "Commit",
    "Content",
    "Discussion",
    "DiscussionCounter",
    "DiscussionEvent",
    "DiscussionStatus",
    "ErasedContent",
    "EventKind",
    "FormerName",
    "Gate",
    "Gated",
    "GitObject",
    "Kind",
    "Like",
    "Manifest",
    "Mention",
    "Pointer",
    "PointerMove",
    "Reaction",
    "ReactionKind",
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
    "WeightsDiff",
    "Xorb",
]
