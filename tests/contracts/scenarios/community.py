"""Discussions and pull requests."""

from world import World, noise, refusal, status, tries


@tries("create_discussion", "get_repo_discussions", "get_discussion_details")
def a_discussion_is_opened_and_listed(world: World) -> None:
    name = world.repo()
    made = world.other.create_discussion(name, title="A question", description="How?")
    assert (made.num, made.status, made.is_pull_request, made.author) == (1, "open", False, world.eve)
    assert [each.title for each in world.anonymous.get_repo_discussions(name)] == ["A question"]
    told = world.api.get_discussion_details(name, 1)
    assert told.events[0].content == "How?"
    assert told.url == f"{world.endpoint}/{name}/discussions/1"
    assert refusal(lambda: world.api.get_discussion_details(name, 99)) != ""


@tries("comment_discussion", "edit_discussion_comment", "hide_discussion_comment")
def comments_are_written_changed_and_hidden(world: World) -> None:
    name = world.repo()
    number = world.api.create_discussion(name, title="Talk").num
    first = world.other.comment_discussion(name, number, "**Hello**")
    assert (first.content, first.author, first.edited) == ("**Hello**", world.eve, False)
    changed = world.other.edit_discussion_comment(name, number, first.id, "Hello again")
    assert (changed.content, changed.edited) == ("Hello again", True)
    hidden = world.api.hide_discussion_comment(name, number, first.id)
    assert hidden.hidden
    assert status(lambda: world.other.rename_discussion(name, number, "Mine now")) == 403


@tries("rename_discussion", "change_discussion_status", "get_repo_discussions")
def discussions_are_renamed_closed_and_filtered(world: World) -> None:
    name = world.repo()
    number = world.api.create_discussion(name, title="Old title").num
    renamed = world.api.rename_discussion(name, number, "New title")
    assert (renamed.old_title, renamed.new_title) == ("Old title", "New title")
    closed = world.api.change_discussion_status(name, number, "closed", comment="Done")
    assert closed.new_status == "closed"
    world.api.create_pull_request(name, title="Proposal")
    assert [each.num for each in world.api.get_repo_discussions(name, discussion_status="closed")] == [number]
    assert [each.title for each in world.api.get_repo_discussions(name, discussion_type="pull_request")] == ["Proposal"]
    assert list(world.api.get_repo_discussions(name, author=world.eve)) == []


@tries("create_pull_request", "merge_pull_request", "get_discussion_details")
def a_stranger_proposes_and_the_owner_merges(world: World) -> None:
    body = noise(40_000, "proposed")
    name = world.repo(files={"a.txt": b"one\n"})
    made = world.other.upload_file(path_or_fileobj=body, path_in_repo="w.bin", repo_id=name, create_pr=True)
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    world.other.upload_file(path_or_fileobj=b"two\n", path_in_repo="a.txt", repo_id=name, revision="refs/pr/1")
    assert "w.bin" not in world.api.list_repo_files(name)
    assert set(world.api.list_repo_files(name, revision="refs/pr/1")) == {".gitattributes", "a.txt", "w.bin"}
    told = world.api.get_discussion_details(name, 1)
    assert (told.target_branch, told.is_pull_request) == ("refs/heads/main", True)
    assert "+two" in told.diff
    if told.status == "draft":
        world.other.change_discussion_status(name, 1, "open")
    assert [each.ref for each in world.api.list_repo_refs(name, include_pull_requests=True).pull_requests] == [
        "refs/pr/1"
    ]
    assert status(lambda: world.anonymous.merge_pull_request(name, 1)) in (401, 403)
    world.api.merge_pull_request(name, 1, comment="Thanks")
    merged = world.api.get_discussion_details(name, 1)
    assert (merged.status, bool(merged.merge_commit_oid)) == ("merged", True)
    assert world.raw(f"/{name}/resolve/main/w.bin") == body
    assert world.raw(f"/{name}/resolve/main/a.txt") == b"two\n"


@tries("upload_folder", "create_pull_request")
def a_folder_is_proposed_as_one_pull_request(world: World) -> None:
    name = world.repo()
    folder = world.folder({"a.txt": b"a", "w.bin": noise(30_000, "folder pr")})
    made = world.other.upload_folder(repo_id=name, folder_path=folder, create_pr=True)
    assert "/discussions/1" in made.pr_url if hasattr(made, "pr_url") else "pr" in str(made)
    assert "w.bin" in world.api.list_repo_files(name, revision="refs/pr/1")


@tries("upload_attachment", only="2.x")
def a_picture_is_attached(world: World) -> None:
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    path = world.home / "pixel.png"
    path.write_bytes(pixel)
    url = world.api.upload_attachment(path)
    assert str(url).startswith(world.endpoint)
    assert world.raw(str(url).removeprefix(world.endpoint), world.ada_token) == pixel
