"""Fixtures that every test may use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import object_server
from tests.requirements import program, require

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# How long an example takes says how busy the machine is, not whether the code is right. A developer's run looks for
# examples that nobody saw yet; in CI the same commit always gets the same ones.
hypothesis_settings.register_profile(
    "house", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("house")


# What asks a server for nothing is the same on every engine; of the rest these folders start processes of their own.
TOUCH_SERVERS = {"db", "transactional_db", "live_server", "object_store", "s3"}
START_SERVERS = ("tests/contracts/", "tests/deploy/", "tests/scripts/")
# Who may do what, and how a page looks, is decided above the engines; each query has tests of its own beside these.
ABOVE_SERVERS = (
    "tests/access/test_gates.py",
    "tests/access/test_matrix.py",
    "tests/access/test_old_names.py",
    "tests/pages/",
)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name bytes by how many they are: gzip writes the second into its header, and all workers must agree on names."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_sessionstart(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.config.get_verbosity() <= 0:
        session.config.pluginmanager.register(SaysAtOnce(reporter))


class SaysAtOnce:
    """Names a failed test when it has failed: a run that is ended before its summary would not have told."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self.reporter = reporter

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.reporter.write(f"\n{report.nodeid}: {report.when} failed after {report.duration:.0f} s\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With SMALLHUB_ONLY_SERVERS=1, leave out what another database, broker or object store does not change."""
    if os.environ.get("SMALLHUB_ONLY_SERVERS") != "1":
        return
    kept = [item for item in items if _touches_servers(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _touches_servers(item)])
    items[:] = kept


def _touches_servers(item: pytest.Item) -> bool:
    if item.nodeid.startswith(ABOVE_SERVERS):
        return False
    names = set(getattr(item, "fixturenames", ()))
    is_marked = item.get_closest_marker("django_db") is not None
    return is_marked or bool(names & TOUCH_SERVERS) or item.nodeid.startswith(START_SERVERS)


@pytest.fixture(autouse=True)
def own_data(settings: LazySettings, tmp_path: Path) -> Iterator[Path]:
    """Each test has its own folder for blobs, cache and jobs, so that none sees another's leftovers.

    Where SMALLHUB_BLOBS names an S3 server, each has a prefix of its own there instead.
    """
    data = tmp_path / "data"
    data.mkdir()
    settings.SMALLHUB_DATA = data
    if not object_server.is_the_store_of_this_run():
        settings.SMALLHUB_BLOBS = f"file://{data / 'blobs'}"
        yield data
        return
    settings.SMALLHUB_BLOBS = object_server.own_prefix()
    yield data
    object_server.empty(settings.SMALLHUB_BLOBS)


@pytest.fixture(autouse=True)
def no_kept_model() -> Iterator[None]:
    """A model that a test's worker kept loaded is let go with the test."""
    yield
    sessions = sys.modules.get("evaluation.services.sessions")
    if sessions is not None:
        sessions.let_go()


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """The address of a real S3 server: that of this run, or one started for these tests."""
    with object_server.running() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def messages() -> None:
    """Translations are compiled where they are missing, as `make install` does."""
    import importlib.machinery
    import importlib.util

    loader = importlib.machinery.SourceFileLoader("messages_script", str(ROOT / "scripts" / "messages"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    module.compile_all()


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    require("chromium")
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in this thread; rows are made here.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before
