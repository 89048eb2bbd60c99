"""Branches, tags, history, and the revisions that they name."""

from world import World, noise, refusal, status, tries


@tries("create_branch", "delete_branch", "list_repo_refs")
def branches_start_where_they_are_told(world: World) -> None:
    name = world.repo(files={"a.txt": b"1"})
    first = world.api.model_info(name).sha
    world.put(name, {"a.txt": b"2"})
    world.api.create_branch(name, branch="side/line", revision=first)
    assert world.api.model_info(name, revision="side/line").sha == first
    assert status(lambda: world.api.create_branch(name, branch="side/line")) == 409
    world.api.create_branch(name, branch="side/line", exist_ok=True)
    assert refusal(lambda: world.api.create_branch(name, branch="x", revision="nowhere")) == "RevisionNotFoundError"
    assert status(lambda: world.api.create_branch(name, branch="a" * 40)) == 400
    world.put(name, {"b.txt": b"b"}, revision="side/line")
    assert "b.txt" not in world.api.list_repo_files(name)
    world.api.delete_branch(name, branch="side/line")
    assert status(lambda: world.api.delete_branch(name, branch="side/line")) == 404
    assert status(lambda: world.api.delete_branch(name, branch="main")) == 403
    assert status(lambda: world.other.create_branch(name, branch="hers")) == 403


@tries("create_tag", "delete_tag", "list_repo_refs")
def tags_name_commits(world: World) -> None:
    name = world.repo(files={"a.txt": b"1"})
    world.api.create_tag(name, tag="v1", tag_message="The first")
    world.api.create_tag(name, tag="light", revision=world.api.model_info(name).sha[:7])
    world.put(name, {"a.txt": b"2"})
    refs = world.api.list_repo_refs(name, include_pull_requests=True)
    assert [each.ref for each in refs.branches] == ["refs/heads/main"]
    assert [each.name for each in refs.tags] == ["light", "v1"]
    assert {each.target_commit for each in refs.tags} == {world.api.model_info(name, revision="v1").sha}
    assert refs.converts == []
    assert refs.pull_requests == []
    assert status(lambda: world.api.create_tag(name, tag="v1")) == 409
    world.api.create_tag(name, tag="v1", exist_ok=True)
    world.api.delete_tag(name, tag="v1")
    assert refusal(lambda: world.api.delete_tag(name, tag="v1")) == "RevisionNotFoundError"


@tries("list_repo_commits")
def history_is_told_newest_first(world: World) -> None:
    name = world.repo()
    for at in range(3):
        world.put(name, {"a.txt": str(at).encode()}, commit_message=f"Number {at}", commit_description="And *why*.")
    rows = world.api.list_repo_commits(name, formatted=True)
    assert [each.title for each in rows] == ["Number 2", "Number 1", "Number 0", "initial commit"]
    assert (rows[0].authors, rows[0].message.strip()) == ([world.ada], "And *why*.")
    assert rows[0].formatted_title == "Number 2"
    assert rows[0].created_at >= rows[-1].created_at


@tries("list_repo_commits")
def a_long_history_comes_in_pages(world: World) -> None:
    name = world.repo()
    for at in range(55):
        world.put(name, {"a.txt": str(at).encode()}, commit_message=f"Number {at}")
    rows = world.api.list_repo_commits(name)
    assert [each.title for each in rows] == [f"Number {at}" for at in range(54, -1, -1)] + ["initial commit"]


@tries("revision_exists", "resolve_revision")
def revisions_are_looked_up(world: World) -> None:
    name = world.repo(files={"a.txt": b"1"})
    assert world.api.revision_exists(name, "main")
    assert not world.api.revision_exists(name, "nowhere")
    assert not world.api.revision_exists(world.name(), "main")
    resolved = world.api.resolve_revision(name, cache_dir=world.cache)
    assert (resolved, resolved.resolved) == ("main", world.api.model_info(name).sha)


@tries("super_squash_history")
def a_branch_is_squashed_to_one_commit(world: World) -> None:
    body = noise(20_000, "squashed")
    name = world.repo(files={"a.txt": b"1", "w.bin": body})
    world.put(name, {"a.txt": b"2"})
    world.api.create_branch(name, branch="kept")
    world.api.super_squash_history(name, commit_message="All in one")
    assert [each.title for each in world.api.list_repo_commits(name)] == ["All in one"]
    assert len(world.api.list_repo_commits(name, revision="kept")) == 3
    assert world.raw(f"/{name}/resolve/main/w.bin") == body
    assert world.raw(f"/{name}/raw/main/a.txt") == b"2"
