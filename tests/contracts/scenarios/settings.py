"""Settings of repositories, gated access, webhooks."""

from world import World, refusal, status, tries


@tries("update_repo_settings", "auth_check")
def who_sees_a_repository_can_be_changed(world: World) -> None:
    name = world.repo()
    world.other.auth_check(name)
    world.api.auth_check(name, write=True)
    assert status(lambda: world.other.auth_check(name, write=True)) == 403
    world.api.update_repo_settings(name, visibility="private")
    assert world.api.model_info(name).private
    assert refusal(lambda: world.other.auth_check(name)) == "RepositoryNotFoundError"
    assert refusal(lambda: world.other.update_repo_settings(name, visibility="public")) == "RepositoryNotFoundError"
    world.api.update_repo_settings(name, private=False)
    assert not world.other.model_info(name).private


@tries("update_repo_settings", "grant_access", "list_accepted_access_requests", "cancel_access_request")
def a_gate_keeps_files_from_those_without_access(world: World) -> None:
    name = world.repo(files={"a.txt": b"a"})
    world.api.update_repo_settings(name, gated="manual")
    assert world.other.model_info(name).gated == "manual"
    fetch = lambda: world.other.hf_hub_download(name, "a.txt", cache_dir=world.cache)  # noqa: E731
    assert refusal(fetch) == "GatedRepoError"
    assert refusal(lambda: world.other.auth_check(name)) == "GatedRepoError"
    world.api.grant_access(name, world.eve)
    assert [each.username for each in world.api.list_accepted_access_requests(name)] == [world.eve]
    assert refusal(fetch) == ""
    assert status(lambda: world.api.grant_access(name, world.eve)) == 400
    world.api.cancel_access_request(name, world.eve)
    assert refusal(lambda: world.other.auth_check(name)) == "GatedRepoError"
    world.api.update_repo_settings(name, gated=False)
    world.other.auth_check(name)


@tries(
    "list_pending_access_requests", "accept_access_request", "reject_access_request", "list_rejected_access_requests"
)
def requests_for_access_are_answered(world: World) -> None:
    name = world.repo()
    world.api.update_repo_settings(name, gated="manual")
    world.api.grant_access(name, world.eve)
    world.api.cancel_access_request(name, world.eve)
    assert [each.username for each in world.api.list_pending_access_requests(name)] == [world.eve]
    world.api.reject_access_request(name, world.eve, rejection_reason="No")
    assert [each.username for each in world.api.list_rejected_access_requests(name)] == [world.eve]
    assert refusal(lambda: world.other.auth_check(name)) == "GatedRepoError"
    world.api.accept_access_request(name, world.eve)
    world.other.auth_check(name)
    assert list(world.api.list_pending_access_requests(name)) == []
    assert refusal(lambda: list(world.other.list_pending_access_requests(name))) != ""


@tries("create_webhook", "get_webhook", "list_webhooks", "update_webhook", "delete_webhook")
def webhooks_are_made_changed_and_deleted(world: World) -> None:
    watched = [{"type": "user", "name": world.ada}]
    made = world.api.create_webhook(url="https://example.invalid/a", watched=watched, domains=["repo"], secret="s")
    assert (made.url, made.domains, made.disabled) == ("https://example.invalid/a", ["repo"], False)
    assert made.id in [each.id for each in world.api.list_webhooks()]
    assert made.id not in [each.id for each in world.other.list_webhooks()]
    changed = world.api.update_webhook(made.id, url="https://example.invalid/b", domains=["repo", "discussion"])
    assert (changed.url, changed.domains) == ("https://example.invalid/b", ["repo", "discussion"])
    assert world.api.get_webhook(made.id).watched[0].name == world.ada
    assert status(lambda: world.other.get_webhook(made.id)) == 404
    assert status(lambda: world.api.create_webhook(url="http://127.0.0.1/x", watched=watched)) == 400
    world.api.delete_webhook(made.id)
    assert status(lambda: world.api.get_webhook(made.id)) == 404


@tries("enable_webhook", "disable_webhook")
def webhooks_are_switched(world: World) -> None:
    made = world.api.create_webhook(
        url="https://example.invalid/a", watched=[{"type": "user", "name": world.ada}], domains=["repo"]
    )
    assert world.api.disable_webhook(made.id).disabled
    assert not world.api.enable_webhook(made.id).disabled
    world.api.delete_webhook(made.id)
