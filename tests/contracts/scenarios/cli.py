"""The command `hf`."""

import os
import subprocess
import sys
from pathlib import Path

from world import World, noise, tries


def hf(world: World, *arguments: str, good: bool = True, token: bool = True) -> str:
    """What the command prints; it must end well, or must not."""
    environment = os.environ | {"HF_HOME": str(world.home / "hf"), "NO_COLOR": "1"}
    if token:
        environment["HF_TOKEN"] = world.ada_token
    command = [str(Path(sys.executable).with_name("hf")), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode == 0) is good, done.stdout + done.stderr
    return done.stdout + done.stderr


@tries("whoami")
def one_signs_in_and_out(world: World) -> None:
    hf(world, "auth", "login", "--token", world.ada_token, token=False)
    assert world.ada in hf(world, "auth", "whoami", token=False)
    hf(world, "auth", "logout", token=False)
    assert world.ada not in hf(world, "auth", "whoami", token=False, good=False)


@tries("upload_folder", "snapshot_download")
def a_folder_goes_up_and_comes_down(world: World) -> None:
    name, body = world.name(), noise(200_000, "cli")
    folder = world.folder({"a.txt": b"a", "sub/w.bin": body})
    hf(world, "upload", name, str(folder), "--private")
    hf(world, "download", name, "--local-dir", str(world.home / "down"))
    assert (world.home / "down" / "sub" / "w.bin").read_bytes() == body
    hf(world, "download", name, "a.txt")
    hf(world, "cache", "ls")
    hf(world, "download", "ada/never-was", good=False)


@tries("create_repo", "create_branch", "create_tag", "delete_repo", "move_repo", "update_repo_settings")
def repositories_are_made_tagged_and_deleted(world: World) -> None:
    name, moved = world.name(), world.name()
    hf(world, "repos", "create", name)
    hf(world, "repos", "branch", "create", name, "side")
    hf(world, "repos", "tag", "create", name, "v1")
    assert "v1" in hf(world, "repos", "tag", "list", name)
    hf(world, "repos", "settings", name, "--private")
    assert world.api.model_info(name).private
    hf(world, "repos", "move", name, moved)
    hf(world, "repos", "delete", moved, "--yes")
    assert not world.api.repo_exists(moved)


@tries("list_models", "list_datasets", "model_info")
def models_and_data_sets_are_listed(world: World) -> None:
    model, data = world.repo(), world.repo("dataset")
    assert model in hf(world, "models", "ls", "--author", world.ada, "--limit", "100", "--format", "json")
    assert model in hf(world, "models", "info", model)
    assert data in hf(world, "datasets", "ls", "--author", world.ada, "--limit", "100", "--format", "json")
    assert "v9" not in hf(world, "repos", "ls", "--format", "json")


@tries("create_discussion", "get_repo_discussions")
def discussions_are_opened_and_listed(world: World) -> None:
    name = world.repo()
    hf(world, "discussions", "create", name, "--title", "From the shell", "--body", "Hello")
    assert "From the shell" in hf(world, "discussions", "list", name, "--format", "json")
