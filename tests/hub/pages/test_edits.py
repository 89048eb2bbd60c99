"""Files made, edited, renamed and deleted by forms alone, as commits and as pull requests."""

import pytest

from accounts.models import Role
from models_registry.manifests import listing_of
from models_registry.models import Discussion, Repository
from models_registry.services.commits import commit
from models_registry.services.heads import read_small_file
from models_registry.services.refs import create_branch, create_tag
from models_registry.types import AddLarge, DeleteFile
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.content import put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiny(client):
    ada = UserFactory(username="ada")
    made = RepositoryFactory(user=ada, name="tiny")
    put(made, {"README.md": "# Tiny\n", "sub/a.txt": "one\ntwo\n", "sub/b.txt": "b", "win.txt": "\ufeffa\r\nb\r\n"})
    made.refresh_from_db()
    client.force_login(ada)
    return made


def files(repository, ref="refs/heads/main"):
    """Path to text at a ref."""
    found = repository.commits.get(oid=repository.refs.get(name=ref).commit)
    listing = listing_of(found)
    return {
        path: (read_small_file(repository, listing, path, limit=10_000) or b"").decode()
        for path in listing.files
        if path != ".gitattributes"
    }


def change(repository, **fields):
    return {"head": repository.head, "title": "", "description": "", "way": "commit"} | fields


def newest(repository):
    return repository.commits.order_by("-pk")[0]


class TestNew:
    def test_a_file_in_a_folder(self, client, tiny):
        assert 'value="sub/"' in client.get("/ada/tiny/new/main/sub").content.decode()

        answer = client.post("/ada/tiny/new/main/sub", change(tiny, path="sub/c.txt", content="c\r\nd\r\n"))

        assert answer.url == "/ada/tiny/blob/main/sub/c.txt"
        assert files(tiny)["sub/c.txt"] == "c\nd\n"
        assert newest(tiny).title == "Add sub/c.txt"

    def test_title_and_reason_are_the_commits(self, client, tiny):
        client.post("/ada/tiny/new/main", change(tiny, path="c", content="", title=" Say  so ", description="Why\nnot"))

        made = newest(tiny)
        assert (made.title, made.message.replace("\r\n", "\n")) == ("Say so", "Why\nnot")

    @pytest.mark.parametrize(
        "path", ["", "../x", ".git/config", "a//b", "README.md", "readme.MD", "con", "sub/a.txt/x"]
    )
    def test_bad_and_taken_paths_are_refused_at_the_field(self, client, tiny, path):
        answer = client.post("/ada/tiny/new/main", change(tiny, path=path, content="x"))

        assert answer.status_code == 400
        assert 'id="id_path_error"' in answer.content.decode()
        assert newest(tiny).oid == tiny.head

    def test_a_card_that_cannot_be_read_is_refused_with_the_reason(self, client, tiny):
        answer = client.post(
            "/ada/tiny/edit/main/README.md", change(tiny, path="README.md", content="---\nlicense: [\n---\n")
        )

        assert answer.status_code == 400
        assert "front matter is not valid" in answer.content.decode()


class TestEdit:
    def test_the_text_is_there_to_be_changed(self, client, tiny, django_assert_max_num_queries):
        with django_assert_max_num_queries(16):
            html = client.get("/ada/tiny/edit/main/sub/a.txt").content.decode()

        assert "one\ntwo\n</textarea>" in html

        client.post("/ada/tiny/edit/main/sub/a.txt", change(tiny, path="sub/a.txt", content="one\r\n2\r\n"))
        assert files(tiny)["sub/a.txt"] == "one\n2\n"

    def test_ends_of_lines_and_the_mark_of_byte_order_stay(self, client, tiny):
        client.post("/ada/tiny/edit/main/win.txt", change(tiny, path="win.txt", content="a\r\nc\r\n"))

        assert files(tiny)["win.txt"] == "\ufeffa\r\nc\r\n"

    def test_another_path_renames_it(self, client, tiny):
        client.post("/ada/tiny/edit/main/sub/a.txt", change(tiny, path="a.md", content="new"))

        assert files(tiny)["a.md"] == "new"
        assert "sub/a.txt" not in files(tiny)
        taken = client.post("/ada/tiny/edit/main/a.md", change(tiny, path="README.md", content="x"))
        assert taken.status_code == 400

    def test_what_others_changed_elsewhere_is_no_conflict(self, client, tiny):
        seen = change(tiny, path="sub/a.txt", content="mine")
        put(tiny, {"sub/b.txt": "other"})

        answer = client.post("/ada/tiny/edit/main/sub/a.txt", seen)

        assert answer.status_code == 302
        assert (files(tiny)["sub/a.txt"], files(tiny)["sub/b.txt"]) == ("mine", "other")

    def test_a_conflict_shows_both_and_saving_again_puts_hers_on_top(self, client, tiny):
        seen = change(tiny, path="sub/a.txt", content="mine")
        put(tiny, {"sub/a.txt": "theirs <b>"})

        answer = client.post("/ada/tiny/edit/main/sub/a.txt", seen)
        html = answer.content.decode()
        assert answer.status_code == 409
        assert "theirs &lt;b&gt;</pre>" in html
        assert "mine</textarea>" in html
        assert files(tiny)["sub/a.txt"] == "theirs <b>"

        head = Repository.objects.get().head
        assert f'value="{head}"' in html
        client.post("/ada/tiny/edit/main/sub/a.txt", change(tiny, path="sub/a.txt", content="mine", head=head))
        assert files(tiny)["sub/a.txt"] == "mine"

    def test_a_file_deleted_meanwhile_does_not_swallow_what_was_written(self, client, tiny):
        seen = change(tiny, path="sub/a.txt", content="mine")
        commit(repository=tiny, user=tiny.creator, branch="main", title="Away", operations=[DeleteFile("sub/a.txt")])

        answer = client.post("/ada/tiny/edit/main/sub/a.txt", seen)
        assert answer.status_code == 409
        assert "It is deleted." in answer.content.decode()

        head = Repository.objects.get().head
        client.post("/ada/tiny/edit/main/sub/a.txt", change(tiny, path="sub/a.txt", content="mine", head=head))
        assert files(tiny)["sub/a.txt"] == "mine"

    @pytest.mark.parametrize("head", ["", "x", "0" * 40, "main", "a" * 5000])
    def test_an_odd_head_never_overwrites(self, client, tiny, head):
        answer = client.post("/ada/tiny/edit/main/sub/a.txt", change(tiny, path="sub/a.txt", content="x", head=head))

        assert answer.status_code in {302, 400, 409}

    def test_what_is_no_text_or_missing_is_not_edited(self, client, tiny):
        weights = put_plain(tiny, b"w" * 5000)
        commit(
            repository=tiny,
            user=tiny.creator,
            branch="main",
            title="W",
            operations=[AddLarge("w.bin", weights.sha256)],
        )
        put(tiny, {"odd.txt": b"\xff\xfe\xff"})

        for path, status in (("w.bin", 400), ("odd.txt", 400), ("nope", 404), ("sub", 404)):
            assert client.get(f"/ada/tiny/edit/main/{path}").status_code == status

    def test_only_branches_are_edited(self, client, tiny):
        create_tag(repository=tiny, user=tiny.creator, name="v1", revision="main")

        assert client.get("/ada/tiny/edit/v1/README.md").status_code == 403
        assert client.get(f"/ada/tiny/edit/{tiny.head}/README.md").status_code == 403
        assert "/edit/" not in client.get("/ada/tiny/blob/v1/README.md").content.decode()


class TestMoveAndDelete:
    def test_a_file(self, client, tiny):
        answer = client.post("/ada/tiny/move/main/sub/a.txt", change(tiny, to="top.txt"))

        assert answer.url == "/ada/tiny/blob/main/top.txt"
        assert files(tiny)["top.txt"] == "one\ntwo\n"
        assert newest(tiny).title == "Rename sub/a.txt to top.txt"

    @pytest.mark.parametrize("to", ["other", "sub/sub", "deep/er"])
    def test_a_folder_even_into_itself(self, client, tiny, to):
        answer = client.post("/ada/tiny/move/main/sub", change(tiny, to=to))

        assert answer.url == f"/ada/tiny/tree/main/{to}"
        assert {path for path in files(tiny) if "." in path.rpartition("/")[2]} == {
            "README.md",
            "win.txt",
            f"{to}/a.txt",
            f"{to}/b.txt",
        }

    @pytest.mark.parametrize("to", ["README.md", "sub/a.txt", "sub/b.txt", "../x", "", "readme.md"])
    def test_taken_and_bad_paths(self, client, tiny, to):
        assert client.post("/ada/tiny/move/main/sub/a.txt", change(tiny, to=to)).status_code == 400
        assert newest(tiny).oid == tiny.head

    def test_a_large_file_is_renamed_by_its_pointer(self, client, tiny):
        weights = put_plain(tiny, b"w" * 5000)
        made = commit(
            repository=tiny,
            user=tiny.creator,
            branch="main",
            title="W",
            operations=[AddLarge("w.bin", weights.sha256)],
        )

        client.post("/ada/tiny/move/main/w.bin", change(tiny, to="v.bin", head=made.oid))

        assert listing_of(newest(tiny)).files["v.bin"].sha256 == weights.sha256

    def test_deleting_a_file_leads_to_what_is_left_of_its_folder(self, client, tiny):
        assert client.post("/ada/tiny/delete/main/sub/a.txt", change(tiny)).url == "/ada/tiny/tree/main/sub"
        tiny.refresh_from_db()
        assert client.post("/ada/tiny/delete/main/sub", change(tiny)).url == "/ada/tiny/tree/main"
        assert set(files(tiny)) == {"README.md", "win.txt"}

    def test_what_was_changed_meanwhile_is_not_deleted(self, client, tiny):
        seen = change(tiny)
        put(tiny, {"sub/a.txt": "new"})

        answer = client.post("/ada/tiny/delete/main/sub/a.txt", seen)

        assert answer.status_code == 400
        assert "Somebody has changed it meanwhile" in answer.content.decode()
        assert files(tiny)["sub/a.txt"] == "new"

    def test_missing_paths(self, client, tiny):
        for page in ("move", "delete"):
            assert client.get(f"/ada/tiny/{page}/main/nope").status_code == 404


class TestProposing:
    def test_a_reader_proposes_and_commits_nothing(self, client, tiny):
        bob = UserFactory(username="bob")
        client.force_login(bob)
        html = client.get("/ada/tiny/edit/main/sub/a.txt").content.decode()
        assert "Open a pull request" in html
        assert "Commit to main" not in html
        assert (
            client.post(
                "/ada/tiny/edit/main/sub/a.txt", change(tiny, path="sub/a.txt", content="x", way="commit")
            ).status_code
            == 400
        )

        answer = client.post(
            "/ada/tiny/edit/main/sub/a.txt", change(tiny, path="sub/a.txt", content="better", way="propose")
        )

        opened = Discussion.objects.get()
        assert answer.url == f"/ada/tiny/discussions/{opened.number}"
        assert (opened.author, opened.title) == (bob, "Update sub/a.txt")
        assert files(tiny)["sub/a.txt"] == "one\ntwo\n"
        assert files(tiny, opened.ref)["sub/a.txt"] == "better"

    def test_its_author_goes_on_committing_to_it(self, client, tiny):
        bob = UserFactory(username="bob")
        client.force_login(bob)
        client.post("/ada/tiny/new/main", change(tiny, path="c.txt", content="c", way="propose"))
        opened = Discussion.objects.get()
        head = tiny.refs.get(name=opened.ref).commit
        at = f"refs%2Fpr%2F{opened.number}"

        answer = client.generic(
            "POST",
            "/",
            f"path=c.txt&content=d&head={head}&way=commit",
            "application/x-www-form-urlencoded",
            PATH_INFO=f"/ada/tiny/edit/refs\x1fpr\x1f{opened.number}/c.txt",
        )

        assert answer.status_code == 302, answer.content[:300]
        assert answer.url == f"/ada/tiny/blob/{at}/c.txt"
        assert files(tiny, opened.ref)["c.txt"] == "d"

    def test_writers_may_choose(self, client, tiny):
        client.post("/ada/tiny/delete/main/sub/a.txt", change(tiny, way="propose"))

        opened = Discussion.objects.get()
        assert "sub/a.txt" in files(tiny)
        assert "sub/a.txt" not in files(tiny, opened.ref)

    def test_where_discussions_are_closed_nobody_proposes(self, client, tiny):
        Repository.objects.update(discussions_disabled=True)
        client.force_login(UserFactory())

        assert client.get("/ada/tiny/edit/main/sub/a.txt").status_code == 403
        assert "/edit/main/" not in client.get("/ada/tiny/blob/main/sub/a.txt").content.decode()

    def test_for_another_branch(self, client, tiny):
        create_branch(repository=tiny, user=tiny.creator, name="dev")
        client.force_login(UserFactory())

        client.post("/ada/tiny/new/dev", change(tiny, path="c.txt", content="c", way="propose"))

        assert Discussion.objects.get().base == "refs/heads/dev"

    def test_strangers_are_asked_to_sign_in(self, client, tiny):
        client.logout()
        assert "/login" in client.get("/ada/tiny/edit/main/sub/a.txt").url

    def test_members_who_read_propose_in_a_private_one(self, client):
        harbour = OrganisationFactory(name="harbour")
        made = RepositoryFactory(user=harbour.members.get(), namespace="harbour", name="tiny", private=True)
        client.force_login(member(harbour, Role.READ))
        assert (
            client.post("/harbour/tiny/new/main", change(made, path="c", content="", way="propose")).status_code == 302
        )
        client.force_login(UserFactory())
        assert client.get("/harbour/tiny/new/main").status_code == 404


class TestPreviewFindAndHistory:
    def test_markdown_is_shown_without_its_front_matter_and_harmless(self, client, tiny):
        text = "---\nlicense: mit\n---\n# Hi\n\n<script>alert(1)</script>\n\n[a](sub/a.txt)"
        html = client.post("/ada/tiny/preview/main", {"content": text, "path": "README.md"}).content.decode()

        assert "license" not in html
        assert "<script" not in html
        assert "/ada/tiny/blob/main/sub/a.txt" in html
        broken = client.post("/ada/tiny/preview/main", {"content": "---\na: [\n---\n", "path": "README.md"})
        assert "not valid" in broken.content.decode()

    def test_files_are_found_by_parts_of_their_path(self, client, tiny):
        html = client.get("/ada/tiny/find/main?q=SUB+txt").content.decode()
        assert "/blob/main/sub/a.txt" in html
        assert "/blob/main/win.txt" not in html
        assert "No file is called so" in client.get("/ada/tiny/find/main?q=zzz").content.decode()
        fragment = client.get("/ada/tiny/find/main?q=a.txt", headers={"HX-Request": "true"}).content.decode()
        assert fragment.startswith('<div id="found">')

    def test_one_files_history(self, client, tiny, django_assert_max_num_queries):
        for number in range(3):
            put(tiny, {"sub/a.txt": f"{number}"}, title=f"Turn {number}")
            put(tiny, {"sub/b.txt": f"{number}"}, title="Elsewhere")

        with django_assert_max_num_queries(30):
            html = client.get("/ada/tiny/commits/main/sub/a.txt").content.decode()

        assert [html.index(f"Turn {number}") for number in (2, 1, 0)] == sorted(
            html.index(f"Turn {number}") for number in range(3)
        )
        assert "Elsewhere" not in html
        assert client.get("/ada/tiny/commits/main/nope").status_code == 404

    def test_a_long_history_goes_on(self, client, tiny, monkeypatch):
        from hub.pages import paths

        monkeypatch.setattr(paths, "PER_PAGE", 2)
        for number in range(4):
            put(tiny, {"sub/a.txt": f"{number}"}, title=f"Turn {number}")

        first = client.get("/ada/tiny/commits/main/sub/a.txt").content.decode()
        assert "Turn 3" in first
        assert "Turn 1" not in first
        cursor = first.split("cursor=")[1][:40]
        second = client.get(f"/ada/tiny/commits/main/sub/a.txt?cursor={cursor}").content.decode()
        assert "Turn 1" in second
        assert "Turn 3" not in second

    def test_folders_show_the_last_commit_inside(self, client, tiny, django_assert_max_num_queries):
        put(tiny, {"sub/deep/x.txt": "x"}, title="Deep change")

        with django_assert_max_num_queries(20):
            html = client.get("/ada/tiny/tree/main").content.decode()

        assert "Deep change" in html
