"""Pictures for comments: taken by what they are, never by what they are called, and shown to whom a thread is."""

import re
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q

from accounts.models import Scope, User
from accounts.permissions import require_scope
from hub.core.bodies import BodyTooLarge
from models_registry.exceptions import AttachmentNotFound, NotAPicture
from models_registry.models import Attachment, Repository
from models_registry.services import limits

MAX_BYTES = 4 * 2**20
_PUBLIC_ID = re.compile(r"[0-9a-f]{32}")
MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def media_type(body: bytes) -> str | None:
    """What kind of picture these bytes begin like."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return None


@transaction.atomic
def attach(*, user: User, body: bytes) -> Attachment:
    """Keep a picture. Nobody but its sender sees it until a comment of hers shows it.

    Raises:
        ScopeTooSmall, BodyTooLarge, NotAPicture, TooOften
    """
    require_scope(user, Scope.WRITE)
    if len(body) > MAX_BYTES:
        raise BodyTooLarge(limit=MAX_BYTES)
    kind = media_type(body)
    if kind is None:
        raise NotAPicture
    limits.spend(user=user, action=limits.ATTACH)
    return Attachment.objects.create(owner=user, media_type=kind, body=body)


def find_attachment(user: User | AnonymousUser, public_id: str) -> Attachment:
    """A picture that this person may see: her own, or one that a thread shows which she may read.

    Raises:
        AttachmentNotFound: missing or hidden, alike.
    """
    seen = Q(discussions__repository__in=Repository.objects.visible_to(user).values("pk"))
    if user.is_authenticated:
        seen |= Q(owner=user)
    is_known = _PUBLIC_ID.fullmatch(public_id) is not None
    found = Attachment.objects.filter(seen, public_id=public_id).first() if is_known else None
    if found is None:
        raise AttachmentNotFound
    return found


def with_picture(text: str, picture: "UploadedFile[Any] | None", *, user: User) -> str:
    """The text of a form, with the picture that came along shown at its end.

    Raises:
        what `attach` raises
    """
    if not picture:
        return text
    if (picture.size or 0) > MAX_BYTES:
        raise BodyTooLarge(limit=MAX_BYTES)
    made = attach(user=user, body=picture.read())
    name = "".join(letter for letter in (picture.name or "") if letter.isalnum() or letter in " ._-")[:80]
    return f"{text.rstrip()}\n\n![{name}](/uploads/{made.public_id})".strip()
