"""`manage.py up [--no-worker] [--port N]`: the whole hub in one foreground process tree."""

import os
import secrets
import signal
import socket
import sys
import time
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.core.supervisor import Service, Supervisor

START_SECONDS = 60.0


class Command(BaseCommand):
    help = "Migrate, then run web, worker and scheduler until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-worker", action="store_true", help="web only; workers run elsewhere")
        parser.add_argument("--no-web", action="store_true", help="worker and scheduler only")
        parser.add_argument("--port", type=int, default=None)
        parser.add_argument("--host", default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        host = options["host"] or settings.SMALLHUB_HOST
        port = options["port"] or settings.SMALLHUB_PORT
        if not options["no_web"]:
            _refuse_taken_port(host, port)
        settings.SMALLHUB_DATA.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("rebuild_standings", if_empty=True, verbosity=0)  # A hub from before there were any.
        call_command("scan_named", verbosity=0)  # One from before side branches were scanned.
        self._first_run()
        environment = os.environ | {
            "SMALLHUB_DATA": str(settings.SMALLHUB_DATA),
            "SMALLHUB_PORT": str(port),
            "SMALLHUB_HOST": host,
            "PYTHONUNBUFFERED": "1",
        }
        supervisor = Supervisor(logs=settings.SMALLHUB_DATA / "logs", environment=environment, say=self._say)
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, supervisor.request_stop)
        try:
            self._run(supervisor, host, port, options)
        finally:
            self._say("Stopping.")
            supervisor.stop()

    def _run(self, supervisor: Supervisor, host: str, port: int, options: dict[str, Any]) -> None:
        address = f"http://{host}:{port}"
        if not options["no_web"]:
            supervisor.start(Service("web", _gunicorn(host, port)))
        if not options["no_worker"]:
            for service in _background():
                supervisor.start(service)
        if not options["no_web"]:
            self._wait_for(supervisor, address)
            if settings.SMALLHUB_SEED and not options["no_worker"]:
                command = [sys.executable, "manage.py", "seed", "--endpoint", address]
                supervisor.start(Service("starter-catalogue", command, once=True, niceness=10))
        supervisor.watch()

    def _wait_for(self, supervisor: Supervisor, address: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not supervisor.stopping:
            if _answers(address):
                self._say(f"\n  Smallhub is at {settings.SMALLHUB_PUBLIC_URL or address}\n")
                self._say(f"  Data and logs: {settings.SMALLHUB_DATA}   Ctrl-C stops it.\n")
                return
            if time.monotonic() > deadline:
                raise CommandError(f"The web server did not start; see {settings.SMALLHUB_DATA / 'logs' / 'web.log'}")
            time.sleep(0.1)

    def _first_run(self) -> None:
        """Make the administrator once, and say where her password is kept."""
        from accounts import services
        from accounts.models import User

        if User.objects.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(9)
        services.create_user(username="administrator", password=password, is_admin=True)
        if not User.objects.filter(username="smallhub").exists():
            services.create_user(username="smallhub")  # Owns suite and starter models; nobody else may take the name.
        path = settings.SMALLHUB_DATA / "administrator-password"
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        self._say(f"\n  First run. Sign in as “administrator” with the password {password}")
        self._say(f"  (kept in {path}; change it in your settings, then delete the file)")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _gunicorn(host: str, port: int) -> list[str]:
    workers = os.environ.get("WEB_CONCURRENCY", "2")
    return [
        *(sys.executable, "-m", "gunicorn", "hub.wsgi:application"),
        *("--worker-class", "gthread", "--workers", workers, "--threads", "16"),
        *("--bind", f"{host}:{port}", "--keep-alive", "75", "--timeout", "120", "--graceful-timeout", "10"),
        *("--preload", "--limit-request-line", "8190", "--access-logfile", "/dev/null", "--no-control-socket"),
    ]


def _background() -> list[Service]:
    celery = [sys.executable, "-m", "celery", "-A", "hub", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
    measure = ["worker", "-Q", "measure", "-c", "1", "-n", "measure@%h", "--max-tasks-per-child", "50"]
    housekeeping = ["worker", "-Q", "housekeeping", "-c", "2", "-n", "housekeeping@%h"]
    webhooks = ["worker", "-Q", "webhooks", "-P", "threads", "-c", "8", "-n", "webhooks@%h"]  # Threads: it only waits.
    return [
        Service("worker", [*celery, *measure, *quiet]),
        Service("housekeeping", [*celery, *housekeeping, *quiet]),
        Service("webhooks", [*celery, *webhooks, *quiet]),
        Service("scheduler", [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""]),
    ]


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{host}:{port} is not free ({error.strerror}). Stop what runs there, or set SMALLHUB_PORT."
            ) from error


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:  # noqa: S310 - our own http address.
            return bool(answer.status == 200)
    except OSError:
        return False
