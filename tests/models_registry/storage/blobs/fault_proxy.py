"""A proxy before an S3 server that answers some requests with an error, or loses the answer after the work was done."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit


class FaultProxy:
    """Listens on loopback and passes requests on. Signatures hold: the Host header goes on as it came."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.failed = 0
        self._count = 0
        self._every = 0
        self._drop: dict[str, int] = {}
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                proxy.serve(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

            def log_message(self, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def fail_every(self, number: int) -> None:
        """Answer every n-th request with 503."""
        self._every = number

    def drop_answers_of(self, method: str, times: int) -> None:
        """Let the next requests of this method be served, and close the line instead of answering."""
        self._drop[method] = times

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self._lock:
            self._count += 1
            fails = bool(self._every) and self._count % self._every == 0
            drops = self._drop.get(request.command, 0) > 0
            if drops:
                self._drop[request.command] -= 1
            self.failed += fails or drops
        if fails:
            request.send_response(503)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        status, headers, answer = self._pass_on(request, body)
        if drops:
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "date", "server"}:
                request.send_header(name, value)
        if request.command != "HEAD" and "content-length" not in {name.lower() for name, _ in headers}:
            request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        link = http.client.HTTPConnection(self.target, timeout=30)
        link.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name.lower() not in {"connection", "expect"}:
                link.putheader(name, value)
        link.endheaders(body)
        answer = link.getresponse()
        try:
            return answer.status, answer.getheaders(), answer.read()
        finally:
            link.close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
