"""Publishing from the browser, by the wire, with files that arrive whole or are named as missing."""

import hashlib
import os

import pytest

from models_registry.manifests import listing_of
from models_registry.models import Repository
from models_registry.services.content import find_readable, read
from models_registry.services.revisions import find_commit, find_entry
from tests.factories.accounts import UserFactory
from tests.factories.pages import model
from tests.factories.registry import RepositoryFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def folder(tmp_path):
    """A model's folder: small text, a nested file, an empty one, a large one, and what nobody wants published."""
    base = tmp_path / "my-model"
    (base / "train").mkdir(parents=True)
    (base / ".git").mkdir()
    (base / "config.json").write_text('{"model_type": "none"}')
    (base / "train" / "recipe.py").write_text("print('ü')\n")
    (base / "empty.txt").write_bytes(b"")
    (base / "model.bin").write_bytes(os.urandom(2_500_000))
    (base / ".git" / "HEAD").write_text("ref: refs/heads/main")
    return base


def stored(repository: Repository, path: str) -> str:
    """SHA-256 of what the hub holds at a path; large content is read back from the store."""
    entry = find_entry(repository, find_commit(repository, None), path)
    if entry.is_large:
        content = find_readable(repository=repository, user=repository.creator, sha256=entry.sha256)
        return hashlib.sha256(b"".join(read(content))).hexdigest()
    return entry.sha256


def publish(watched, name: str, folder) -> None:
    watched.go("/new")
    watched.page.fill("#id_name", name)
    watched.page.set_input_files("input[webkitdirectory]", folder)
    watched.page.check("input[name=licence][value='apache-2.0']")
    watched.page.get_by_role("button", name="Publish").click()


def test_a_folder_is_published_byte_for_byte(watch, folder):
    user = UserFactory()
    watched = watch()
    watched.sign_in(user)

    publish(watched, "tide-lines", folder)
    watched.page.wait_for_url(f"**/{user.username}/tide-lines")

    repository = Repository.objects.get(name="tide-lines")
    for path in ("config.json", "train/recipe.py", "empty.txt", "model.bin"):
        assert stored(repository, path) == hashlib.sha256((folder / path).read_bytes()).hexdigest()
    assert repository.licence == "apache-2.0"  # The choice went into a card.
    assert repository.file_count == 6  # With .gitattributes and README.md; .git stayed at home.
    assert watched.faults == []


def test_a_licence_is_added_to_the_card_that_is_there_and_never_replaces_one(watch, folder):
    user = UserFactory()
    watched = watch()
    watched.sign_in(user)
    (folder / "README.md").write_text("---\ntags: [tide]\n---\n# Tide\n")
    watched.go("/new")
    watched.page.fill("#id_name", "first")
    watched.page.set_input_files("input[webkitdirectory]", folder)
    watched.page.check("input[value=mit]")
    assert "a line is added" in watched.page.locator("[data-card-note]").inner_text()
    watched.page.get_by_role("button", name="Publish").click()
    watched.page.wait_for_url(f"**/{user.username}/first")

    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Tide\n")
    publish(watched, "second", folder)
    watched.page.wait_for_url(f"**/{user.username}/second")

    assert Repository.objects.get(name="first").licence == "mit"
    assert Repository.objects.get(name="first").card["tags"] == ["tide"]
    assert Repository.objects.get(name="second").licence == "cc0-1.0"


def test_a_file_that_broke_off_is_named_and_sent_again_alone(watch, folder):
    user = UserFactory()
    (folder / "other.bin").write_bytes(os.urandom(1_200_000))
    watched = watch()
    watched.sign_in(user)
    broken = []

    def break_first(route):
        if not broken:
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    watched.page.route("**/info/lfs/upload/**", break_first)
    publish(watched, "tide-lines", folder)
    watched.page.locator("[data-fault]").wait_for()

    assert "1 files did not arrive" in watched.page.locator("[data-fault]").inner_text()
    assert Repository.objects.get(name="tide-lines").file_count == 1  # Nothing half published.
    watched.requests.clear()
    watched.page.get_by_role("button", name="Publish").click()
    watched.page.wait_for_url(f"**/{user.username}/tide-lines")

    sent = [request for request in watched.requests if request.startswith("PUT")]
    assert len(sent) == 1
    repository = Repository.objects.get(name="tide-lines")
    for path in ("model.bin", "other.bin"):
        assert stored(repository, path) == hashlib.sha256((folder / path).read_bytes()).hexdigest()


def test_a_taken_name_is_told_before_anything_is_sent(watch, folder):
    existing = model(name="tide-lines")
    watched = watch()
    watched.sign_in(existing.creator)

    publish(watched, "tide-lines", folder)
    watched.page.locator("[data-fault]").wait_for()

    assert "already" in watched.page.locator("[data-fault]").inner_text()
    assert not [request for request in watched.requests if request.startswith("PUT")]


def test_what_is_missing_is_said_beside_the_button(watch):
    watched = watch()
    watched.sign_in(UserFactory())
    watched.go("/new")
    button, why = watched.page.get_by_role("button", name="Publish"), watched.page.locator("[data-why]")

    assert button.is_disabled()
    assert "at least one file" in why.inner_text()
    watched.page.set_input_files(
        "input[type=file]:not([webkitdirectory])", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
    )
    assert "when there is a name" in why.inner_text()
    watched.page.fill("#id_name", "Tide Lines")
    watched.page.keyboard.press("Tab")
    assert "Try Tide-Lines." in watched.page.locator(".field.is-wrong").inner_text()
    watched.page.fill("#id_name", "tide-lines")
    assert "when a licence is chosen" in why.inner_text()
    watched.page.check("input[name=licence][value=later]")
    assert button.is_enabled()
    watched.page.fill("#id_typed", " ")
    watched.page.check("input[name=licence][value=typed]")
    assert button.is_disabled()
    watched.page.fill("#id_typed", "MIT OR Apache-2.0")
    assert button.is_enabled()
    watched.page.get_by_role("button", name="Remove a.txt").click()
    assert button.is_disabled()


def test_files_can_be_dropped(watch):
    watched = watch()
    watched.sign_in(UserFactory())
    watched.go("/new")

    watched.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["hello"], "dropped.txt"));
          const target = document.querySelector("[data-drop]");
          target.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )

    watched.page.get_by_text("dropped.txt").wait_for()


def test_files_are_added_to_what_exists_in_one_commit(watch):
    repository = model(name="tide-lines")
    watched = watch()
    watched.sign_in(repository.creator)
    watched.go(f"/{repository.full_name}/upload/main")
    before = repository.commits.count()

    watched.page.set_input_files(
        "input[type=file]:not([webkitdirectory])", {"name": "more.txt", "mimeType": "text/plain", "buffer": b"more"}
    )
    watched.page.fill("#ms", "One more file")
    watched.page.get_by_role("button", name="Publish").click()
    watched.page.wait_for_url(f"**/{repository.full_name}")

    assert repository.commits.count() == before + 1
    assert repository.commits.first().title == "One more file"
    repository.refresh_from_db()
    assert repository.licence == "apache-2.0"  # The card was not touched.


def test_the_browsers_own_sha256_is_right_at_every_block_border(watch):
    watched = watch()
    watched.go("/status")
    sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 4 * 1024 * 1024 - 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 57]

    found = watched.page.evaluate(
        """async (sizes) => {
          const worker = new Worker("/static/js/sha256.js");
          const digests = [];
          for (const size of sizes) {
            const bytes = new Uint8Array(size).map((_, at) => at % 251);
            digests.push(await new Promise((resolve) => {
              worker.onmessage = ({ data }) => data.digest && resolve(data.digest);
              worker.postMessage({ id: size, file: new File([bytes], "x") });
            }));
          }
          return digests;
        }""",
        sizes,
    )

    pattern = bytes(number % 251 for number in range(251)) * (max(sizes) // 251 + 1)
    assert found == [hashlib.sha256(pattern[:size]).hexdigest() for size in sizes]


def test_a_reader_uploads_a_large_file_as_a_pull_request(watch, tmp_path):
    existing = model(name="tide-lines")
    body = bytes(range(256)) * 5000
    (tmp_path / "w.bin").write_bytes(body)
    watched = watch()
    watched.sign_in(UserFactory())
    watched.go(f"/{existing.full_name}/upload/main?folder=data")

    assert watched.page.get_by_text("Commit to main").count() == 0
    watched.page.locator("input[data-pick][multiple]").set_input_files([str(tmp_path / "w.bin")])
    watched.page.get_by_role("button", name="Publish").click()
    watched.page.wait_for_url("**/discussions/1")

    proposed = existing.commits.get(oid=existing.refs.get(name="refs/pr/1").commit)
    assert listing_of(proposed).files["data/w.bin"].sha256 == hashlib.sha256(body).hexdigest()
    assert Repository.objects.get().head == existing.head
    assert watched.faults == []


def test_a_text_of_ones_own_is_asked_for_its_name_and_its_text_and_both_are_published(watch):
    watched = watch()
    watched.sign_in(UserFactory())
    watched.go("/new")
    page, why = watched.page, watched.page.locator("[data-why]")
    pick = page.locator("input[data-pick][multiple]:not([webkitdirectory])")
    pick.set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    page.fill("#id_name", "tide")

    assert page.locator("#id_license_name").is_hidden()
    page.check("input[name=licence][value=other]")
    assert "has a name" in why.inner_text()
    page.fill("#id_license_name", "Harbour: 1")
    assert "as LICENSE, or linked" in why.inner_text()
    pick.set_input_files({"name": "LICENSE", "mimeType": "text/plain", "buffer": b"Our terms."})
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/tide")

    made = Repository.objects.get(name="tide")
    assert made.card == {"license": "other", "license_name": "Harbour: 1", "license_link": "LICENSE"}
    assert watched.faults == []


def test_the_base_that_a_card_names_narrows_the_licences(watch):
    base = RepositoryFactory(name="base", licence="cc-by-nc-4.0")
    watched = watch()
    watched.sign_in(UserFactory())
    watched.go("/new")
    page = watched.page
    page.locator("input[name=licence][value='apache-2.0']").wait_for()
    card = f"---\nbase_model:\n- {base.full_name} # ours\ntags: [sea]\n---\n# Tide\n".encode()
    page.set_input_files(
        "input[data-pick][multiple]:not([webkitdirectory])",
        {"name": "README.md", "mimeType": "text/markdown", "buffer": card},
    )

    page.get_by_text("Not possible here").wait_for()
    assert page.locator("#id_bases").input_value() == base.full_name
    assert page.locator("input[name=licence][value='apache-2.0']").count() == 0
    page.fill("#id_typed", "MIT")
    page.keyboard.press("Tab")
    page.get_by_text("MIT contradicts what it was made from.").wait_for()
    page.check("input[name=licence][value='cc-by-nc-4.0']")
    page.fill("#id_name", "child")
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/child")

    made = Repository.objects.get(name="child")
    assert made.card == {"license": "cc-by-nc-4.0", "base_model": [base.full_name], "tags": ["sea"]}
    assert watched.faults == []


CARDS = [
    ("", {"license": "mit"}, "---\nlicense: mit\n---\n\n# X\n"),
    ("# Y\n", {"license": "MIT OR Apache-2.0"}, "---\nlicense: MIT OR Apache-2.0\n---\n\n# Y\n"),
    ("---\nlicense: mit\n---\n", {"license": "cc0-1.0", "": ["a/b"]}, "---\nlicense: mit\n---\n"),
    ("---\ntags: [a]\nlicense:\n---\nz", {"license": "mit"}, "---\nlicense: mit\ntags: [a]\n---\nz"),
    ("---\nbase_model:\n- a/b\n---\n", {"base_model": ["c/d"]}, "---\nbase_model:\n- a/b\n---\n"),
    ("---\r\nx: 1\r\n---\r\n", {"base_model": ["c/d"]}, "---\r\nbase_model:\n- c/d\nx: 1\r\n---\r\n"),
    ("", {"license_name": "1.0", "license": ""}, '---\nlicense_name: "1.0"\n---\n\n# X\n'),
    ("", {"license_name": "no"}, '---\nlicense_name: "no"\n---\n\n# X\n'),
]


def test_keys_are_added_to_a_card_and_none_is_written_twice(watch):
    watched = watch()
    watched.go("/status")

    call = "async ([card, values]) => (await import('/static/js/card.js')).cardWith(card, values, 'X')"

    for card, values, after in CARDS:
        assert watched.page.evaluate(call, [card, values]) == after
