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
from models_registry.models.content import (
    Chunk,
    Content,
    ErasedContent,
    PartialUpload,
    RepositoryContent,
    RepositoryXorb,
    UploadPart,
    Xorb,
)
from models_registry.models.diffs import WeightsDiff
from models_registry.models.git import GitObject
from models_registry.models.imports import ImportState, RepositoryImport
from models_registry.models.licence_terms import CommitLicence, LicenceAllowance, LicenceChange
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
from models_registry.models.storage import Blob, BlobState, Quota, Reservation, StorageUse
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
    "Blob",
    "BlobState",
    "Chunk",
    "Collection",
    "CollectionItem",
    "CollectionUpvote",
    "CommentVersion",
    "Commit",
    "CommitLicence",
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
    "ImportState",
    "Kind",
    "LicenceAllowance",
    "LicenceChange",
    "Like",
    "Manifest",
    "Mention",
    "PartialUpload",
    "Pointer",
    "PointerMove",
    "Quota",
    "Reaction",
    "ReactionKind",
    "Ref",
    "Release",
    "ReleaseEvent",
    "ReleaseGate",
    "Repository",
    "RepositoryContent",
    "RepositoryImport",
    "RepositoryTag",
    "RepositoryXorb",
    "Reservation",
    "ScanVerdict",
    "StorageUse",
    "UploadPart",
    "Visibility",
    "Webhook",
    "WebhookDelivery",
    "WebhookWatch",
    "WeightsDiff",
    "Xorb",
]
