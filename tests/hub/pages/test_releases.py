import pytest
from django.test import Client

from models_registry import manifests
from models_registry.models import Release, Repository
from models_registry.services.pointers import find_pointer, move_pointer
from models_registry.services.releases import create_release, find_release, yank
from models_registry.services.revisions import find_commit
from tests.factories.accounts import UserFactory
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
AT = "/ada/tiny"


@pytest.fixture
def tiny() -> Repository:
    return model(user=UserFactory(username="ada"), name="tiny")


@pytest.fixture
def owner(tiny: Repository) -> Client:
    client = Client()
    client.force_login(tiny.creator)
    return client


def release(repository: Repository, name: str, value: float | None = None, pairs=None) -> None:
    put(repository, {"config.json": f'{{"n": "{name}"}}'}, title=f"Work on {name}")
    repository.refresh_from_db()
    if value is not None:
        measured(repository, {pairs: value})
    create_release(repository=repository, user=repository.creator, name=name, notes=f"Notes of **{name}**")


def test_the_timeline_shows_each_release_against_the_standing_one_before(tiny, client) -> None:
    pairs = benchmark()
    for name, value in (("v1.0.0", 0.7), ("v1.1.0", 0.6), ("v1.2.0", 0.75)):
        release(tiny, name, value, pairs)
    yank(release=find_release(tiny, "v1.1.0"), user=tiny.creator, reason="Doubled token.")

    page = client.get(f"{AT}/releases").content.decode()

    assert page.index(">v1.2.0<") < page.index(">v1.1.0<") < page.index(">v1.0.0<")
    assert "compare/v1.0.0..v1.2.0" in page
    assert page.count("was 70.0") == 2  # The yanked one is no measure for the next.
    assert "Doubled token." in page
    assert "<strong>v1.2.0</strong>" in page
    assert page.count("badge--latest") == 1
    assert "New release" not in page
    assert "new-release" not in page


def test_the_timeline_costs_the_same_for_many_releases(tiny, client, django_assert_max_num_queries) -> None:
    pairs = benchmark()
    for number in range(12):
        release(tiny, f"v1.{number}.0", 0.6 + number / 100, pairs)
    client.get(f"{AT}/releases")
    manifests._listing.cache_clear()
    with django_assert_max_num_queries(20):
        assert client.get(f"{AT}/releases").status_code == 200


def test_long_timelines_have_pages(tiny, client, monkeypatch) -> None:
    monkeypatch.setattr("hub.pages.releases.PER_PAGE", 2)
    for number in range(3):
        release(tiny, f"v1.{number}.0")
    first = client.get(f"{AT}/releases")
    assert "compare/v1.0.0..v1.1.0" in first.content.decode()
    second = client.get(f"{AT}/releases{first.context['next_url']}").content.decode()
    assert ">v1.0.0<" in second
    assert ">v1.1.0<" not in second


def test_making_a_release_starts_from_suggestions(tiny, owner, client) -> None:
    release(tiny, "v1.0.0")
    put(tiny, {"config.json": "{}"}, title="Longer warm-up")
    assert "/login" in client.get(f"{AT}/new-release")["Location"]
    page = owner.get(f"{AT}/new-release").content.decode()
    assert 'value="v1.1.0"' in page
    assert "- Longer warm-up" in page

    made = owner.post(f"{AT}/new-release", {"name": "v1.1.0", "revision": "main", "notes": "Better."})
    assert made["Location"] == f"{AT}/releases/v1.1.0"
    for given, status in (
        ({"name": "v1.1.0", "revision": "main"}, 409),
        ({"name": "", "revision": "main"}, 400),
        ({"name": "v2", "revision": "nowhere"}, 404),
        ({"name": "a b", "revision": "main"}, 400),
    ):
        answer = owner.post(f"{AT}/new-release", given)
        assert answer.status_code == status
        assert "is-wrong" in answer.content.decode()


def test_a_release_is_corrected_yanked_and_taken_back_by_forms(tiny, owner, client) -> None:
    release(tiny, "v1.0.0")
    address = f"{AT}/releases/v1.0.0"
    assert owner.post(address, {"action": "notes", "notes": "Corrected <script>"}).status_code == 302
    assert owner.post(address, {"action": "yank", "reason": " "}).status_code == 400
    assert owner.post(address, {"action": "yank", "reason": "Doubled"}).status_code == 302
    assert owner.post(address, {"action": "yank", "reason": "Doubled"}).status_code == 409
    page = client.get(address).content.decode()
    assert "<del>v1.0.0</del>" in page
    assert "<script>" not in page.split("<main")[1]
    assert 'value="yank"' not in page
    assert owner.post(address, {"action": "unyank"}).status_code == 302
    assert owner.post(address, {"action": "explode"}).status_code == 400
    assert not find_release(tiny, "v1.0.0").is_yanked
    assert client.get(f"{AT}/releases/v9").status_code == 404


def test_pages_say_that_no_release_may_be_latest(tiny, client) -> None:
    assert "newest commit" in client.get(f"{AT}/releases").content.decode()
    release(tiny, "v1.0.0")
    assert "a pull needs" not in client.get(AT).content.decode()
    Release.objects.filter(repository=tiny).update(gate="failed", gate_reason="Worse on pairs.")
    assert "A pull needs a version" in client.get(f"{AT}/releases").content.decode()
    card = client.get(AT).content.decode()
    assert "v1.0.0 among them, so a pull needs" in card
    refused = client.get(f"{AT}/tree/latest")
    assert refused.status_code == 404
    assert "Its page under Releases says why" in refused.content.decode()


def test_two_versions_are_compared_with_scores_lines_and_names(tiny, client, django_assert_max_num_queries) -> None:
    pairs = benchmark()
    release(tiny, "v1.0.0", 0.7, pairs)
    release(tiny, "v1.1.0", 0.75, pairs)
    assert client.get(f"{AT}/compare?old=v1.0.0&new=v1.1.0")["Location"] == f"{AT}/compare/v1.0.0..v1.1.0"
    with django_assert_max_num_queries(30):
        page = client.get(f"{AT}/compare/v1.0.0..v1.1.0").content.decode()
    assert "72.9" in page or "73" in page
    assert "{&quot;n&quot;: &quot;v1.1.0&quot;}" in page
    assert "compare/v1.1.0..v1.0.0" in page
    for odd, status in (("main", 404), ("main..nowhere", 404), ("..", 404), ("main..main", 200)):
        assert client.get(f"{AT}/compare/{odd}").status_code == status


def test_branches_and_tags_are_made_and_removed_by_forms(tiny, owner, client) -> None:
    release(tiny, "v1.0.0")
    address = f"{AT}/refs"
    assert owner.post(address, {"action": "create_branch", "name": "side", "start": "v1.0.0"}).status_code == 302
    assert owner.post(address, {"action": "create_tag", "name": "paper", "start": "side"}).status_code == 302
    page = owner.get(address).content.decode()
    assert "Delete side" in page
    assert "Delete paper" in page
    assert "Delete v1.0.0" not in page
    assert "Delete main" not in page
    assert "Delete side" not in client.get(address).content.decode()
    assert owner.post(address, {"action": "delete_tag", "name": "v1.0.0"}).status_code == 403
    assert owner.post(address, {"action": "create_branch", "name": "a b"}).status_code == 400
    assert owner.post(address, {"action": "create_branch", "name": "side"}).status_code == 409
    assert owner.post(address, {"action": "delete_tag", "name": "paper"}).status_code == 302
    assert owner.post(address, {"action": "delete_branch", "name": "side"}).status_code == 302
    assert "Delete " not in owner.get(address).content.decode()


def test_pointers_move_roll_back_and_withdraw_by_forms(tiny, owner) -> None:
    release(tiny, "v1.0.0")
    release(tiny, "v1.1.0")
    address = f"{AT}/pointers"
    make = {"action": "move", "name": "production", "revision": "v1.0.0", "expected": "", "note": "Go live"}
    assert owner.post(address, make).status_code == 302
    assert owner.post(address, make).status_code == 409
    seen = find_commit(tiny, "v1.0.0").oid
    assert owner.post(address, make | {"revision": "v1.1.0", "expected": seen}).status_code == 302
    first = find_pointer(tiny, "production").moves.last()
    assert "Back to v1.0.0" in owner.get(address).content.decode()
    assert owner.post(address, {"action": "back", "name": "production", "move": str(first.pk)}).status_code == 302
    assert find_pointer(tiny, "production").revision == "v1.0.0"
    assert owner.post(address, {"action": "withdraw", "name": "production", "expected": seen}).status_code == 302
    for bad, status in (
        ({"action": "back", "move": "x"}, 404),
        ({"action": ""}, 400),
        ({"action": "move", "name": "main", "revision": "v1.0.0"}, 409),
    ):
        assert owner.post(address, bad).status_code == status


def test_storage_and_restore_have_pages(tiny, owner, client) -> None:
    release(tiny, "v1.0.0")
    put(tiny, {"config.json": '{"later": true}'})
    assert "Deleting it frees" in client.get(f"{AT}/storage").content.decode()
    assert "changes back" in owner.get(f"{AT}/restore/v1.0.0").content.decode()
    done = owner.post(f"{AT}/restore/v1.0.0", {"branch": "main", "path": "", "title": ""})
    assert done["Location"].startswith(f"{AT}/commit/")
    again = owner.post(f"{AT}/restore/v1.0.0", {"branch": "main"})
    assert again.status_code == 400
    assert "nothing to restore" in again.content.decode()
    assert "Restore" in owner.get(f"{AT}/commits/main").content.decode()
    assert "/restore/" not in client.get(f"{AT}/commits/main").content.decode()


def test_data_sets_have_releases_as_well(client) -> None:
    data = RepositoryFactory(dataset=True, user=UserFactory(username="bob"), name="tides")
    put(data, {"a.csv": "a,b\n1,2\n"})
    create_release(repository=data, user=data.creator, name="2026")
    move_pointer(repository=data, user=data.creator, name="stable", revision="2026")
    for page in ("releases", "releases/2026", "compare", "compare/2026..main", "refs", "pointers", "storage"):
        assert client.get(f"/datasets/bob/tides/{page}").status_code == 200, page
