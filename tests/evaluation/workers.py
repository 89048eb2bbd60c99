"""Real worker processes on the test's database, with a broker folder of their own that a test may wipe."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from kombu import Connection

from tests.contracts.conftest import database_url

ROOT = Path(__file__).resolve().parent.parent.parent
LEASE_S = 6


def _own_broker() -> str:
    """A broker that no other test process speaks to: the folder of the worker's data, or a Redis database by number."""
    parts = urlsplit(settings.CELERY_BROKER_URL)
    if not parts.scheme.startswith("redis"):
        return "filesystem://"
    number = 1 + int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", "0"))))
    return urlunsplit((parts.scheme, parts.netloc, f"/{number}", parts.query, ""))


class Worker:
    """One Celery worker with the scheduler inside, as an operator would start it. It can be killed outright."""

    def __init__(self, data: Path) -> None:
        self.data, self.log = data, data / "worker.log"
        self.broker = _own_broker()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Worker":
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": self.broker,
            "SMALLHUB_DATA": str(self.data),
            "SMALLHUB_BLOBS": settings.SMALLHUB_BLOBS,
            "SMALLHUB_LEASE_SECONDS": str(LEASE_S),
            "SMALLHUB_RUN_THREADS": "1",
            "SMALLHUB_SECRET_KEY": settings.SECRET_KEY,
        }
        command = [sys.executable, "-m", "celery", "-A", "hub", "worker", "-Q", "measure,housekeeping", "-c", "1", "-B"]
        options = ["-s", str(self.data / "beat"), "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def kill(self) -> None:
        """As a power cut would: the worker, its children and its scheduler at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wipe_broker(self) -> None:
        """Lose every message, as a broker without a disk does."""
        if self.broker.startswith("redis"):
            with Connection(self.broker) as link:
                link.default_channel.client.flushdb()
        for name in ("queue", "done", "control"):
            shutil.rmtree(self.data / "broker" / name, ignore_errors=True)
            (self.data / "broker" / name).mkdir(parents=True)

    def wait(self, until: Callable[[], bool], *, seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if until():
                return
            time.sleep(0.05)
        raise AssertionError(f"{what} did not happen within {seconds} s.\n{self.log.read_text()[-6000:]}")
