"""Fixtures that every test may use."""

from pathlib import Path

import pytest
from django.conf import LazySettings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def own_data(settings: LazySettings, tmp_path: Path) -> Path:
    """Each test has its own folder for blobs, cache and jobs, so that none sees another's leftovers."""
    data = tmp_path / "data"
    data.mkdir()
    settings.SMALLHUB_DATA = data
    settings.SMALLHUB_BLOBS = f"file://{data / 'blobs'}"
    return data


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
