"""The wire: making, moving, settling, duplicating and counting repositories (E06 to E11)."""

import json

import pytest

from accounts.models import Role, Scope
from models_registry.manifests import listing_of
from models_registry.models import AuditEntry, Commit, Kind, Repository, RepositoryContent
from models_registry.services.commits import commit
from models_registry.services.refs import create_branch
from models_registry.services.repositories import create_repository, delete_repository
from models_registry.types import AddLarge
from tests.factories.accounts import OrganisationFactory, UserFactory, bearer, member
from tests.factories.content import put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    """A person whose token the client sends; `ada.send(method, address, body)`."""
    user = UserFactory(username="ada")
    headers = bearer(user)

    def send(method, address, body=None):
        return client.generic(method, address, body and json.dumps(body), "application/json", headers=headers)

    user.send = send
    return user


class TestCreate:
    def test_a_new_one_says_where_it_is(self, ada):
        answer = ada.send("POST", "/api/repos/create", {"name": "tiny", "organization": None})

        assert answer.status_code == 200
        assert answer.json() | {"id": ""} == {"url": "http://testserver/ada/tiny", "name": "ada/tiny", "id": ""}
        assert len(answer.json()["id"]) == 24

    def test_one_that_exists_is_told_with_its_address(self, ada):
        for kind, prefix in (("model", ""), ("dataset", "datasets/"), ("space", "spaces/")):
            body = {"name": "Tiny", "type": kind, "sdk": "static"}
            ada.send("POST", "/api/repos/create", body)
            answer = ada.send("POST", "/api/repos/create", body | {"name": "tiny", "organization": "ADA"})

            assert answer.status_code == 409
            assert answer.json()["url"] == f"http://testserver/{prefix}ada/Tiny"
            assert "You already created this" in answer.json()["error"]

    def test_a_name_that_leads_elsewhere_is_told_with_the_address_it_leads_to(self, ada):
        ada.send("POST", "/api/repos/create", {"name": "tiny"})
        ada.send("POST", "/api/repos/move", {"fromRepo": "ada/tiny", "toRepo": "ada/small"})

        answer = ada.send("POST", "/api/repos/create", {"name": "tiny"})

        assert answer.status_code == 409
        assert answer.json()["url"] == "http://testserver/ada/small"

    def test_the_first_commit(self, ada):
        ada.send("POST", "/api/repos/create", {"name": "tiny"})
        ada.send("POST", "/api/repos/create", {"name": "demo", "type": "space", "sdk": "gradio"})

        for row, files in (("tiny", {".gitattributes"}), ("demo", {".gitattributes", "README.md"})):
            made = Commit.objects.get(repository__name=row)
            assert made.title == "initial commit"
            assert set(listing_of(made).files) == files
        assert Repository.objects.get(name="demo").card == {"title": "demo", "sdk": "gradio"}

    @pytest.mark.parametrize("sdk", [None, "", "cobol", 7])
    def test_an_app_needs_something_to_run_on(self, ada, sdk):
        answer = ada.send("POST", "/api/repos/create", {"name": "demo", "type": "space", "sdk": sdk})

        assert answer.status_code == 400
        assert not Repository.objects.exists()

    @pytest.mark.parametrize(
        ("given", "private"),
        [
            ({}, False),
            ({"private": True}, True),
            ({"private": False}, False),
            ({"visibility": "private"}, True),
            ({"visibility": "public"}, False),
            ({"visibility": "protected"}, True),
        ],
    )
    def test_who_may_see_it_in_the_words_of_several_years(self, ada, given, private):
        answer = ada.send("POST", "/api/repos/create", {"name": "demo", "type": "space", "sdk": "docker"} | given)

        assert answer.status_code == 200
        assert Repository.objects.get().is_private == private

    def test_only_apps_are_protected(self, ada):
        assert ada.send("POST", "/api/repos/create", {"name": "x1", "visibility": "protected"}).status_code == 400

    def test_a_name_like_a_known_one_is_made_with_a_warning(self, ada):
        known = RepositoryFactory(user=UserFactory(username="kestrel"), name="pico-lm")
        Repository.objects.filter(pk=known.pk).update(downloads=101)
        UserFactory(username="kestre1")
        answer = ada.send("POST", "/api/repos/create", {"name": "pico-lm"})
        assert "X-Name-Warning" not in answer

        OrganisationFactory(name="kestral", owner=ada)
        answer = ada.send("POST", "/api/repos/create", {"name": "pico-lm", "organization": "kestral"})
        assert answer["X-Name-Warning"] == "kestral/pico-lm is easily taken for kestrel/pico-lm"


class TestMove:
    def test_renamed(self, ada):
        ada.send("POST", "/api/repos/create", {"name": "tiny", "type": "dataset"})
        answer = ada.send("POST", "/api/repos/move", {"fromRepo": "ada/tiny", "toRepo": "ada/tides", "type": "dataset"})

        assert answer.status_code == 200
        assert answer.json()["url"] == "http://testserver/datasets/ada/tides"

    def test_a_taken_name(self, ada):
        for name in ("tiny", "small"):
            ada.send("POST", "/api/repos/create", {"name": name})
        answer = ada.send("POST", "/api/repos/move", {"fromRepo": "ada/tiny", "toRepo": "ada/small", "type": "model"})

        assert answer.status_code == 409
        assert answer.json()["error"] == "A model repository called `ada/small` already exists"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"fromRepo": "ada/tiny", "toRepo": "tiny"}, 400),
            ({"fromRepo": "ada/tiny/x", "toRepo": "ada/small"}, 400),
            ({"fromRepo": "ada/tiny", "toRepo": "ada/a b"}, 400),
            ({"fromRepo": "ada/tiny", "toRepo": "ada/small", "type": "rocket"}, 400),
            ({"fromRepo": "ada/missing", "toRepo": "ada/small"}, 404),
            ({"fromRepo": "ada/tiny", "toRepo": "nobody/small"}, 403),
            ({"fromRepo": "eve/hers", "toRepo": "ada/hers"}, 403),
            ({"fromRepo": "eve/hidden", "toRepo": "ada/hidden"}, 404),
        ],
    )
    def test_refusals(self, ada, body, status):
        eve = UserFactory(username="eve")
        RepositoryFactory(user=eve, name="hers")
        RepositoryFactory(user=eve, name="hidden", private=True)
        RepositoryFactory(user=ada, name="tiny")

        assert ada.send("POST", "/api/repos/move", body).status_code == status

    def test_a_read_token_moves_nothing(self, client):
        tiny = RepositoryFactory()
        body = {"fromRepo": tiny.full_name, "toRepo": f"{tiny.namespace.name}/small"}

        answer = client.post("/api/repos/move", body, "application/json", headers=bearer(tiny.creator, Scope.READ))

        assert answer.status_code == 403

    def test_a_present_name_deletes_and_a_former_one_does_not(self, ada):
        ada.send("POST", "/api/repos/create", {"name": "tiny"})
        ada.send("POST", "/api/repos/move", {"fromRepo": "ada/tiny", "toRepo": "ada/small"})

        assert ada.send("DELETE", "/api/repos/delete", {"name": "tiny"}).status_code == 404
        assert ada.send("DELETE", "/api/repos/delete", {"name": "small"}).status_code == 200
        assert ada.send("GET", "/api/models/ada/tiny").status_code == 404

    @pytest.mark.parametrize(
        "address",
        [
            "/ada/tiny/resolve/refs%2Fheads%2Fmain/ada/tiny/a%20b%23c.txt?download=true&x=%2F",
            "/ada/tiny.git/info/lfs/locks",
            "/api/models/ada/tiny/tree/main/ada%2Ftiny?expand=true",
            "/ada/tiny/tree/main/gr%C3%BC%C3%9Fe",
            "/ADA/Tiny/raw/main/x",
        ],
    )
    def test_encoded_segments_and_folders_named_like_it_stay_as_they_are(self, ada, address, client):
        ada.send("POST", "/api/repos/create", {"name": "tiny"})
        ada.send("POST", "/api/repos/move", {"fromRepo": "ada/tiny", "toRepo": "ada/small"})

        from hub.core.rawpath import path_info

        path, _, query = address.partition("?")
        answer = client.generic("GET", "/", PATH_INFO=path_info(path), QUERY_STRING=query)

        assert answer.status_code == 307
        expected = address.replace("/ADA/Tiny", "/ada/tiny").replace("/ada/tiny", "/ada/small", 1)
        assert answer["Location"] == expected


class TestSettings:
    def put(self, ada, body, name="ada/tiny"):
        return ada.send("PUT", f"/api/models/{name}/settings", body)

    def test_all_of_them(self, ada):
        tiny = RepositoryFactory(user=ada, name="tiny")
        create_branch(repository=tiny, user=ada, name="dev")

        answer = self.put(
            ada,
            {
                "private": True,
                "gated": "manual",
                "discussionsDisabled": True,
                "description": "Small.",
                "defaultBranch": "dev",
            },
        )

        assert answer.json() == {
            "private": True,
            "visibility": "private",
            "gated": "manual",
            "discussionsDisabled": True,
            "description": "Small.",
            "defaultBranch": "dev",
        }
        assert Repository.objects.get().gated == "manual"
        assert self.put(ada, {"gated": False, "visibility": "public"}).json()["gated"] is False

    def test_what_is_not_given_stays(self, ada):
        RepositoryFactory(user=ada, name="tiny", private=True)

        assert self.put(ada, {"description": "x"}).json()["private"] is True
        assert self.put(ada, {}).status_code == 200
        assert AuditEntry.objects.filter(deed="settings").count() == 1

    @pytest.mark.parametrize(
        "body",
        [
            {"visibility": "secret"},
            {"visibility": "protected"},
            {"gated": "maybe"},
            {"gated": True},
            {"description": "x" * 301},
            {"description": 7},
            {"description": "a\x00"},
        ],
    )
    def test_refusals(self, ada, body):
        RepositoryFactory(user=ada, name="tiny")

        assert self.put(ada, body | {"private": True} if "visibility" not in body else body).status_code == 400
        assert not Repository.objects.get().is_private

    def test_a_branch_that_is_not_there_cannot_be_shown_first(self, ada):
        RepositoryFactory(user=ada, name="tiny")

        assert self.put(ada, {"defaultBranch": "nope", "private": True}).status_code == 404
        assert not Repository.objects.get().is_private

    def test_another_default_branch_brings_its_own_card_and_head(self, ada):
        tiny = RepositoryFactory(user=ada, name="tiny", draft=True)
        create_branch(repository=tiny, user=ada, name="dev")
        put(tiny, {"README.md": "---\nlicense: mit\n---\n# Main"})
        old = tiny.refs.get(name="refs/heads/dev").commit

        self.put(ada, {"defaultBranch": "dev"})
        row = Repository.objects.get()
        assert (row.head, row.licence) == (old, "")

        self.put(ada, {"defaultBranch": "main"})
        assert Repository.objects.get().licence == "mit"


class TestDuplicate:
    def source(self, **kwargs):
        made = RepositoryFactory(user=UserFactory(username="eve"), name="tiny", **kwargs)
        put(made, {"README.md": "# Tiny", "sub/a.txt": "a"})
        weights = put_plain(made, b"weights" * 1000)
        commit(
            repository=made,
            user=made.creator,
            branch="main",
            title="Weights",
            operations=[AddLarge("model.safetensors", weights.sha256)],
        )
        return Repository.objects.get(pk=made.pk)

    def test_the_same_tree_and_no_bytes(self, ada, client):
        source = self.source()

        answer = ada.send("POST", "/api/models/eve/tiny/duplicate", {"repository": "ada/copy"})

        assert answer.json() | {"name": ""} == {
            "url": "http://testserver/ada/copy",
            "name": "",
            "filesCopyPending": False,
        }
        made = Repository.objects.get(name="copy")
        theirs, ours = source.commits.get(oid=source.head), made.commits.get()
        assert (ours.tree, ours.parents) == (theirs.tree, [])
        assert ours.author == ada
        assert RepositoryContent.objects.filter(repository=made).count() == 1
        fetched = client.get("/ada/copy/resolve/main/model.safetensors")
        assert b"".join(fetched.streaming_content) == b"weights" * 1000
        assert client.get("/ada/copy/resolve/main/sub/a.txt").content == b"a"

    def test_it_outlives_its_source(self, ada, client):
        source = self.source()
        ada.send("POST", "/api/models/eve/tiny/duplicate", {"repository": "ada/copy"})
        delete_repository(repository=source, user=source.creator)

        fetched = client.get("/ada/copy/resolve/main/model.safetensors")
        assert b"".join(fetched.streaming_content) == b"weights" * 1000

    def test_a_taken_name_is_told_with_its_address(self, ada):
        self.source()
        RepositoryFactory(user=ada, name="copy")

        answer = ada.send("POST", "/api/models/eve/tiny/duplicate", {"repository": "ada/copy"})

        assert (answer.status_code, answer.json()["url"]) == (409, "http://testserver/ada/copy")

    def test_a_private_source_gives_private_copies(self, ada):
        harbour = OrganisationFactory(name="harbour")
        harbour.memberships.create(user=ada, role=Role.WRITE)
        create_repository(
            user=harbour.members.exclude(pk=ada.pk).get(),
            namespace="harbour",
            name="tiny",
            kind=Kind.MODEL,
            visibility="private",
        )

        open_copy = {"repository": "ada/open", "visibility": "public"}
        assert ada.send("POST", "/api/models/harbour/tiny/duplicate", open_copy).status_code == 403
        assert ada.send("POST", "/api/models/harbour/tiny/duplicate", {"repository": "ada/copy"}).status_code == 200
        assert Repository.objects.get(name="copy").is_private

    def test_a_gated_source_asks_first(self, ada):
        source = self.source()
        Repository.objects.filter(pk=source.pk).update(gated="manual")

        assert ada.send("POST", "/api/models/eve/tiny/duplicate", {"repository": "ada/copy"}).status_code == 403

    @pytest.mark.parametrize("target", [None, "copy", "a/b/c", 7, "/x", "ada/"])
    def test_bad_targets(self, ada, target):
        self.source()

        assert ada.send("POST", "/api/models/eve/tiny/duplicate", {"repository": target}).status_code == 400

    def test_what_is_held_back_stays_so(self, ada):
        source = self.source()
        source.commits.filter(oid=source.head).update(held={"sub/a.txt": "no"}, scan_verdict="quarantined")

        ada.send("POST", "/api/models/eve/tiny/duplicate", {"repository": "ada/copy"})

        assert Repository.objects.get(name="copy").commits.get().held == {"sub/a.txt": "no"}


class TestStorage:
    def test_ones_own(self, ada):
        put(RepositoryFactory(user=ada, name="tiny"), {"a": "x" * 1000})
        RepositoryFactory(user=ada, name="tides", dataset=True, private=True)
        RepositoryFactory()

        items = ada.send("GET", "/api/settings/repositories").json()

        assert {(item["id"], item["type"], item["visibility"]) for item in items} == {
            ("ada/tiny", "model", "public"),
            ("ada/tides", "dataset", "private"),
        }
        assert sum(item["storage"] for item in items) == sum(
            Repository.objects.filter(name__startswith="ti")
            .exclude(namespace__key__startswith="ada-")
            .values_list("size_bytes", flat=True)
        )
        assert sum(item["storagePercent"] for item in items) == pytest.approx(100, abs=0.1)

    def test_pages(self, ada, monkeypatch):
        from models_registry.api import administration

        monkeypatch.setattr(administration, "_PER_PAGE", 2)
        for number in range(5):
            RepositoryFactory(user=ada, name=f"tiny-{number}")

        seen, address = [], "/api/settings/repositories"
        while address:
            answer = ada.send("GET", address)
            seen += [item["id"] for item in answer.json()]
            link = answer.headers.get("Link", "")
            address = link[1 : link.index(">")].removeprefix("http://testserver") if link else ""

        assert seen == [f"ada/tiny-{number}" for number in (4, 3, 2, 1, 0)]

    def test_an_organisations_own(self, ada):
        harbour = OrganisationFactory(name="harbour")
        admin = harbour.members.get()
        create_repository(user=admin, namespace="harbour", name="tiny", kind=Kind.MODEL)

        assert ada.send("GET", "/api/organizations/harbour/settings/repositories").status_code == 404
        harbour.memberships.create(user=ada, role=Role.READ)
        assert len(ada.send("GET", "/api/organizations/harbour/settings/repositories").json()) == 1
        assert ada.send("GET", "/api/organizations/nobody/settings/repositories").status_code == 404
        assert member(harbour, Role.READ) != ada
