"""How a webhook's receiver knows that a message is ours and new. Pure.

The signature is HMAC-SHA256 over `timestamp.delivery.body` with the webhook's secret, as `v1=` and hex. A receiver
refuses what is older than five minutes and what it has seen: `docs/examples/webhook_receiver.py` shows how.
"""

import hashlib
import hmac
from collections.abc import Mapping

WINDOW_S = 300
SECRET = "X-Webhook-Secret"  # noqa: S105 - the name of a header.
SIGNATURE, TIMESTAMP, DELIVERY = "X-Smallhub-Signature", "X-Smallhub-Timestamp", "X-Smallhub-Delivery"


def sign(secret: str, *, timestamp_s: int, delivery: str, body: bytes) -> str:
    """The value of the signature header."""
    message = f"{timestamp_s}.{delivery}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def headers_of(secret: str, *, timestamp_s: int, delivery: str, body: bytes) -> Mapping[str, str]:
    """All headers of one message. Without a secret nothing is signed."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Smallhub-Webhook/1",
        DELIVERY: delivery,
        TIMESTAMP: str(timestamp_s),
    }
    if secret:
        headers[SECRET] = secret  # As the public hub sends it.
        headers[SIGNATURE] = sign(secret, timestamp_s=timestamp_s, delivery=delivery, body=body)
    return headers
