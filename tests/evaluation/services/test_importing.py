"""Published sets come in only as their list says they are, and show no more than their licence allows."""

import hashlib
import json

import pytest
from django.core.management import CommandError, call_command

from evaluation.exceptions import ImportFault
from evaluation.models import Benchmark
from evaluation.services.benchmarks import definition_digest
from evaluation.services.datasets import publisher
from evaluation.services.importing import import_set, read_collection
from models_registry.manifests import listing_of
from models_registry.models import Kind, Repository
from tests.requirements import SHARED, require

pytestmark = pytest.mark.django_db


@pytest.fixture
def collection(tmp_path):
    """A collection of an open set, a closed one, and one of which nothing is said."""
    rows = []
    for path, body in {
        "open/data.txt": b"one\n",
        "closed/data.bin": b"\x00" * 9,
        "silent/data.txt": b"three\n",
    }.items():
        target = tmp_path / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(body)
        rows.append(
            {"file": path, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "repo": "someone/open"}
        )
    (tmp_path / "MANIFEST.json").write_text(json.dumps(rows))
    (tmp_path / "SOURCES.md").write_text(
        "# Sources\n\n## open\n\nClass A. CC0.\n\n## closed\n\nClass C. Nothing stated.\n"
    )
    return tmp_path


def test_a_set_becomes_a_data_set_with_a_card_that_keeps_its_licence(collection):
    report = import_set(source=read_collection(collection)["open"], user=publisher())

    repository = report.published.repository
    assert (repository.full_name, repository.visibility) == ("smallhub/open", "public")
    assert set(listing_of(report.published.commit).files) == {".gitattributes", "README.md", "data.txt"}
    assert "licence-class-a" in repository.tags
    assert report.benchmarks == []


@pytest.mark.parametrize("name", ["closed", "silent"])
def test_what_may_not_be_passed_on_is_private(collection, name):
    report = import_set(source=read_collection(collection)[name], user=publisher())

    assert report.published.repository.visibility == "private"


def test_importing_again_commits_nothing(collection):
    call_command("import_benchmarks", str(collection), verbosity=0)
    heads = {row.pk: row.head for row in Repository.objects.filter(kind=Kind.DATASET)}

    call_command("import_benchmarks", str(collection), verbosity=0)

    assert len(heads) == 3
    assert {row.pk: row.head for row in Repository.objects.filter(kind=Kind.DATASET)} == heads


def test_a_changed_file_is_refused_and_nothing_of_its_set_is_stored(collection):
    (collection / "open" / "data.txt").write_bytes(b"two\n")

    with pytest.raises(ImportFault, match=r"open/data\.txt"):
        import_set(source=read_collection(collection)["open"], user=publisher())

    assert not Repository.objects.exists()


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/passwd", "open/../../x", "open//x", "open/.git/config"])
def test_a_list_that_points_elsewhere_is_refused(collection, path):
    (collection / "MANIFEST.json").write_text(json.dumps([{"file": path, "bytes": 1, "sha256": "0" * 64}]))

    with pytest.raises(ImportFault):
        read_collection(collection)


@pytest.mark.parametrize("body", ["{", "{}", "[1]", '[{"file": "open/data.txt"}]'])
def test_a_broken_list_is_refused(collection, body):
    (collection / "MANIFEST.json").write_text(body)

    with pytest.raises(ImportFault):
        read_collection(collection)


def test_an_unknown_set_is_named_with_those_that_there_are(collection):
    with pytest.raises(CommandError, match="closed, open, silent"):
        call_command("import_benchmarks", str(collection), "--only", "nothing")


def test_the_bundled_sets_are_imported_with_their_benchmarks():
    require("benchmark data")

    call_command("import_benchmarks", str(SHARED / "benchmarks"), "--only", "copa", "sms_spam", "trec", verbosity=0)

    found = {row.key: row for row in Benchmark.objects.active()}
    assert set(found) == {"copa", "sms_spam", "trec", "trec-probe"}
    assert found["copa"].repository.visibility == "public"
    assert found["trec"].repository.visibility == "private"
    assert found["copa"].definition_sha256 == definition_digest(found["copa"].definition)
