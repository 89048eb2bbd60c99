"""One verdict at each door: a hostile name is refused and nothing is kept, an odd one comes back byte for byte."""

import hashlib
import json
import os
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from smallhub._names import check_path

from accounts.models import User
from hub.core.exceptions import HubError
from hub.core.rawpath import path_info
from models_registry.manifests import listing_of
from models_registry.models import Blob, Commit, Kind, Repository
from models_registry.paths import path_fault
from models_registry.services import imports
from models_registry.services.imports.exceptions import ImportIncomplete
from tests.factories.accounts import UserFactory, token
from tests.factories.content import put_plain
from tests.factories.registry import RepositoryFactory, put
from tests.hostile.doors import LARGE, WRITING, Place, history, push, write
from tests.hostile.names import ALLOWED, BAD_REFS, CLIMBS, COLLISIONS, REFUSED

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(tmp_path: Path) -> Place:
    ada: User = UserFactory(username="ada")
    repository = RepositoryFactory(user=ada, name="tiny", draft=True)
    files: dict[str, bytes | str] = {
        "seed.txt": b"seed",
        "sub/deep.txt": b"deep",
        ".gitattributes": b"*.bin filter=lfs\n",
    }
    put(repository, files)
    put_plain(repository, LARGE)
    made = Place(repository, ada, token(ada), tmp_path)
    made.before = state(repository)
    made.files = {path: bytes(body) for path, body in files.items() if isinstance(body, bytes)}
    return made


def state(repository: Repository) -> tuple[Any, ...]:
    """All that a refused name must leave as it was."""
    return (
        set(repository.refs.values_list("name", "target")),
        set(repository.git_objects.values_list("oid", flat=True)),
        set(repository.commits.values_list("oid", flat=True)),
        set(repository.content_links.values_list("content", "path")),
        repository.discussions.count(),
        Blob.objects.count(),
    )


def held(repository: Repository) -> set[str]:
    """The paths of all commits that any ref leads to."""
    oids = repository.refs.values("commit")
    return {
        path for row in Commit.objects.filter(repository=repository, oid__in=oids) for path in listing_of(row).files
    }


class Undone(Exception):
    """Takes back what a door did."""


def tried(place: Place, door: str, path: str) -> tuple[int, bool, bool]:
    """Status of the door, whether anything changed, and whether a ref leads to the path now. Then all is undone."""
    shutil.rmtree(place.folder / "source", ignore_errors=True)
    found = (0, False, False)
    try:
        with transaction.atomic():
            status = WRITING[door](place, path)
            is_changed = state(place.repository) != place.before
            found = status, is_changed, is_changed and path in held(place.repository)
            raise Undone
    except Undone:
        return found


def test_the_corpus_is_large_enough_and_says_what_it_means() -> None:
    assert len(set(REFUSED)) == len(REFUSED) > 100
    assert [path for path in REFUSED if path_fault(path) is None] == []
    assert [path for path in ALLOWED if path_fault(path)] == []


@pytest.mark.parametrize("door", WRITING)
def test_a_hostile_name_is_refused_and_leaves_nothing(place: Place, door: str) -> None:
    wrong = []
    for path in REFUSED:
        status, is_changed, is_held = tried(place, door, path)
        if not (400 <= status < 500) or is_changed or is_held:
            wrong.append(f"{path!r}: {status}{', stored' if is_changed else ''}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("door", WRITING)
def test_an_odd_name_is_taken_as_it_is(place: Place, door: str) -> None:
    wrong = []
    for path in ALLOWED:
        status, is_changed, is_held = tried(place, door, path)
        if status >= 400 or not is_changed or not is_held:
            wrong.append(f"{path!r}: {status}, held: {is_held}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("key", ["deletedFile", "deletedFolder"])
def test_what_cannot_be_a_path_cannot_be_deleted_either(place: Place, key: str) -> None:
    before = state(place.repository)
    wrong = {}
    for path in REFUSED:
        status = place.commit((key, {"path": path}))
        if status not in {400, 404, 422}:
            wrong[path] = status
    assert not wrong
    assert state(place.repository) == before


@pytest.mark.parametrize("door", [door for door in WRITING if door not in {"git push", "import of a folder"}])
def test_names_that_some_system_takes_for_one_do_not_meet(place: Place, door: str) -> None:
    wrong = []
    for there, other in COLLISIONS:
        put(place.repository, {there: "there"})
        if door == "pull request":  # Its ref was made before.
            assert WRITING[door](place, there) == 200
        place.before = state(place.repository)
        status, is_changed, is_held = tried(place, door, other)
        if not (400 <= status < 500) or is_changed or is_held:
            wrong.append(f"{other!r} beside {there!r}: {status}")
        place.commit(("deletedFile", {"path": there}))
        place.commit(("deletedFile", {"path": there}), to=f"refs%2Fpr%2F{place.pull_request}")
    assert not wrong, "\n".join(wrong)


def test_names_that_some_system_takes_for_one_do_not_come_together(place: Place) -> None:
    """By a push both may be new, and by an import as well."""
    wrong = []
    for there, other in COLLISIONS:
        if push(place, history(there, other), "refs/heads/pushed") != 422 or state(place.repository) != place.before:
            wrong.append(f"push of {other!r} beside {there!r}")
        source = place.folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        try:
            for path in (*place.files, there, other):
                write(os.fsencode(source), path.encode(), place.files.get(path, b"x"))
        except OSError:
            continue  # A file where a folder is: no disk holds both.
        with pytest.raises(HubError):
            imports.import_folder(repository=place.repository, user=place.user, folder=source)
        assert state(place.repository) == place.before
    assert not wrong, "\n".join(wrong)


def test_a_git_repository_with_a_hostile_name_is_not_imported(place: Place) -> None:
    """Those of every kind; each import asks git several times, so not all."""
    wrong = []
    for number, path in enumerate(REFUSED[::6]):
        origin = bare(place.folder / f"origin-{number}", history(path))
        record = imports.begin_import(
            user=place.user, namespace="ada", name=f"copy-{number}", kind=Kind.MODEL, origin=str(origin)
        )
        try:
            imports.run_import(record)
            wrong.append(repr(path))
        except ImportIncomplete as error:
            str(error).encode()
        if record.repository.commits.count() > 1 or record.repository.head:
            assert path not in held(record.repository)
    assert not wrong, "\n".join(wrong)


def bare(folder: Path, made: tuple[str, list[tuple[int, bytes]]]) -> Path:
    """A Git repository of exactly these objects, whatever git itself would say of them."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    head, objects = made
    for kind, body in objects:
        raw = b"%s %d\0%s" % ({1: b"commit", 2: b"tree", 3: b"blob"}[kind], len(body), body)
        oid = hashlib.sha1(raw).hexdigest()
        place = folder / "objects" / oid[:2] / oid[2:]
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(raw))
    (folder / "refs" / "heads" / "main").write_text(head + "\n")
    return folder


def test_odd_names_come_back_byte_for_byte(place: Place) -> None:
    put(place.repository, {path: path.encode() for path in ALLOWED})
    name = place.repository.full_name
    listed = {row["path"] for row in get(place, f"/api/models/{name}/tree/main?recursive=true").json()}
    assert set(ALLOWED) <= listed
    for path in ALLOWED:
        whole = quote(path, safe="")
        for address in (
            f"/{name}/resolve/main/{quote(path)}",
            f"/{name}/resolve/main/{whole}",
            f"/{name}/raw/main/{whole}",
        ):
            answer = get(place, address)
            assert b"".join(answer.streaming_content) if answer.streaming else answer.content == path.encode(), path
        asked = place.post(f"/api/models/{name}/paths-info/main", json.dumps({"paths": [path]}))
        assert [row["path"] for row in asked.json()] == [path]
        assert check_path(path) == path  # Our client takes what the hub gives.


def get(place: Place, address: str) -> Any:
    path, _, query = address.partition("?")
    return place.browser.get("/", PATH_INFO=path_info(path), QUERY_STRING=query, headers=place.headers)


READING = (
    "resolve/main/{}", "raw/main/{}", "blob/main/{}", "tree/main/{}", "commits/main/{}", "edit/main/{}", "move/main/{}",
    "delete/main/{}", "resolve/{}", "tree/{}", "commit/{}", "compare/{}", "discussions/{}", "releases/{}",
)  # fmt: skip
WIRE = ("tree/main/{}", "revision/{}", "tree/{}", "commits/{}", "compare/{}", "safetensors-metadata/{}", "refs/{}")


@pytest.mark.parametrize("climb", CLIMBS)
def test_no_spelling_of_a_climb_leads_anywhere(place: Place, climb: str) -> None:
    name = place.repository.full_name
    wrong = []
    for base, templates in ((f"/{name}", READING), (f"/api/models/{name}", WIRE)):
        for template in templates:
            for target in (
                "sub/" + climb.format("seed.txt"),
                climb.format("etc/passwd"),
                climb.format(climb.format("x")),
            ):
                status = get(place, f"{base}/{template.format(target)}").status_code
                if status not in {400, 404, 405}:
                    wrong.append(f"{template.format(target)}: {status}")
    assert not wrong, "\n".join(wrong)


def test_questions_about_hostile_names_find_nothing(place: Place) -> None:
    name = place.repository.full_name
    wrong = []
    for path in REFUSED:
        sent = json.dumps({"paths": [path]})
        answer = place.post(f"/api/models/{name}/paths-info/main", sent)
        if not (answer.status_code == 200 and answer.json() == []) and answer.status_code not in {400, 422}:
            wrong.append(f"paths-info {path!r}: {answer.status_code}")
        answer = place.post(f"/api/models/{name}/preupload/main", json.dumps({"files": [{"path": path, "size": 1}]}))
        # A pulled folder holds our client's notes: who uploads it is told to leave them out, and can go on.
        leaves_out = answer.status_code == 200 and answer.json()["files"][0]["shouldIgnore"]
        if answer.status_code not in {400, 422} and not (leaves_out and path.startswith(".smallhub/")):
            wrong.append(f"preupload {path!r}: {answer.status_code}")
        shown = quote(path.encode("utf-8", "surrogatepass"))
        for address in (
            f"/{name}/resolve/main/{shown}",
            f"/{name}/blob/main/{shown}",
            f"/api/models/{name}/tree/main/{shown}",
        ):
            status = get(place, address).status_code
            if status not in {400, 404} and path.strip("/"):
                wrong.append(f"{address}: {status}")
    assert not wrong, "\n".join(wrong)
    assert state(place.repository) == place.before


@pytest.mark.parametrize("name", BAD_REFS)
def test_a_bad_name_of_a_branch_or_tag_is_refused_at_each_door(place: Place, name: str) -> None:
    repository, shown = place.repository, quote(name, safe="")
    base = f"/api/models/{repository.full_name}"
    head = repository.refs.get(name="refs/heads/main").target
    found = {
        "branch": place.post(f"{base}/branch/{shown}", "{}").status_code,
        "tag": place.post(f"{base}/tag/main", json.dumps({"tag": name})).status_code,
        "annotated tag": place.post(f"{base}/tag/main", json.dumps({"tag": name, "message": "m"})).status_code,
        "branch page": place.form("refs", action="create_branch", name=name),
        "tag page": place.form("refs", action="create_tag", name=name, start="main"),
        "pushed branch": push(place, (head, []), f"refs/heads/{name}"),
        "pushed tag": push(place, (head, []), f"refs/tags/{name}"),
        "starting point": place.post(f"{base}/branch/new", json.dumps({"startingPoint": name})).status_code,
        "commit": place.commit(("file", {"path": "x", "content": "", "encoding": "base64"}), to=shown),
    }
    assert {door: status for door, status in found.items() if not 400 <= status < 500} == {}
    assert state(repository) == place.before


def test_the_notes_of_a_pulled_folder_are_left_out_and_the_rest_goes_up(place: Place) -> None:
    files = [{"path": path, "size": 1} for path in (".smallhub/manifest.json", "config.json")]
    answer = place.post(f"/api/models/{place.repository.full_name}/preupload/main", json.dumps({"files": files}))

    assert answer.status_code == 200
    assert [file["shouldIgnore"] for file in answer.json()["files"]] == [True, False]
