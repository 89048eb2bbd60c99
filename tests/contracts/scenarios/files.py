"""Files: up, down, listed, copied, deleted; small ones, large ones, whole folders."""

import hashlib
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    CommitScheduler,
    ModelCard,
    hf_hub_url,
    metadata_update,
)
from world import World, noise, refusal, sha256, status, tries, weights


@tries("upload_file", "hf_hub_download", "file_exists")
def a_file_comes_back_byte_for_byte(world: World) -> None:
    name = world.repo()
    for path, body in {"a.txt": "Grüße, 你好".encode(), "sub dir/w.bin": noise(300_000, "w"), "empty.txt": b""}.items():
        done = world.api.upload_file(path_or_fileobj=body, path_in_repo=path, repo_id=name)
        assert done.commit_url == f"{world.endpoint}/{name}/commit/{done.oid}"
        got = world.api.hf_hub_download(name, path, cache_dir=world.cache)
        assert Path(got).read_bytes() == body
        assert world.sha256(f"/{name}/resolve/main/{path.replace(' ', '%20')}") == sha256(body)
        assert world.api.file_exists(name, path)
    assert not world.api.file_exists(name, "nothing")
    assert refusal(lambda: world.other.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=name))
    assert "EntryNotFoundError" in refusal(lambda: world.api.hf_hub_download(name, "no", cache_dir=world.cache))


@tries("upload_folder", "snapshot_download")
def a_folder_comes_back_whole(world: World) -> None:
    files = {f"part/{at}.txt": str(at).encode() for at in range(30)}
    files |= {"w.bin": noise(2_000_000, "folder"), "x.log": b"log", "card.json": b"{}"}
    name, folder = world.repo("dataset"), world.folder(files)
    world.api.upload_folder(repo_id=name, folder_path=folder, repo_type="dataset", ignore_patterns="*.log")
    got = Path(world.api.snapshot_download(name, repo_type="dataset", cache_dir=world.cache))
    found = {str(path.relative_to(got)): path.read_bytes() for path in got.rglob("*") if path.is_file()}
    found.pop(".gitattributes")
    assert found == {path: body for path, body in files.items() if path != "x.log"}
    some = Path(world.api.snapshot_download(name, repo_type="dataset", local_dir=world.home / "l", allow_patterns="p*"))
    assert len(list(some.rglob("*.txt"))) == 30
    world.api.upload_folder(repo_id=name, folder_path=folder, repo_type="dataset", delete_patterns="part/1*")
    assert "x.log" in world.api.list_repo_files(name, repo_type="dataset")


@tries("create_commit", "preupload_lfs_files")
def a_commit_adds_copies_and_deletes_at_once(world: World) -> None:
    body = noise(50_000, "copied")
    name = world.repo(files={"w.bin": body, "a.txt": b"a", "old/x.txt": b"x"})
    large = CommitOperationAdd(path_in_repo="new.bin", path_or_fileobj=noise(60_000, "pre"))
    world.api.preupload_lfs_files(name, [large])
    operations = [
        large,
        CommitOperationCopy(src_path_in_repo="w.bin", path_in_repo="copy.bin"),
        CommitOperationCopy(src_path_in_repo="a.txt", path_in_repo="b.txt"),
        CommitOperationDelete(path_in_repo="old/"),
    ]
    head = world.api.model_info(name).sha
    world.api.create_commit(name, operations, commit_message="Much", parent_commit=head)
    assert set(world.api.list_repo_files(name)) == {".gitattributes", "w.bin", "a.txt", "new.bin", "copy.bin", "b.txt"}
    assert world.raw(f"/{name}/resolve/main/copy.bin") == body
    late = [CommitOperationAdd(path_in_repo="late.txt", path_or_fileobj=b"late")]
    assert status(lambda: world.api.create_commit(name, late, commit_message="Late", parent_commit=head)) == 412
    device = [CommitOperationAdd(path_in_repo="aux.txt", path_or_fileobj=b"x")]
    assert status(lambda: world.api.create_commit(name, device, commit_message="Device")) == 422


@tries("copy_files", "create_commit")
def files_are_copied_between_repositories(world: World) -> None:
    body = noise(400_000, "across")
    source = world.repo(files={"deep/w.bin": body, "deep/a.txt": b"a"}, private=True)
    target = world.repo("dataset")
    world.api.copy_files(f"hf://{source}/deep/", f"hf://datasets/{target}/got/")
    found = [path for path in world.api.list_repo_files(target, repo_type="dataset") if path.endswith("w.bin")]
    assert len(found) == 1
    assert world.sha256(f"/datasets/{target}/resolve/main/{found[0]}") == sha256(body)
    theirs = world.name(world.eve)
    world.other.create_repo(theirs)
    assert refusal(lambda: world.other.copy_files(f"hf://{source}/deep/", f"hf://{theirs}/got/")) != ""


@tries("delete_file", "delete_files", "delete_folder")
def files_and_folders_are_deleted(world: World) -> None:
    name = world.repo(files=dict.fromkeys(("a.txt", "b.log", "c.log", "sub/d.txt", "keep.txt"), b"x"))
    world.api.delete_file("a.txt", name)
    world.api.delete_files(name, ["*.log"])
    world.api.delete_folder("sub", name)
    assert set(world.api.list_repo_files(name)) == {".gitattributes", "keep.txt"}
    assert "EntryNotFoundError" in refusal(lambda: world.api.delete_file("a.txt", name))


@tries("list_repo_tree", "list_repo_files", "get_paths_info")
def trees_tell_sizes_hashes_and_last_changes(world: World) -> None:
    body = noise(70_000, "tree")
    name = world.repo(files={"sub/w.bin": body, "a.txt": b"abc"})
    world.put(name, {"a.txt": b"abcd"}, commit_message="Longer")
    tree = {each.path: each for each in world.api.list_repo_tree(name, recursive=True, expand=True)}
    assert list(tree) == [".gitattributes", "a.txt", "sub", "sub/w.bin"]
    large, small, folder = tree["sub/w.bin"], tree["a.txt"], tree["sub"]
    assert (large.size, large.lfs.size, large.lfs.sha256) == (len(body), len(body), sha256(body))
    assert len(large.xet_hash) == 64
    assert small.blob_id == hashlib.sha1(b"blob 4\0abcd").hexdigest()
    assert (small.last_commit.title, folder.last_commit.title) == ("Longer", "Put")
    assert small.security is not None
    assert len(folder.tree_id) == 40
    assert [each.path for each in world.api.list_repo_tree(name, "sub")] == ["sub/w.bin"]
    infos = world.api.get_paths_info(name, ["a.txt", "sub", "nothing"], expand=True)
    assert [each.path for each in infos] == ["a.txt", "sub"]
    assert refusal(lambda: list(world.api.list_repo_tree(name, "nowhere"))) != ""


@tries("list_repo_tree")
def a_large_tree_comes_in_pages(world: World) -> None:
    name = world.repo(files={f"{at:04}.txt": b"x" for at in range(1500)})
    assert len(list(world.api.list_repo_tree(name))) == 1501
    assert len(list(world.api.list_repo_tree(name, expand=True))) == 1501


@tries("get_hf_file_metadata")
def a_file_is_described_without_its_bytes(world: World) -> None:
    body = noise(80_000, "head")
    name = world.repo(files={"w.bin": body, "a.txt": b"abc"})
    told = world.api.get_hf_file_metadata(url=hf_hub_url(name, "w.bin", endpoint=world.endpoint))
    assert (told.size, told.etag, told.commit_hash) == (len(body), sha256(body), world.api.model_info(name).sha)
    assert len(told.xet_file_data.file_hash) == 64
    assert world.api.get_hf_file_metadata(url=hf_hub_url(name, "a.txt", endpoint=world.endpoint)).size == 3


@tries("get_safetensors_metadata", "parse_safetensors_file_metadata")
def weights_are_described_without_their_tensors(world: World) -> None:
    name = world.repo(files={"model.safetensors": weights(a=10, b=20)})
    assert world.api.get_safetensors_metadata(name).parameter_count == {"F32": 30}
    one = world.api.parse_safetensors_file_metadata(name, "model.safetensors")
    assert one.tensors["b"].shape == [20]


@tries("get_sharded_safetensors_metadata", only="2.x")
def sharded_weights_are_described_in_one_answer(world: World) -> None:
    index = b'{"metadata": {"total_size": 24}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}'
    shards = {"m-1.safetensors": weights(a=2), "m-2.safetensors": weights(b=4)}
    name = world.repo(files={"model.safetensors.index.json": index, **shards})
    told = world.api.get_sharded_safetensors_metadata(name)
    assert told.parameter_count == {"F32": 6}
    assert told.weight_map == {"a": "m-1.safetensors", "b": "m-2.safetensors"}


@tries("verify_repo_checksums")
def a_download_is_verified_against_the_hub(world: World) -> None:
    name = world.repo(files={"w.bin": noise(50_000, "verify"), "a.txt": b"abc"})
    world.api.snapshot_download(name, local_dir=world.home / "local")
    assert world.api.verify_repo_checksums(name, local_dir=world.home / "local").mismatches == []
    (world.home / "local" / "a.txt").write_bytes(b"abd")
    assert [each["path"] for each in world.api.verify_repo_checksums(name, local_dir=world.home / "local").mismatches]


@tries("run_as_future", "upload_file")
def an_upload_may_run_in_the_background(world: World) -> None:
    name = world.repo()
    done = world.api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=name, run_as_future=True)
    world.api.run_as_future(world.api.model_info, name).result()
    done.result()
    assert "x.txt" in world.api.list_repo_files(name)


@tries("upload_large_folder", only="1.x")
def a_large_folder_is_uploaded_by_workers(world: World) -> None:
    files = {f"{at}.bin": noise(20_000, str(at)) for at in range(6)} | {"a.txt": b"a"}
    name = world.repo()
    world.api.upload_large_folder(name, world.folder(files), repo_type="model", num_workers=2, print_report=False)
    assert set(world.api.list_repo_files(name)) == {".gitattributes", *files}
    assert world.sha256(f"/{name}/resolve/main/3.bin") == sha256(files["3.bin"])


@tries("upload_file", only="2.x")
def cards_are_loaded_changed_and_checked(world: World) -> None:
    """The older line asks the public hub alone whether a card is valid, whatever HF_ENDPOINT says."""
    name = world.repo(files={"README.md": b"---\nlicense: mit\n---\n# Title\n"})
    metadata_update(name, {"language": "de"}, token=world.ada_token)
    card = ModelCard.load(name, token=world.ada_token)
    assert (card.data.license, card.data.language) == ("mit", "de")
    card.text += "\nMore.\n"
    card.push_to_hub(name, token=world.ada_token)
    assert world.raw(f"/{name}/raw/main/README.md").decode().rstrip().endswith("More.")


@tries("create_commit", "hf_hub_download")
def cards_are_loaded_and_bad_ones_refused(world: World) -> None:
    name = world.repo(files={"README.md": b"---\nlicense: mit\n---\n# Title\n"})
    card = ModelCard.load(name, token=world.ada_token)
    assert (card.data.license, card.text.strip()) == ("mit", "# Title")
    assert refusal(lambda: world.put(name, {"README.md": b"---\nmodel-index: foo\n---\n"})) == "ValueError"


@tries("create_commit")
def a_schedule_commits_what_a_folder_gathers(world: World) -> None:
    name, folder = world.repo("dataset"), world.folder({"log.jsonl": b"{}\n"})
    scheduler = CommitScheduler(repo_id=name, repo_type="dataset", folder_path=folder, hf_api=world.api, every=60)
    scheduler.trigger().result()
    scheduler.stop()
    assert "log.jsonl" in world.api.list_repo_files(name, repo_type="dataset")
