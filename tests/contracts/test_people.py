"""The public client's account and social methods against a running hub, and its command line signing in by browser."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.models import AccessToken, Scope
from accounts.services import follow
from models_registry.services.likes import like_repository
from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import OrganisationFactory, UserFactory, token
from tests.factories.registry import RepositoryFactory
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


def test_likes_overviews_followers_and_members(hub: Hub, tmp_path: Path) -> None:
    require("huggingface_hub")
    ada, ben = UserFactory(username="ada", full_name="Ada Wyn"), UserFactory(username="ben")
    harbour = OrganisationFactory(name="harbour", owner=ada, full_name="The Harbour")
    model, data = RepositoryFactory(user=ben, name="pico"), RepositoryFactory(user=ben, name="tides", dataset=True)
    for repository in (model, data):
        like_repository(repository=repository, user=ada)
    follow(user=ada, namespace=ben.namespace)
    follow(user=ben, namespace=harbour.namespace)

    seen = client(hub, token(ada), """
        me = api.whoami()
        likes = api.list_liked_repos()
        likers = [user.username for user in api.list_repo_likers("ben/pico")]
        api.unlike("ben/pico")
        after = api.list_liked_repos("ada")
        missing = None
        try:
            api.unlike("missing_repo_id")
        except RepositoryNotFoundError as error:
            missing = error.response.status_code
        user, org = api.get_user_overview("ben"), api.get_organization_overview("harbour")
        print(json.dumps({
            "me": [me["name"], me["fullname"], [(o["name"], o["roleInOrg"]) for o in me["orgs"]]],
            "likes": [likes.user, likes.total, likes.models, likes.datasets], "likers": likers,
            "after": after.total, "missing": missing,
            "user": [user.username, user.num_models, user.num_datasets, user.num_followers, user.is_following],
            "org": [org.name, org.fullname, org.num_users, org.num_followers],
            "avatar": user.avatar_url,
            "followers": [u.username for u in api.list_user_followers("ben")],
            "following": [u.username for u in api.list_user_following("ben")],
            "members": [u.username for u in api.list_organization_members("harbour")],
            "org_followers": [(u.username, u.fullname) for u in api.list_organization_followers("harbour")],
        }))
    """, tmp_path / "home")  # fmt: skip

    assert seen["me"] == ["ada", "Ada Wyn", [["harbour", "admin"]]]
    assert seen["likes"] == ["ada", 2, ["ben/pico"], ["ben/tides"]]
    assert (seen["likers"], seen["after"], seen["missing"]) == (["ada"], 1, 404)
    assert seen["user"] == ["ben", 1, 1, 1, True]
    assert seen["org"] == ["harbour", "The Harbour", 1, 1]
    assert seen["avatar"] == f"{hub.url}/assets/avatars/ben.svg"
    assert (seen["followers"], seen["following"], seen["members"]) == (["ada"], ["harbour"], ["ada"])
    assert seen["org_followers"] == [["ben", "ben"]]


def test_every_method_for_collections(hub: Hub, tmp_path: Path) -> None:
    require("huggingface_hub")
    ada = UserFactory(username="ada")
    RepositoryFactory(user=ada, name="pico"), RepositoryFactory(user=ada, name="tides", dataset=True)
    eve = token(UserFactory(username="eve"))

    seen = client(hub, token(ada), f"""
        def outcome(call):
            try:
                return call() and "done"
            except HfHubHTTPError as error:
                return error.response.status_code
        first = api.create_collection("Small ones", description="All of them")
        again = outcome(lambda: api.create_collection("Small ones"))
        same = api.create_collection("Small ones", exists_ok=True).slug == first.slug
        nested = api.create_collection("Nested", private=True)
        api.add_collection_item(first.slug, "ada/pico", "model", note="The model")
        api.add_collection_item(first.slug, "ada/tides", "dataset")
        api.add_collection_item(first.slug, nested.slug, "collection")
        twice = outcome(lambda: api.add_collection_item(first.slug, "ada/pico", "model"))
        ok = api.add_collection_item(first.slug, "ada/pico", "model", exists_ok=True).slug == first.slug
        wrong = outcome(lambda: api.add_collection_item(first.slug, "ada/pico", "dataset"))
        whole = api.get_collection(first.slug)
        for_eve = api.get_collection(first.slug, token="{eve}")
        api.update_collection_item(first.slug, whole.items[0].item_object_id, note="New", position=1)
        moved = api.get_collection(first.slug)
        api.delete_collection_item(first.slug, moved.items[1].item_object_id)
        api.delete_collection_item(first.slug, moved.items[1].item_object_id, missing_ok=True)
        changed = api.update_collection_metadata(first.slug, title="Tiny ones", private=True, theme="pink")
        hidden = outcome(lambda: api.get_collection(first.slug, token="{eve}"))
        listed = [c.title for c in api.list_collections(owner="ada", sort="lastModified", limit=5)]
        by_item = [c.title for c in api.list_collections(item="datasets/ada/tides")]
        by_old_slug = api.get_collection(first.slug).slug == changed.slug
        api.delete_collection(changed.slug)
        gone = outcome(lambda: api.delete_collection(changed.slug))
        api.delete_collection(changed.slug, missing_ok=True)
        print(json.dumps({{
            "slug": first.slug, "url": first.url, "again": again, "same": same, "twice": twice, "ok": ok,
            "wrong": wrong, "items": [[i.item_id, i.item_type, i.note, i.position] for i in whole.items],
            "nested": nested.slug, "for_eve": len(for_eve.items), "moved": [i.item_id for i in moved.items],
            "note": moved.items[1].note, "changed": [changed.title, changed.theme, changed.private],
            "hidden": hidden, "listed": listed, "by_item": by_item, "by_old_slug": by_old_slug, "gone": gone,
        }}))
    """, tmp_path / "home")  # fmt: skip

    assert re.fullmatch(r"ada/small-ones-[0-9a-f]{24}", seen["slug"])
    assert seen["url"] == f"{hub.url}/collections/{seen['slug']}"
    assert (seen["again"], seen["same"], seen["twice"], seen["ok"], seen["wrong"]) == (409, True, 409, True, 404)
    assert seen["items"] == [
        ["ada/pico", "model", "The model", 0],
        ["ada/tides", "dataset", None, 1],
        [seen["nested"], "collection", None, 2],
    ]
    assert seen["for_eve"] == 2  # The nested one is private.
    assert seen["moved"] == ["ada/tides", "ada/pico", seen["nested"]]
    assert (seen["note"], seen["changed"], seen["hidden"]) == ("New", ["Tiny ones", "pink", True], 404)
    assert seen["listed"] == ["Tiny ones", "Nested"]
    assert (seen["by_item"], seen["by_old_slug"], seen["gone"]) == (["Tiny ones"], True, 404)


@pytest.mark.browser
def test_the_command_line_signs_in_through_a_real_browser(
    hub: Hub,
    chromium: object,
    tmp_path: Path,
) -> None:
    """`hf auth login` without a token: a person types nothing but her password, and says yes."""
    require("huggingface_hub", "chromium")
    user = UserFactory(username="ada")
    user.password = PBKDF2PasswordHasher().encode("correct horse", "salt", 1)  # The hub knows no hasher of the tests.
    user.save()
    home = tmp_path / "home"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    hf = str(Path(sys.executable).with_name("hf"))
    log = tmp_path / "login.log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            [hf, "auth", "login"], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        address = wait_for(log, rf"({re.escape(hub.url)}/login/device\?user_code=[A-Z-]+)")
        page = chromium.new_context().new_page()
        page.goto(address)
        page.fill("[name=username]", "ada")
        page.fill("[name=password]", "correct horse")
        page.click("main button.btn--main")
        page.get_by_role("button", name="Let it in").click()
        page.wait_for_url(f"{hub.url}/settings/tokens")
        assert running.wait(timeout=60) == 0, log.read_text()
    finally:
        if running.poll() is None:
            running.terminate()

    made = AccessToken.objects.get()
    assert (made.user.username, made.scope) == ("ada", Scope.WRITE)
    who = subprocess.run([hf, "auth", "whoami"], env=environment, capture_output=True, text=True, timeout=60)
    assert "ada" in who.stdout, who.stdout + who.stderr


def wait_for(log: Path, pattern: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(pattern, log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"The command line showed no address:\n{log.read_text()}")
