"""The public client, unmodified: moving, settling, duplicating, deleting and listing repositories."""

from pathlib import Path

import pytest

from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import OrganisationFactory, UserFactory, token
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_client_moves_settles_duplicates_lists_and_deletes(hub: Hub, tmp_path: Path) -> None:
    require("huggingface_hub", "hf_xet")
    ada = UserFactory(username="ada")
    OrganisationFactory(owner=ada, name="harbour")

    said = client(
        hub,
        token(ada),
        """
        said = {}
        api.create_repo("ada/tiny")
        api.create_repo("tiny", exist_ok=True)
        big = bytes(range(256)) * 9000
        api.upload_file(repo_id="ada/tiny", path_in_repo="sub/a b.txt", path_or_fileobj=b"content")
        api.upload_file(repo_id="ada/tiny", path_in_repo="w.bin", path_or_fileobj=big)
        api.update_repo_settings("ada/tiny", private=True, gated="manual")
        said["settled"] = [api.model_info("ada/tiny").private, api.model_info("ada/tiny").gated]
        api.update_repo_settings("ada/tiny", visibility="public", gated=False)

        api.move_repo("ada/tiny", "ada/small")
        api.move_repo("ada/small", "harbour/tides")
        for old in ("ada/tiny", "ada/small"):
            said[old] = [
                open(hf_hub_download(old, "sub/a b.txt")).read(),
                open(hf_hub_download(old, "w.bin"), "rb").read() == big,
                api.model_info(old).id,
                [entry.path for entry in api.list_repo_tree(old, recursive=True)],
            ]
        api.upload_file(repo_id="ada/tiny", path_in_repo="late.txt", path_or_fileobj=b"late")
        said["late"] = api.file_exists("harbour/tides", "late.txt")
        api.create_repo("ada/tiny", exist_ok=True)
        try:
            api.create_repo("ada/other")
            api.move_repo("harbour/tides", "ada/other")
        except HfHubHTTPError as error:
            said["taken"] = "A model repository called `ada/other` already exists" in str(error)

        copy = api.duplicate_repo("harbour/tides", "ada/copy")
        same = open(hf_hub_download("ada/copy", "w.bin"), "rb").read() == big
        said["copy"] = [copy.repo_id, copy.files_copy_pending, same]
        said["again"] = api.duplicate_repo("harbour/tides", "ada/copy", exist_ok=True).repo_id
        said["own"] = sorted(repo.id for repo in api.list_user_repos())
        said["theirs"] = [[repo.id, repo.storage > len(big)] for repo in api.list_user_repos("harbour")]

        api.delete_repo("harbour/tides")
        api.delete_repo("harbour/tides", missing_ok=True)
        said["gone"] = [api.repo_exists("harbour/tides"), api.repo_exists("ada/tiny"), api.repo_exists("ada/copy")]
        api.create_repo("demo", repo_type="space", space_sdk="gradio", visibility="protected")
        said["space"] = api.space_info("ada/demo").private
        print(json.dumps(said))
        """,
        tmp_path / "home",
    )

    paths = [".gitattributes", "sub", "sub/a b.txt", "w.bin"]
    assert said["settled"] == [True, "manual"]
    for old in ("ada/tiny", "ada/small"):
        assert said[old][:3] == ["content", True, "harbour/tides"]
        assert sorted(said[old][3]) == paths
    assert said["late"]
    assert said["taken"]
    assert said["copy"] == ["ada/copy", False, True]
    assert said["again"] == "ada/copy"
    assert said["own"] == ["ada/copy", "ada/other"]
    assert said["theirs"] == [["harbour/tides", True]]
    assert said["gone"] == [False, False, True]
    assert said["space"] is True
