"""What the client's tests share: a hub of their own, an empty home, no variables from outside."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile(
    "house", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

# The suite runs with importlib mode from the project's root, where neighbouring files are no importable package.
_NAME = "smallhub_test_server"
if _NAME not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).with_name("hub_server.py"))
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    for name in ("SMALLHUB_ENDPOINT", "SMALLHUB_TOKEN", "SMALLHUB_CACHE", "SMALLHUB_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SMALLHUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def hub(monkeypatch):
    """A running hub that `smallhub` talks to, without a token."""
    from smallhub_test_server import running_hub

    with running_hub() as hub:
        monkeypatch.setenv("SMALLHUB_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def cache(tmp_path) -> Path:
    """The cache folder of this test."""
    return tmp_path / "cache"


@pytest.fixture
def token(monkeypatch) -> str:
    """A token that the hub knows, set in the environment."""
    from smallhub_test_server import TOKEN

    monkeypatch.setenv("SMALLHUB_TOKEN", TOKEN)
    return TOKEN


@pytest.fixture
def small_parts(monkeypatch) -> int:
    """Parts of 64 KiB, so that small test files have many."""
    import smallhub._transfer

    monkeypatch.setattr(smallhub._transfer, "PART_BYTES", 65536)
    return 65536
