"""A real server for black-box clients: the product's own gunicorn on a free port, on the test's database."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    from tests.contracts.clients import Clients

ROOT = Path(__file__).resolve().parent.parent.parent


class Hub:
    """The product's web server on a free port. It can be killed outright and started again."""

    def __init__(self, *, data: Path, environment: dict[str, str]) -> None:
        self.data, self.environment = data, environment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data / "web.log"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "hub.wsgi:application", "-k", "gthread", "--workers", "1"]
        options = ["--threads", "8", "--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [*command, *options, "--limit-request-line", "8190"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # So that a kill reaches the server's workers as well.
            )
        self._wait()

    def kill(self) -> None:
        """As a power cut would: every process of the server at once, no goodbye."""
        assert self._server is not None
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def stop(self) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            self._server.wait(timeout=20)

    def _wait(self) -> None:
        assert self._server is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail(f"The server did not answer:\n{self.log.read_text()[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url() -> str:
    """The test database of this process, for a child process."""
    wanted = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{wanted['NAME']}"
    host, port = wanted["HOST"] or "127.0.0.1", wanted["PORT"] or "5432"
    secret = f"{wanted['USER']}:{wanted['PASSWORD']}" if wanted["PASSWORD"] else wanted["USER"]
    if str(host).startswith("/"):
        return f"postgresql://{secret}@/{wanted['NAME']}?host={host}&port={port}"
    return f"postgresql://{secret}@{host}:{port}/{wanted['NAME']}"


def environment_of(data: Path, blobs: str) -> dict[str, str]:
    """What the server's process is told."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
        "SMALLHUB_DATA": str(data),
        "SMALLHUB_BLOBS": blobs,
        "SMALLHUB_SECRET_KEY": settings.SECRET_KEY,
        "SMALLHUB_SEED": "0",
        "DATABASE_URL": database_url(),
    }


@pytest.fixture
def hub(transactional_db: None, own_data: Path) -> Iterator[Hub]:
    """A running hub; ends with the test."""
    running = Hub(data=own_data, environment=environment_of(own_data, settings.SMALLHUB_BLOBS))
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def clients(request: pytest.FixtureRequest, tmp_path: Path) -> "Clients":
    """Both lines of the public client; a hub is started for the first test of each subject and line alone."""
    from tests.contracts.clients import Clients

    return Clients(request, tmp_path)
