"""Signing receipts with the hub's own key: made when first needed, shared by all machines through the database."""

import base64
import logging

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from evaluation import statements
from evaluation.models import Receipt, ReceiptSignature, SigningKey
from hub.core.secrets import SealBroken, seal, unseal

logger = logging.getLogger("evaluation.signing")

_PURPOSE = "receipt-signing"


def sign_receipt(receipt: Receipt) -> ReceiptSignature | None:
    """Sign a receipt with the current key, in the caller's transaction.

    None if the key cannot be opened here: then the receipt stands unsigned, says so, and `sign_receipts` mends it once
    the key was replaced. A measurement is not thrown away for it.
    """
    key = current_key()
    try:
        private = _private(key)
    except SealBroken:
        logger.error("receipt %s is not signed: key %s cannot be opened", receipt, key)
        return None
    value = private.sign(statements.signed_bytes(statements.PAYLOAD_TYPE, statements.payload(receipt.body)))
    return ReceiptSignature.objects.create(receipt=receipt, key=key, value=_text(value))


def sign_unsigned(*, limit: int = 500) -> int:
    """Sign receipts that no trusted key has signed: those from before there were keys, or of a revoked one.

    Returns:
        How many were signed; 0 once all are, or if the key cannot be opened.
    """
    signed = 0
    trusted = ReceiptSignature.objects.filter(key__revoked_at__isnull=True)
    for receipt in Receipt.objects.exclude(pk__in=trusted.values("receipt")).order_by("pk")[:limit]:
        if sign_receipt(receipt) is None:
            break
        signed += 1
    return signed


def sign_all() -> int:
    """Sign all that is unsigned, batch by batch. Returns how many."""
    total = 0
    while signed := sign_unsigned():
        total += signed
    return total


def current_key() -> SigningKey:
    """The key that signs, made if there is none yet."""
    while True:
        found = SigningKey.objects.filter(retired_at__isnull=True).first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return _make(endorsed_by=None)
        except IntegrityError:  # Another process made it in the meantime.
            continue


@transaction.atomic
def rotate_key(*, compromised: bool = False) -> SigningKey:
    """Put a new key in the place of the current one, whose private half is erased.

    Args:
        compromised: the old key may be known to others: nothing that it signed counts from now on, and it does not
            vouch for its successor.
    """
    before = SigningKey.objects.select_for_update().filter(retired_at__isnull=True).first()
    endorser = None
    if before is not None:
        endorser = None if compromised else _opened(before)
        now = timezone.now()
        before.retired_at, before.revoked_at = now, now if compromised else None
        before.sealed_private_key = ""
        before.save(update_fields=["retired_at", "revoked_at", "sealed_private_key"])
    return _make(endorsed_by=(before, endorser) if before is not None and endorser is not None else None)


def envelope_of(receipt: Receipt) -> dict[str, object]:
    """The receipt's statement in its envelope, with all its signatures; without any if it has none."""
    rows = receipt.signatures.select_related("key")
    return statements.envelope(
        receipt.body, [statements.Signature(row.key.key_id, base64.b64decode(row.value)) for row in rows]
    )


def signature_of(receipt: Receipt) -> ReceiptSignature | None:
    """The signature to show: one by a key that was not revoked if there is one, else the newest."""
    rows = list(receipt.signatures.select_related("key"))
    return next((row for row in reversed(rows) if row.key.revoked_at is None), rows[-1] if rows else None)


def is_right(signature: ReceiptSignature) -> bool:
    """Whether a signature belongs to the body as it is stored now."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.key.public_key))
    content = statements.signed_bytes(statements.PAYLOAD_TYPE, statements.payload(signature.receipt.body))
    try:
        public.verify(base64.b64decode(signature.value), content)
    except InvalidSignature:
        return False
    return True


def findings() -> list[str]:
    """What keeps this machine from signing, for `doctor`."""
    key = SigningKey.objects.filter(retired_at__isnull=True).first()
    if key is None or _opened(key) is not None:
        return []
    return [
        gettext(
            "Receipts are not signed: the key %(key)s was sealed with another SMALLHUB_SECRET_KEY. Set that one again, "
            "or run: manage.py rotate_receipt_key"
        )
        % {"key": str(key)}
    ]


def _make(*, endorsed_by: tuple[SigningKey, Ed25519PrivateKey] | None) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    said = ""
    if endorsed_by is not None:
        signed = statements.signed_bytes(statements.ENDORSEMENT_TYPE, statements.endorsement(public))
        said = _text(endorsed_by[1].sign(signed))
    return SigningKey.objects.create(
        key_id=statements.key_id(public),
        public_key=_text(public),
        sealed_private_key=seal(_text(raw), purpose=_PURPOSE),
        endorsed_by=endorsed_by[0] if endorsed_by is not None else None,
        endorsement=said,
    )


def _private(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(unseal(key.sealed_private_key, purpose=_PURPOSE)))


def _opened(key: SigningKey) -> Ed25519PrivateKey | None:
    try:
        return _private(key)
    except SealBroken:
        return None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
