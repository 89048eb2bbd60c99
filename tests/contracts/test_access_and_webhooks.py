"""Gated repositories and webhooks through the public client, against a running hub."""

import pytest

from models_registry.models import AccessForm
from tests.contracts.conftest import Hub
from tests.contracts.test_huggingface_client import client
from tests.factories.accounts import UserFactory, token
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(hub: Hub) -> dict[str, str]:
    """Tokens of an owner and of somebody else, by name."""
    require("huggingface_hub", "hf_xet")
    return {name: token(UserFactory(username=name, email=f"{name}@example.org")) for name in ("ada", "ben")}


GATED = """
api.create_repo("ada/tides")
api.upload_file(path_or_fileobj=b"hidden words", path_in_repo="notes.txt", repo_id="ada/tides")
api.upload_file(path_or_fileobj=b"x" * 3_000_000, path_in_repo="weights.bin", repo_id="ada/tides")
api.update_repo_settings("ada/tides", gated="manual")
"""
DOWNLOAD = """
import tempfile

def heard(token, name):
    try:
        path = hf_hub_download("ada/tides", name, token=token, cache_dir=tempfile.mkdtemp())
        return open(path, "rb").read()[:12].decode()
    except GatedRepoError as error:
        return f"gated {error.response.status_code}"
"""


def test_requests_are_granted_cancelled_rejected_and_accepted(hub, people, tmp_path):
    told = client(
        hub,
        people["ada"],
        GATED
        + """
def lists():
    return [[(one.username, one.email) for one in each("ada/tides")] for each in (
        api.list_pending_access_requests, api.list_accepted_access_requests, api.list_rejected_access_requests)]

def twice(call, *args, **more):
    call(*args, **more)
    try:
        call(*args, **more)
    except HfHubHTTPError as error:
        return error.response.status_code

found = [lists()]
codes = [twice(api.grant_access, "ada/tides", "ben")]
found.append(lists())
codes.append(twice(api.cancel_access_request, "ada/tides", "ben"))
found.append(lists())
codes.append(twice(api.reject_access_request, "ada/tides", "ben", rejection_reason="Not yet"))
found.append(lists())
request = next(iter(api.list_rejected_access_requests("ada/tides")))
codes.append(twice(api.accept_access_request, "ada/tides", request_id=request.request_id))
found.append(lists())
for call in (lambda: api.grant_access("ada/tides", "nobody"), lambda: api.accept_access_request("ada/tides", "ada")):
    try:
        call()
    except HfHubHTTPError as error:
        codes.append(error.response.status_code)
print(json.dumps({"found": found, "codes": codes}))
""",
        tmp_path,
    )

    ben = [["ben", None]]  # No e-mail, for he never asked.
    assert told["found"] == [[[], [], []], [[], ben, []], [ben, [], []], [[], [], ben], [[], ben, []]]
    assert told["codes"] == [400, 409, 409, 409, 404, 404]


def test_files_are_refused_until_access_is_given_and_again_after(hub, people, tmp_path):
    told = client(
        hub,
        people["ada"],
        GATED
        + DOWNLOAD
        + f"""
ben = {people["ben"]!r}
names = ("notes.txt", "weights.bin")
found = [[heard(token, name) for name in names] for token in (False, ben)]
info = model_info("ada/tides", token=False)
files = list_repo_files("ada/tides", token=False)
try:
    auth_check("ada/tides", token=ben)
    found.append("open")
except GatedRepoError:
    found.append("closed")
api.grant_access("ada/tides", "ben")
auth_check("ada/tides", token=ben)
found.append([heard(ben, name) for name in names])
api.reject_access_request("ada/tides", "ben", rejection_reason="Too late")
found.append([heard(ben, name) for name in names])
print(json.dumps({{"found": found, "gated": info.gated, "files": files}}))
""",
        tmp_path,
    )

    anonymous, refused, check, given, after = told["found"]
    assert anonymous == ["gated 401", "gated 401"]
    assert (refused, after) == (["gated 403", "gated 403"], ["gated 403", "gated 403"])
    assert check == "closed"
    assert given == ["hidden words", "xxxxxxxxxxxx"]
    assert told["gated"] == "manual"
    assert {"notes.txt", "weights.bin"} <= set(told["files"])


def test_a_form_on_the_web_opens_an_automatic_gate(hub, people, tmp_path):
    told = client(
        hub,
        people["ada"],
        GATED
        + DOWNLOAD
        + f"""
import httpx
ben = {people["ben"]!r}
api.update_repo_settings("ada/tides", gated="auto")
headers = {{"Authorization": f"Bearer {{ben}}"}}
answer = httpx.post(f"{{api.endpoint}}/ada/tides/ask-access", data={{}}, headers=headers)
request = next(iter(api.list_accepted_access_requests("ada/tides")))
print(json.dumps([answer.status_code, request.username, request.email, heard(ben, "notes.txt")]))
""",
        tmp_path,
    )

    assert told == [302, "ben", "ben@example.org", "hidden words"]
    assert AccessForm.objects.get().version == 1


def test_webhooks_are_made_read_changed_switched_and_deleted(hub, people, tmp_path):
    told = client(
        hub,
        people["ada"],
        f"""
watched = [WebhookWatchedItem(type="user", name="ben"), {{"type": "org", "name": "somebody"}}]
made = api.create_webhook(url="https://hook.invalid/test", watched=watched, domains=["repo", "discussion"], secret="s")
found = [made.url, made.disabled, made.domains, [item.name for item in made.watched], made.secret]
found.append(api.get_webhook(made.id).url)
found.append([each.id for each in api.list_webhooks()] == [made.id])
found.append(api.update_webhook(made.id, url="https://hook.invalid/new", watched=watched, domains=["repo"]).url)
found.append(api.disable_webhook(made.id).disabled)
found.append(api.enable_webhook(made.id).disabled)
codes = []
for call in (
    lambda: api.get_webhook(made.id, token={people["ben"]!r}),
    lambda: api.create_webhook(url="http://127.0.0.1/", watched=watched),
    lambda: [api.delete_webhook(made.id), api.get_webhook(made.id)],
):
    try:
        call()
    except HfHubHTTPError as error:
        codes.append(error.response.status_code)
print(json.dumps([found, codes]))
""",
        tmp_path,
    )

    assert told == [
        [
            "https://hook.invalid/test",
            False,
            ["repo", "discussion"],
            ["ben", "somebody"],
            "s",
            "https://hook.invalid/test",
            True,
            "https://hook.invalid/new",
            True,
            False,
        ],
        [404, 400, 404],
    ]
