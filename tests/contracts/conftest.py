"""A real server for black-box clients: the product's own gunicorn on a free port, on the test's database."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Hub:
    """A running hub."""

    url: str
    data: Path
    pid: int
    environment: dict[str, str]


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


@pytest.fixture
def hub(transactional_db: None, own_data: Path) -> Iterator[Hub]:
    """The web server in a process of its own; ends with the test."""
    port = free_port()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
        "SMALLHUB_DATA": str(own_data),
        "SMALLHUB_BLOBS": settings.SMALLHUB_BLOBS,
        "SMALLHUB_SECRET_KEY": settings.SECRET_KEY,
        "SMALLHUB_SEED": "0",
        "DATABASE_URL": database_url(),
    }
    command = [sys.executable, "-m", "gunicorn", "hub.wsgi:application", "-k", "gthread", "--workers", "1"]
    options = ["--threads", "8", "--bind", f"127.0.0.1:{port}", "--no-control-socket", "--limit-request-line", "8190"]
    log = (own_data / "web.log").open("wb")
    server = subprocess.Popen(command + options, cwd=ROOT, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, server, own_data / "web.log")
        yield Hub(url=url, data=own_data, pid=server.pid, environment=environment)
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"The server ended:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The server did not answer:\n{log.read_text()[-3000:]}")
