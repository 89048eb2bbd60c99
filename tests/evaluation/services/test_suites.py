"""The suite that comes with the product becomes data sets and benchmarks, and does so once."""

import json
import shutil

import pytest

from accounts.models import User
from evaluation.models import Benchmark
from evaluation.services.suites import CORE_SUITE, publish_core_suite
from models_registry.manifests import listing_of
from models_registry.models import Kind, Repository

pytestmark = pytest.mark.django_db


@pytest.fixture
def suite(tmp_path):
    """A copy of two sets of the suite, to be changed at will."""
    for name in ("core-pairs-en", "core-text-en"):
        shutil.copytree(CORE_SUITE / name, tmp_path / "suite" / name)
    return tmp_path / "suite"


def test_every_set_of_the_core_suite_is_published_as_it_lies():
    reports = publish_core_suite()

    sets = {entry.name for entry in CORE_SUITE.iterdir() if (entry / "benchmark.json").is_file()}
    keys = {report.benchmark.key for report in reports}
    probes = {f"{name}-probe" for name in sets if "topic" in name or "sentiment" in name}
    assert keys == sets | probes | {f"{name}-pll" for name in sets if "pairs" in name}
    assert {row.repository.full_name for row in Benchmark.objects.active()} == {f"smallhub/{name}" for name in sets}
    for row in Benchmark.objects.active():
        files = listing_of(row.repository.commits.get(oid=row.commit)).files
        assert {file["path"]: file["sha256"] for file in row.definition["files"]}.items() <= {
            path: entry.sha256 for path, entry in files.items()
        }.items()
        assert "README.md" in files
    assert not User.objects.get(username="smallhub").has_usable_password()


def test_publishing_again_changes_nothing(suite):
    publish_core_suite(folder=suite)
    before = {row.pk: row.head for row in Repository.objects.filter(kind=Kind.DATASET)}

    reports = publish_core_suite(folder=suite)

    assert not any(report.data_changed or report.version_changed for report in reports)
    assert {row.pk: row.head for row in Repository.objects.filter(kind=Kind.DATASET)} == before


def test_a_changed_card_is_a_commit_but_no_new_version(suite):
    publish_core_suite(folder=suite)
    card = suite / "core-text-en" / "README.md"
    card.write_text(card.read_text() + "\nMore words.\n")

    changed = {report.benchmark.key: report for report in publish_core_suite(folder=suite)}

    assert changed["core-text-en"].data_changed
    assert not changed["core-text-en"].version_changed
    assert not changed["core-pairs-en"].data_changed


def test_a_changed_declaration_is_a_new_version(suite):
    publish_core_suite(folder=suite)
    path = suite / "core-text-en" / "benchmark.json"
    declared = json.loads(path.read_text())
    path.write_text(json.dumps(declared | {"title": "Another title"}))

    publish_core_suite(folder=suite)

    versions = Benchmark.objects.filter(key="core-text-en").order_by("version")
    assert [(row.version, row.is_active) for row in versions] == [
        (declared["version"], False),
        (declared["version"] + 1, True),
    ]
