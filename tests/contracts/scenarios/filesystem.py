"""Repositories as a file system."""

import pickle

from huggingface_hub import HfFileSystem
from world import World, noise, refusal, tries


def system(world: World) -> HfFileSystem:
    return HfFileSystem(endpoint=world.endpoint, token=world.ada_token, skip_instance_cache=True)


@tries("list_repo_tree", "get_paths_info")
def folders_are_listed_searched_and_measured(world: World) -> None:
    name = world.repo("dataset", {"data/a.csv": b"x\n1\n", "data/deep/b.csv": b"x\n2\n", "w.bin": noise(9_000)})
    files, root = system(world), f"datasets/{name}"
    assert set(files.ls(root, detail=False)) == {f"{root}/.gitattributes", f"{root}/data", f"{root}/w.bin"}
    assert sorted(files.glob(f"{root}/**/*.csv")) == [f"{root}/data/a.csv", f"{root}/data/deep/b.csv"]
    assert sorted(files.find(f"{root}/data")) == [f"{root}/data/a.csv", f"{root}/data/deep/b.csv"]
    info = files.info(f"{root}/w.bin")
    assert (info["size"], info["type"]) == (9_000, "file")
    assert files.isdir(f"{root}/data")
    assert files.du(f"{root}/data") == 8
    assert files.modified(f"{root}/data/a.csv") is not None
    assert not files.exists(f"{root}/nothing")
    assert refusal(lambda: files.ls(f"{root}/nothing")) == "FileNotFoundError"
    assert files.url(f"{root}/w.bin") == f"{world.endpoint}/datasets/{name}/resolve/main/w.bin"


@tries("upload_file", "delete_file", "create_commit")
def files_are_written_read_copied_and_removed(world: World) -> None:
    files, root = system(world), world.repo()
    body = noise(300_000, "written")
    with files.open(f"{root}/w.bin", "wb") as file:
        file.write(body[:100_000])
        file.write(body[100_000:])
    files.pipe_file(f"{root}/sub/a.txt", b"abc")
    with files.open(f"{root}/w.bin", "rb", block_size=50_000) as file:
        file.seek(123_456)
        assert file.read(1_000) == body[123_456:124_456]
    assert files.cat_file(f"{root}/w.bin", start=10, end=20) == body[10:20]
    assert files.read_text(f"{root}/sub/a.txt") == "abc"
    files.cp_file(f"{root}/w.bin", f"{root}/copy.bin")
    assert files.cat_file(f"{root}/copy.bin") == body
    files.get_file(f"{root}/copy.bin", str(world.home / "copy.bin"))
    assert (world.home / "copy.bin").read_bytes() == body
    files.rm(f"{root}/sub", recursive=True)
    files.rm(f"{root}/copy.bin")
    assert set(world.api.list_repo_files(root)) == {".gitattributes", "w.bin"}


@tries("list_repo_tree")
def revisions_are_part_of_paths(world: World) -> None:
    name = world.repo(files={"a.txt": b"old"})
    world.api.create_branch(name, branch="side/line")
    world.put(name, {"a.txt": b"new"})
    files = system(world)
    assert files.cat_file(f"{name}@side%2Fline/a.txt") == b"old"
    assert files.cat_file(f"{name}/a.txt", revision="side/line") == b"old"
    assert files.cat_file(f"{name}/a.txt") == b"new"
    assert pickle.loads(pickle.dumps(files)).cat_file(f"{name}/a.txt") == b"new"
