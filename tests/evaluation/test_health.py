"""What keeps a machine from measuring is told with how to mend it."""

from pathlib import Path

from evaluation import health, sandbox
from tests.factories import clamd
from tests.requirements import require


def test_a_machine_that_has_everything_has_no_findings():
    require("torch", "transformers", "bubblewrap")

    assert health.findings() == []
    assert any("Landlock" in note for note in health.notes())


def test_a_machine_without_walls_is_told_why_and_what_to_do():
    nothing = sandbox.Probe((sandbox.Wall("plain", False, "no Landlock"),), None)

    (finding,) = health.wall_findings(nothing)

    assert "no Landlock" in finding
    assert "bubblewrap" in finding


def test_a_virus_scanner_that_is_asked_for_must_answer(settings, tmp_path: Path):
    settings.SMALLHUB_CLAMD = f"unix://{tmp_path / 'clamd'}"

    assert any("clamd" in finding for finding in health.findings())
    with clamd.running(tmp_path / "clamd"):
        assert not any("clamd" in finding for finding in health.findings())
