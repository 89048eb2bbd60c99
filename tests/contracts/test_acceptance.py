"""Terms that pass on and change, through the public client and through our own, against a running hub."""

import io
import json

import pytest
import smallhub
from smallhub import cli

from models_registry.models import Acceptance, AccessRequest
from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import UserFactory, token
from tests.requirements import require

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
TEXT = "You may sail by these tides.\nYou must not sell them.\n"


@pytest.fixture
def people(hub: Hub) -> dict[str, str]:
    """Tokens of an owner and of somebody else, by name."""
    require("huggingface_hub", "hf_xet")
    return {name: token(UserFactory(username=name, email=f"{name}@example.org")) for name in ("ada", "ben")}


MADE = f"""
text = {TEXT!r}.encode()
api.create_repo("ada/tides")
for path, body in (("LICENSE", text), ("README.md", b"---\\nlicense: gemma\\n---\\n"), ("notes.txt", b"hidden words")):
    api.upload_file(path_or_fileobj=body, path_in_repo=path, repo_id="ada/tides")
api.update_repo_settings("ada/tides", gated="auto")
api.create_repo("ada/small-tides")
for path, body in (("README.md", b"---\\nlicense: gemma\\nbase_model: ada/tides\\n---\\n"), ("a.txt", b"of the child")):
    api.upload_file(path_or_fileobj=body, path_in_repo=path, repo_id="ada/small-tides")

import tempfile

def heard(token, repo, name):
    try:
        return open(hf_hub_download(repo, name, token=token, cache_dir=tempfile.mkdtemp())).read()
    except GatedRepoError as error:
        return f"gated {{error.response.status_code}} {{error.response.headers['x-error-code']}}"
"""


def test_what_is_accepted_for_a_base_opens_its_child_until_the_text_changes(hub, people, tmp_path):
    told = client(
        hub,
        people["ada"],
        MADE
        + f"""
import httpx
from concurrent.futures import ThreadPoolExecutor
ben = {people["ben"]!r}
found = [[heard(ben, "ada/tides", "notes.txt"), heard(ben, "ada/small-tides", "a.txt")]]
headers = {{"Authorization": f"Bearer {{ben}}"}}
terms = f"{{api.endpoint}}/api/v1/repositories/models/ada/tides/terms"
sha256 = httpx.get(terms, headers=headers).json()["sha256"]
with ThreadPoolExecutor(4) as pool:  # Sent four times at once, done once.
    answers = list(pool.map(lambda _: httpx.post(terms, json={{"sha256": sha256}}, headers=headers), range(4)))
found.append([heard(ben, "ada/tides", "notes.txt"), heard(ben, "ada/small-tides", "a.txt")])
listed = [each.username for each in api.list_accepted_access_requests("ada/tides")]
api.reject_access_request("ada/tides", "ben", rejection_reason="No")
found.append([heard(ben, "ada/tides", "notes.txt"), heard(ben, "ada/small-tides", "a.txt")])
api.accept_access_request("ada/tides", "ben")
found.append([heard(ben, "ada/tides", "notes.txt"), heard(ben, "ada/small-tides", "a.txt")])
gated = [model_info(name, token=False).gated for name in ("ada/tides", "ada/small-tides")]
statuses = [answer.status_code for answer in answers]
print(json.dumps({{"found": found, "status": statuses, "listed": listed, "gated": gated}}))
""",
        tmp_path,
    )

    closed, opened = ["gated 403 GatedRepo"] * 2, ["hidden words", "of the child"]
    assert told["found"] == [closed, opened, closed, opened]
    assert (told["status"], told["listed"], told["gated"]) == ([200] * 4, ["ben"], ["auto", "auto"])
    assert bytes(Acceptance.objects.get().text.body).decode() == TEXT


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


def test_our_client_says_where_to_accept_shows_the_text_and_asks(hub, people, tmp_path, monkeypatch, capsys):
    client(hub, people["ada"], MADE + "print(json.dumps(1))", tmp_path)
    monkeypatch.setenv("SMALLHUB_ENDPOINT", hub.url)
    monkeypatch.setenv("SMALLHUB_TOKEN", people["ben"])
    monkeypatch.setenv("SMALLHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    with pytest.raises(
        smallhub.AcceptanceNeeded, match=r"/ada/small-tides/ask-access.*smallhub accept ada/small-tides"
    ):
        smallhub.pull("ada/small-tides")
    with pytest.raises(SystemExit):
        cli.main(["accept", "ada/small-tides", "--yes"])  # Nobody accepts a text unseen.
    assert cli.main(["accept", "ada/small-tides", "--yes", "--text-sha256", "0" * 64]) == 4
    assert cli.main(["accept", "ada/small-tides"]) == 4  # Nobody is there to ask.
    shown = capsys.readouterr().err
    assert "You must not sell them." in shown
    sha256 = smallhub.terms("ada/tides").sha256
    assert f"--yes --text-sha256 {sha256}" in shown
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    assert cli.main(["accept", "ada/small-tides"]) == 4
    assert not AccessRequest.objects.exists()

    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert cli.main(["accept", "ada/small-tides"]) == 0
    assert "ada/tides: accepted; the files are open. Receipt: http" in capsys.readouterr().out
    assert (smallhub.pull("ada/small-tides") / "a.txt").read_text() == "of the child"
    assert cli.main(["accept", "ada/small-tides", "--yes", "--text-sha256", sha256, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == []
