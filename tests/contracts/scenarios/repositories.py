"""Repositories: made, described, listed, moved, copied, deleted."""

from world import World, noise, refusal, status, tries, weights


@tries("create_repo", "delete_repo", "repo_exists")
def a_repository_is_made_once_and_deleted(world: World) -> None:
    name = world.name()
    url = world.api.create_repo(name, private=True)
    assert (str(url), url.repo_id, url.repo_type) == (f"{world.endpoint}/{name}", name, "model")
    assert world.api.create_repo(name, exist_ok=True).repo_id == name
    assert status(lambda: world.api.create_repo(name)) == 409
    assert world.api.repo_exists(name)
    assert not world.other.repo_exists(name)
    assert not world.anonymous.repo_exists(name)
    assert refusal(lambda: world.other.delete_repo(name)) == "RepositoryNotFoundError"
    world.api.delete_repo(name)
    assert not world.api.repo_exists(name)
    assert refusal(lambda: world.api.delete_repo(name)) == "RepositoryNotFoundError"
    world.api.delete_repo(name, missing_ok=True)


@tries("create_repo", "dataset_info", "space_info")
def each_kind_has_its_own_address_and_answer(world: World) -> None:
    data, app = world.repo("dataset"), world.repo("space")
    assert world.api.dataset_info(data).id == data
    space = world.api.space_info(app)
    assert (space.sdk, space.runtime.stage) == ("static", "NO_APP_FILE")
    assert refusal(lambda: world.api.model_info(data)) == "RepositoryNotFoundError"
    assert status(lambda: world.api.create_repo(f"{world.eve}/not-hers")) == 403


@tries("model_info", "repo_info")
def a_model_is_described_from_its_files(world: World) -> None:
    card = b"---\nlicense: mit\nlanguage: [de]\ntags: [small]\nbase_model: x/y\n---\n# Text\n"
    config = b'{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
    name = world.repo(files={"README.md": card, "config.json": config, "w.safetensors": weights(a=4)})
    info = world.api.model_info(name, files_metadata=True, securityStatus=True)
    assert (info.id, info.author, info.private, info.gated, info.disabled) == (name, world.ada, False, False, False)
    assert info.card_data.license == "mit"
    assert {"license:mit", "small", "base_model:x/y", "de", "safetensors"} <= set(info.tags)
    assert (info.pipeline_tag, info.library_name) == ("fill-mask", "transformers")
    assert info.transformers_info.auto_model == "AutoModelForMaskedLM"
    assert info.config["model_type"] == "bert"
    assert info.created_at <= info.last_modified
    assert info.security_repo_status["filesWithIssues"] == []
    files = {each.rfilename: each for each in info.siblings}
    assert files["w.safetensors"].lfs.size == files["w.safetensors"].size == len(weights(a=4))
    assert files["README.md"].lfs is None
    assert world.api.repo_info(name).sha == info.sha
    few = world.api.model_info(name, expand=["likes", "usedStorage", "trendingScore"])
    assert (few.likes, few.used_storage, few.author) == (0, len(weights(a=4)), None)
    assert status(lambda: world.api.model_info(name, expand=["nonsense"])) == 400
    assert refusal(lambda: world.api.model_info(name, revision="nowhere")) == "RevisionNotFoundError"


@tries("list_models")
def models_are_found_by_what_they_are(world: World) -> None:
    word = world.name().split("/")[1]
    found = world.repo(files={"README.md": f"---\ntags: [{word}]\npipeline_tag: translation\n---\n".encode()})
    world.repo()
    assert [each.id for each in world.api.list_models(filter=word)] == [found]
    assert [each.id for each in world.api.list_models(filter=[word, "translation"], author=world.ada)] == [found]
    assert list(world.api.list_models(filter=word, author=world.eve)) == []
    assert [each.id for each in world.api.list_models(search=found.split("/")[1], pipeline_tag="translation")] == [
        found
    ]
    assert list(world.api.list_models(filter=word, gated=True)) == []
    one = next(iter(world.api.list_models(filter=word, full=True, cardData=True, fetch_config=True)))
    assert one.sha
    assert [each.rfilename for each in one.siblings] == [".gitattributes", "README.md"]


@tries("list_models")
def lists_are_sorted_and_paged_without_gaps(world: World) -> None:
    names = [world.repo() for _ in range(3)]
    for sort in ("created_at", "last_modified", "downloads", "likes", "trending_score"):
        found = [each.id for each in world.api.list_models(author=world.ada, sort=sort)]
        assert len(found) == len(set(found))
        assert set(names) <= set(found)
    newest = [each.id for each in world.api.list_models(author=world.ada, sort="created_at", limit=2)]
    assert newest == names[:0:-1]


@tries("list_datasets", "list_spaces")
def data_sets_and_apps_are_listed(world: World) -> None:
    word = world.name().split("/")[1]
    card = f"---\nlanguage: fr\ntags: [{word}]\ntask_categories: [translation]\nsize_categories: [n<1K]\n---\n"
    data = world.repo("dataset", {"README.md": card.encode()})
    found = world.api.list_datasets(filter=word, language="fr", task_categories="translation", size_categories="n<1K")
    assert [each.id for each in found] == [data]
    assert list(world.api.list_datasets(filter=word, language="de")) == []
    model = world.repo()
    app = world.repo("space", {"README.md": f"---\nsdk: static\nmodels: [{model}]\n---\n".encode()})
    assert [each.id for each in world.api.list_spaces(models=model)] == [app]
    assert app in [each.id for each in world.api.list_spaces(author=world.ada, linked=True)]
    assert world.api.model_info(model).spaces == [app]


@tries("get_model_tags", "get_dataset_tags")
def tags_are_told_by_type(world: World) -> None:
    world.repo(files={"README.md": b"---\nlicense: mit\n---\n"})
    assert {"pipeline_tag", "library", "license", "language"} <= set(world.api.get_model_tags())
    assert {"task_categories", "size_categories", "language"} <= set(world.api.get_dataset_tags())


@tries("get_full_repo_name", "whoami")
def a_name_alone_belongs_to_the_caller(world: World) -> None:
    assert world.api.get_full_repo_name("x") == f"{world.ada}/x"
    assert world.api.get_full_repo_name("x", organization=world.organisation) == f"{world.organisation}/x"
    me = world.api.whoami()
    assert (me["type"], me["name"], me["auth"]["accessToken"]["role"]) == ("user", world.ada, "write")
    assert [each["name"] for each in me["orgs"]] == [world.organisation]
    assert status(lambda: world.api.whoami(token="hf_" + "x" * 30)) == 401


@tries("move_repo")
def a_moved_repository_answers_to_both_names(world: World) -> None:
    body = noise(40_000, "moved")
    name, new = world.repo(files={"a.bin": body}), world.name()
    world.api.move_repo(name, new)
    assert world.api.model_info(name).id == new
    path = world.api.hf_hub_download(name, "a.bin", cache_dir=world.cache)
    with open(path, "rb") as file:
        assert file.read() == body
    assert status(lambda: world.api.move_repo(new, world.repo())) == 409
    assert status(lambda: world.api.create_repo(name)) in (403, 409)  # An old name is never given again.


@tries("duplicate_repo")
def a_copy_holds_the_same_files(world: World) -> None:
    name, copy = world.repo(files={"a.bin": noise(30_000, "copied"), "b.txt": b"b"}), world.name()
    url = world.api.duplicate_repo(name, to_id=copy, private=True)
    assert url.repo_id == copy
    assert set(world.api.list_repo_files(copy)) == {".gitattributes", "a.bin", "b.txt"}
    assert world.sha256(f"/{copy}/resolve/main/a.bin", world.ada_token) == world.sha256(f"/{name}/resolve/main/a.bin")
    assert world.api.duplicate_repo(name, to_id=copy, exist_ok=True).repo_id == copy


@tries("list_user_repos")
def ones_own_repositories_are_listed_with_their_size(world: World) -> None:
    name = world.repo(private=True)
    mine = {each.id: each for each in world.api.list_user_repos()}
    assert mine[name].visibility == "private"
    assert [each.id for each in world.api.list_user_repos(namespace=world.organisation)] == []


@tries("list_lfs_files", "permanently_delete_lfs_files")
def large_files_are_deleted_for_good(world: World) -> None:
    name = world.repo(files={"bad.bin": noise(20_000, "bad"), "good.bin": noise(20_000, "good")})
    before = world.api.model_info(name).sha
    bad = [each for each in world.api.list_lfs_files(name) if each.filename == "bad.bin"]
    world.api.permanently_delete_lfs_files(name, bad)
    assert [each.filename for each in world.api.list_lfs_files(name)] == ["good.bin"]
    assert set(world.api.list_repo_files(name)) == {".gitattributes", "good.bin"}
    fetch = lambda: world.api.hf_hub_download(name, "bad.bin", revision=before, cache_dir=world.cache)  # noqa: E731
    assert "EntryNotFoundError" in refusal(fetch)
