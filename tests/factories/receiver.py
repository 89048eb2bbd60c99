"""A real receiver of webhooks on loopback: it keeps what came and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """Attributes:
    status: what the next requests are answered with.
    taken: headers and bodies, in order.
    """

    port: int = 0
    status: int = 200
    words: bytes = b"thank you"
    taken: list[tuple[Message, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def allow(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.taken.append((self.headers, body))
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.words)))
            self.end_headers()
            self.wfile.write(found.words)

        def log_message(self, *args: object) -> None:
            """Silence: what came is looked at in `taken`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
