"""What LICENSE files, REUSE and weights say, read once a commit, beside what the card says."""

import json
import struct
from datetime import timedelta

import pytest
from django.utils import timezone

from models_registry import tasks
from models_registry.licence_files import text_of
from models_registry.licences import judge, licence_class
from models_registry.models import Commit, LicenceReading
from models_registry.services import lineage
from models_registry.services.licensing import files
from models_registry.services.licensing.of_files import of_commit, same
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
MIT = (text_of("MIT") or "").replace("<year>", "2024").replace("<copyright holders>", "Ada")
CARD = "---\nlicense: {}\n{}---\n# Tide\n"


def safetensors_file(**metadata):
    header = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    raw = json.dumps(({"__metadata__": metadata} if metadata else {}) | header).encode()
    return struct.pack("<Q", len(raw)) + raw + b"\0" * 4


def gguf_file(metadata):
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    keys = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in metadata.items())
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata)) + keys
    return head + b"\0" * (-len(head) % 32)


@pytest.fixture
def repository():
    return RepositoryFactory(name="tide", licence="")


def read(repository, **more):
    commit = put(repository, more)
    files.read_commit(commit=commit)
    repository.refresh_from_db()
    return of_commit(repository, commit)


@pytest.mark.parametrize(
    ("card", "text", "state"),
    [
        ("mit", MIT, "agrees"),
        ("MIT OR Apache-2.0", MIT, "agrees"),
        ("[mit, cc-by-4.0]", MIT, "agrees"),
        ("apache-2.0", MIT, "differs"),
        ("mit", MIT + "\nNobody may ever sell it to anybody.", "altered"),
        ("mit", "Ask the harbour master.", "unread"),
        ("gpl-3.0", text_of("GPL-3.0-only"), "agrees"),
        ("gpl-3.0-or-later", text_of("GPL-3.0-only"), "agrees"),
        ("gpl-3.0", text_of("LGPL-3.0-only"), "differs"),
        ("llama3.1", "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\n", "agrees"),
    ],
)
def test_a_licence_file_is_compared_with_the_card(repository, card, text, state):
    found = read(repository, **{"README.md": CARD.format(card, ""), "LICENSE": text})

    (finding,) = found.findings
    assert finding.state == state
    assert found.faulty == ((finding,) if state in ("differs", "altered") else ())
    if state == "differs":
        assert finding.licence
        assert finding.declared
    if state == "altered":
        assert any("nobody may ever sell" in passage for passage in finding.added)


def test_a_file_without_a_declaration_suggests_one(repository):
    found = read(repository, **{"LICENSE.md": MIT, "weights.txt": "1"})

    assert [each.state for each in found.findings] == ["undeclared"]
    assert found.suggested == "MIT"
    assert repository.is_draft


def test_a_licence_of_ones_own_is_compared_by_the_name_that_the_card_gives(repository):
    card = CARD.format("other", "license_name: harbour-1\nlicense_link: LICENSE\n")
    found = read(repository, **{"README.md": card, "LICENSE": "The harbour licence, version 1. Sail well."})

    assert found.declared == "harbour-1"
    assert found.faulty == ()


def test_files_have_licences_of_their_own_and_the_strictest_wins_for_the_whole(repository):
    reuse = '[[annotations]]\npath = "data/**"\nSPDX-License-Identifier = "CC-BY-SA-4.0"\n'
    found = read(
        repository,
        **{
            "README.md": CARD.format("apache-2.0", 'licenses:\n  "*.bin": cc-by-nc-4.0\n'),
            "REUSE.toml": reuse,
            "deep/model.bin": "1",
            "data/a.csv": "a",
            "notes.txt": "n",
            "notes.txt.license": "SPDX-License-Identifier: CC0-1.0\n",
            "vendored/LICENSE": MIT,
            "vendored/in/code.txt": "c",
            "config.json": "{}",
        },
    )

    def of(path):
        own = found.of(path)
        return (own.licence, own.source, own.where) if own else None

    assert of("deep/model.bin") == ("cc-by-nc-4.0", "card", "README.md")
    assert of("data/a.csv") == ("CC-BY-SA-4.0", "reuse", "REUSE.toml")
    assert of("notes.txt") == ("CC0-1.0", "beside", "notes.txt.license")
    assert of("vendored/in/code.txt") == ("MIT", "folder", "vendored/LICENSE")
    assert of("config.json") is None
    assert found.whole == "apache-2.0 AND CC-BY-SA-4.0 AND cc-by-nc-4.0 AND CC0-1.0 AND MIT"
    assert licence_class(found.declared) == "permissive"
    assert licence_class(found.whole) == "non-commercial"
    kinds = {(part.kind, part.licence) for part in found.parts(repository, repository.commits.get(oid=repository.head))}
    assert ("file", "cc-by-nc-4.0") in kinds


def test_weights_that_name_a_licence_are_heard(repository):
    found = read(
        repository,
        **{
            "README.md": CARD.format("mit", ""),
            "model.safetensors": safetensors_file(license="cc-by-nc-4.0", license_name="x"),
            "same.safetensors": safetensors_file(license="mit"),
            "quiet.safetensors": safetensors_file(),
            "model.gguf": gguf_file({"general.license": "apache-2.0"}),
        },
    )

    assert {(each.path, each.state, each.licence) for each in found.findings} == {
        ("model.safetensors", "differs", "cc-by-nc-4.0"),
        ("model.gguf", "differs", "apache-2.0"),
    }
    own = found.of("model.safetensors")
    assert own is not None
    assert (own.source, own.licence) == ("inside", "cc-by-nc-4.0")
    assert licence_class(found.whole) == "non-commercial"


def test_what_the_card_says_of_a_file_settles_it(repository):
    card = CARD.format("mit", 'licenses:\n  "model.safetensors": cc-by-nc-4.0\n')
    found = read(repository, **{"README.md": card, "model.safetensors": safetensors_file(license="cc-by-nc-4.0")})
    assert found.findings == ()
    assert found.whole == "mit AND cc-by-nc-4.0"


_BYTES = [b"", b"\xff" * 40, b"\x08" + b"\0" * 7 + b"[[[[[[[[", b"GGUF\x03\0\0\0"]


@pytest.mark.parametrize("raw", _BYTES)
def test_files_of_any_bytes_are_read_or_named_as_faulty(repository, raw):
    found = read(repository, **{"a.safetensors": raw, "b.gguf": raw, "LICENSE": raw, "REUSE.toml": raw, "c": "1"})

    assert found.is_read
    assert found.differing == ()
    assert found.faults


def test_a_commit_is_read_once_and_what_did_not_change_is_taken_over(repository, monkeypatch):
    first = put(repository, {"LICENSE": MIT, "a.txt": "1"})
    assert not of_commit(repository, first).is_read
    tasks.read_licence_files(first.pk)
    tasks.read_licence_files(first.pk)
    second = put(repository, {"a.txt": "2"})
    monkeypatch.setattr(files, "match_text", lambda raw: pytest.fail("Read again."))

    tasks.read_licence_files(second.pk)
    tasks.read_licence_files(0)

    assert LicenceReading.objects.count() == 2
    assert of_commit(repository, second).texts[0].licence == "MIT"


def test_a_commit_without_such_files_has_nothing_to_wait_for(repository):
    commit = put(repository, {"a.txt": "1"})
    assert of_commit(repository, commit).is_read


def test_heads_whose_job_was_lost_are_found(repository):
    commit = put(repository, {"LICENSE": MIT})
    at = timezone.now()
    assert files.read_missed(at=at) == 0  # Its job may still come.
    assert files.read_missed(at=at + timedelta(minutes=11)) == 1
    assert files.read_missed(at=at + timedelta(minutes=11)) == 0
    assert Commit.objects.get(pk=commit.pk).licence_reading.found[0]["licence"] == "MIT"


def test_the_push_asks_for_the_reading(repository, django_capture_on_commit_callbacks, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "dispatch_licence_reading", asked.append)
    with django_capture_on_commit_callbacks(execute=True):
        put(repository, {"a.txt": "1"})
    assert asked == []
    with django_capture_on_commit_callbacks(execute=True):
        commit = put(repository, {"LICENSE": MIT})
    assert asked == [commit.pk]


def test_the_number_of_queries_does_not_grow_with_files(repository, django_assert_max_num_queries):
    commit = put(repository, {f"d{n}/LICENSE": MIT for n in range(20)} | {f"d{n}/a.txt": "1" for n in range(20)})
    files.read_commit(commit=commit)
    repository.refresh_from_db()
    with django_assert_max_num_queries(3):
        assert len(of_commit(repository, commit).differing) == 20


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("MIT", "mit", True),
        ("GPL-3.0", "gpl-3.0-or-later", True),
        ("MIT", "MIT AND CC-BY-4.0", True),
        ("MIT OR Apache-2.0", "mit", True),
        ("MIT", "ISC", False),
        ("", "", False),
        ("mit", "", False),
    ],
)
def test_when_two_declarations_say_the_same(one, other, answer):
    assert same(one, other) is answer


def test_files_are_parts_of_the_lineage_and_bring_their_duties(repository):
    card = CARD.format("mit", 'licenses:\n  "*.bin": cc-by-nc-4.0\n')
    found = put(repository, {"README.md": card, "a.bin": "1"})
    files.read_commit(commit=found)
    repository.refresh_from_db()
    graph = lineage.graph(repository)

    assert graph.parts[graph.root].licence == "mit AND cc-by-nc-4.0"
    assert {(link.relation, link.parent, link.evidence) for link in graph.links} == {
        ("part_of", "file:a.bin", "declared")
    }
    assert judge(graph).conflicts == ()

    weights = safetensors_file(license="cc-by-nc-4.0")
    second = put(repository, {"README.md": CARD.format("mit", ""), "w.safetensors": weights})
    files.read_commit(commit=second)
    repository.refresh_from_db()
    graph = lineage.graph(repository)
    assert graph.parts[graph.root].licence == "mit"
    duties = {(each.kind, each.term): each.because for each in judge(graph).obligations}
    assert duties["must-not", "no-commercial-use"] == ("file:w.safetensors",)
    assert lineage.graph(repository, commit=found).parts[graph.root].licence == "mit AND cc-by-nc-4.0"
