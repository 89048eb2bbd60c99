"""Threads as people would leave them."""

from accounts.models import User
from models_registry.models import DiscussionStatus, Repository
from models_registry.services import discussions
from models_registry.services.pull_requests import open_pull_request
from models_registry.services.refs import create_branch
from models_registry.types import AddFile, AddLarge
from tests.factories.accounts import UserFactory
from tests.factories.content import put_plain
from tests.factories.registry import put

WORDS = """The card says **131 tokens/s**, I get less, see @{name} and #2.

```python
model = load("pico", threads=1)
```

| machine | tokens/s |
|---|---|
| laptop | 40 |
"""


def talk(repository: Repository, owner: User) -> str:
    """A discussion (1), a pull request (2), one in conflict (3), a draft (4). Returns the id of the owner's comment."""
    guest = UserFactory(username="bo-lindqvist")
    thread = discussions.open_discussion(
        repository=repository, user=guest, title="Slower than measured?", text=WORDS.format(name=owner.username)
    )
    first = discussions.find_comment(thread, thread.events.get(kind="comment").public_id)
    second = discussions.comment(discussion=thread, user=owner, text="How many threads?")
    discussions.react(discussion=thread, event=first, user=owner, kind="agree")
    discussions.edit_comment(discussion=thread, event=second, user=owner, text="How many threads did it get?")
    put(repository, {"notes.txt": "one\ntwo\nthree\nfour\n"}, user=owner)
    large = put_plain(repository, b"\0" * 2_000_000, user=owner)
    change = [
        AddFile("notes.txt", b"one\ntwo\nthree\nfour, or more\n"),
        AddFile("long/path/to/a/file/that/is/new.txt", b"new\n"),
        AddLarge("model.bin", large.sha256),
    ]
    open_pull_request(
        repository=repository, user=guest, title="Say how many", description="It may be more.", operations=change
    )
    clash = [AddFile("notes.txt", b"ONE\ntwo\nthree\nfour\n")]
    open_pull_request(repository=repository, user=guest, title="Shout the first line", operations=clash)
    put(repository, {"notes.txt": "uno\ntwo\nthree\nfour\n"}, user=owner)
    open_pull_request(repository=repository, user=guest, title="Weights to come", is_draft=True)
    closed = discussions.open_discussion(repository=repository, user=guest, title="Never mind", text="Solved.")
    discussions.set_status(discussion=closed, user=guest, status=DiscussionStatus.CLOSED)
    create_branch(repository=repository, user=owner, name="trial", start=None)
    return second.public_id
