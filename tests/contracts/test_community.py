"""The public client's discussions and pull requests against a running hub, as the owner and as somebody else."""

import pytest

from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import UserFactory, token
from tests.factories.registry import RepositoryFactory
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def secrets(hub: Hub) -> dict[str, str]:
    """A repository ada/tiny, and tokens of its owner and of a stranger who reads and writes elsewhere."""
    require("huggingface_hub", "hf_xet")
    ada, bob = UserFactory(username="ada"), UserFactory(username="bob")
    RepositoryFactory(user=ada, name="tiny", draft=True)
    RepositoryFactory(user=ada, name="hidden", private=True)
    return {"ada": token(ada), "bob": token(bob)}


def test_a_discussion_from_its_opening_to_its_end(hub, secrets, tmp_path):
    told = client(
        hub,
        secrets["bob"],
        """
        made = api.create_discussion("ada/tiny", title=" How was it trained ? ", description="Tell @ada me.")
        said = api.comment_discussion("ada/tiny", made.num, comment="**More** words")
        edited = api.edit_discussion_comment("ada/tiny", made.num, said.id, new_content="Fewer words")
        hidden = api.hide_discussion_comment("ada/tiny", made.num, said.id)
        renamed = api.rename_discussion("ada/tiny", made.num, new_title="Training")
        closed = api.change_discussion_status("ada/tiny", made.num, "closed", comment="Thanks.")
        again = api.get_discussion_details("ada/tiny", made.num)
        print(json.dumps(dict(
            num=made.num, title=made.title, author=made.author, url=made.url, pr=made.is_pull_request,
            rendered=made.events[0].rendered, edited=[edited.edited, edited.content, edited.number_of_edits],
            hidden=hidden.hidden, renamed=[renamed.old_title, renamed.new_title], closed=closed.new_status,
            types=[event.type for event in again.events], status=again.status,
            lower=all(event.id == event.id.lower() for event in again.events))))
        """,
        tmp_path,
    )

    assert told == {
        "num": 1,
        "title": "How was it trained ?",
        "author": "bob",
        "url": f"{hub.url}/ada/tiny/discussions/1",
        "pr": False,
        "rendered": '<p>Tell <a href="/ada" rel="nofollow noopener ugc">@ada</a> me.</p>\n',
        "edited": [True, "Fewer words", 1],
        "hidden": True,
        "renamed": ["How was it trained ?", "Training"],
        "closed": "closed",
        "types": ["comment", "comment", "title-change", "comment", "status-change"],
        "status": "closed",
        "lower": True,
    }


def test_lists_are_filtered_and_paged(hub, secrets, tmp_path):
    told = client(
        hub,
        secrets["ada"],
        """
        for number in range(52):
            api.create_discussion("ada/tiny", title=f"Question {number}")
        api.create_pull_request("ada/tiny", title="A proposal")
        api.change_discussion_status("ada/tiny", 1, "closed")
        def numbers(**which):
            return [each.num for each in api.get_repo_discussions("ada/tiny", **which)]
        print(json.dumps(dict(
            every=numbers(), closed=numbers(discussion_status="closed"), open=len(numbers(discussion_status="open")),
            pulls=numbers(discussion_type="pull_request"), talks=len(numbers(discussion_type="discussion")),
            hers=len(numbers(author="ada")), others=numbers(author="nobody"))))
        """,
        tmp_path,
    )

    assert told == {
        "every": list(range(53, 0, -1)),
        "closed": [1],
        "open": 52,
        "pulls": [53],
        "talks": 52,
        "hers": 53,
        "others": [],
    }


PROPOSE = """
    made = api.create_commit(
        "ada/tiny",
        operations=[
            CommitOperationAdd("notes.txt", b"as bob says"),
            CommitOperationAdd("weights.bin", bytes(range(256)) * 8000),
        ],
        commit_message="Propose weights", commit_description="They are better.", create_pr=True)
    again = api.upload_file(
        path_or_fileobj=b"more", path_in_repo="more.txt", repo_id="ada/tiny", revision=made.pr_revision)
    details = api.get_discussion_details("ada/tiny", made.pr_num)
    refs = api.list_repo_refs("ada/tiny", include_pull_requests=True)
    got = open(api.hf_hub_download("ada/tiny", "weights.bin", revision=made.pr_revision), "rb").read()
    print(json.dumps(dict(
        url=made.pr_url, revision=made.pr_revision, status=details.status, target=details.target_branch,
        conflicts=details.conflicting_files, diff=details.diff, types=[event.type for event in details.events],
        subjects=[event.summary for event in details.events if event.type == "commit"],
        refs=[ref.ref for ref in refs.pull_requests], same=got == bytes(range(256)) * 8000,
        head=api.repo_info("ada/tiny", revision=made.pr_revision).sha == again.oid,
        files=sorted(api.list_repo_files("ada/tiny", revision=made.pr_revision)),
        main=api.list_repo_files("ada/tiny"))))
"""


@pytest.mark.parametrize("without_xet", ["0", "1"])
def test_somebody_else_proposes_large_files_and_the_owner_merges(hub, secrets, tmp_path, without_xet):
    told = client(hub, secrets["bob"], PROPOSE, tmp_path, HF_HUB_DISABLE_XET=without_xet)

    diff = told.pop("diff")
    assert told == {
        "url": f"{hub.url}/ada/tiny/discussions/1",
        "revision": "refs/pr/1",
        "status": "open",
        "target": "refs/heads/main",
        "conflicts": False,
        "types": ["comment", "commit", "commit"],
        "subjects": ["Propose weights", "Upload more.txt with huggingface_hub"],
        "refs": ["refs/pr/1"],
        "same": True,
        "head": True,
        "files": [".gitattributes", "more.txt", "notes.txt", "weights.bin"],
        "main": [".gitattributes"],
    }
    assert "+as bob says\n\\ No newline at end of file\n" in diff
    assert "+version https://git-lfs.github.com/spec/v1\n" in diff

    merged = client(
        hub,
        secrets["ada"],
        """
        api.merge_pull_request("ada/tiny", 1, comment="Thank you!")
        details = api.get_discussion_details("ada/tiny", 1)
        commits = api.list_repo_commits("ada/tiny")
        got = open(api.hf_hub_download("ada/tiny", "weights.bin"), "rb").read()
        print(json.dumps(dict(
            status=details.status, oid=details.merge_commit_oid == commits[0].commit_id,
            title=commits[0].title, same=got == bytes(range(256)) * 8000, diff="weights.bin" in details.diff)))
        """,
        tmp_path,
    )
    assert merged == {
        "status": "merged",
        "oid": True,
        "title": "Propose weights (#1)",
        "same": True,
        "diff": True,
    }


def test_a_folder_becomes_a_pull_request_of_a_stranger(hub, secrets, tmp_path):
    source = tmp_path / "model"
    source.mkdir()
    (source / "config.json").write_text("{}")
    (source / "weights.bin").write_bytes(bytes(range(256)) * 8000)

    told = client(
        hub,
        secrets["bob"],
        f"""
        made = api.upload_folder(repo_id="ada/tiny", folder_path={str(source)!r}, create_pr=True)
        files = sorted(api.list_repo_files("ada/tiny", revision=made.pr_revision))
        print(json.dumps(dict(revision=made.pr_revision, files=files, url=made.pr_url)))
        """,
        tmp_path,
    )

    assert told["revision"] == "refs/pr/1"
    assert told["url"] == f"{hub.url}/ada/tiny/discussions/1"
    assert told["files"] == [".gitattributes", "config.json", "weights.bin"]


def test_conflicts_are_told_by_path(hub, secrets, tmp_path):
    told = client(
        hub,
        secrets["ada"],
        """
        api.upload_file(path_or_fileobj=b"one", path_in_repo="a.txt", repo_id="ada/tiny")
        made = api.upload_file(path_or_fileobj=b"two", path_in_repo="a.txt", repo_id="ada/tiny", create_pr=True)
        api.upload_file(path_or_fileobj=b"three", path_in_repo="a.txt", repo_id="ada/tiny")
        details = api.get_discussion_details("ada/tiny", 1)
        try:
            api.merge_pull_request("ada/tiny", 1)
        except HfHubHTTPError as error:
            answer = error.response
            print(json.dumps([details.conflicting_files, answer.status_code, answer.json()["filesWithConflicts"]]))
        """,
        tmp_path,
    )

    assert told == [["a.txt"], 409, ["a.txt"]]


def test_a_stranger_gets_nothing_from_a_private_repository_and_cannot_touch_branches(hub, secrets, tmp_path):
    told = client(
        hub,
        secrets["bob"],
        """
        def refused(what):
            try:
                what()
            except HfHubHTTPError as error:
                return [type(error).__name__, error.response.status_code]
        add = [CommitOperationAdd("a.txt", b"a")]
        draft = api.create_pull_request("ada/tiny", title="Mine")
        print(json.dumps([
            refused(lambda: api.create_discussion("ada/hidden", title="Hello?")),
            refused(lambda: api.create_commit("ada/hidden", operations=add, commit_message="x", create_pr=True)),
            refused(lambda: api.create_commit("ada/tiny", operations=add, commit_message="x")),
            refused(lambda: api.merge_pull_request("ada/tiny", draft.num)),
            draft.status,
        ]))
        """,
        tmp_path,
    )

    assert told == [
        ["RepositoryNotFoundError", 404],
        ["RepositoryNotFoundError", 404],
        ["HfHubHTTPError", 403],
        ["HfHubHTTPError", 403],
        "draft",
    ]
