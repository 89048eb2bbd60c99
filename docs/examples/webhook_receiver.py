"""A receiver of Smallhub's webhooks, with nothing but Python: `SECRET=… python webhook_receiver.py 9000`.

It takes a message only if its signature is right, it is not older than five minutes, and it was not seen before.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer

WINDOW_S = 300
MAX_BYTES = 1_000_000


class Inbox:
    """Decides about messages, and remembers the ids of the last few minutes."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._seen: dict[str, float] = {}

    def refusal(self, headers: Mapping[str, str] | Message, body: bytes, *, now_s: float) -> str:
        """Why a message is not taken; "" if it is, and then it is remembered."""
        delivery = headers.get("X-Smallhub-Delivery", "")
        timestamp = headers.get("X-Smallhub-Timestamp", "")
        signature = headers.get("X-Smallhub-Signature", "")
        message = f"{timestamp}.{delivery}.".encode() + body
        expected = "v1=" + hmac.new(self._secret, message, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return "The signature is wrong."
        if abs(now_s - int(timestamp)) > WINDOW_S:  # Signed, so it is a number of the hub's.
            return "The message is older than five minutes."
        self._seen = {key: at for key, at in self._seen.items() if now_s - at <= 2 * WINDOW_S}
        if delivery in self._seen:
            return "The message was taken already."
        self._seen[delivery] = now_s
        return ""


def main(port: int) -> None:
    inbox = Inbox(os.environ["SECRET"])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BYTES))
            reason = inbox.refusal(self.headers, body, now_s=time.time())
            if not reason:
                event = json.loads(body)
                sys.stdout.write(f"{event['event']} {event.get('repo', {}).get('name', '')}\n")
            # A message that was taken already is answered with 200 too: the hub need not try again.
            self.send_response(200 if not reason or "already" in reason else 403)
            self.end_headers()
            self.wfile.write(reason.encode())

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
