"""A token of ours that comes in where others read it is worthless from then on, by whichever door it came."""

import pytest
from django.test import Client

from accounts.models import Scope, User
from accounts.services import authenticate_token, create_token
from models_registry.git.packing import write_pack
from models_registry.git.pktline import FLUSH, packet
from models_registry.models import Repository
from models_registry.services.commits import commit
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory, token
from tests.factories.registry import RepositoryFactory
from tests.models_registry.git import packs

pytestmark = pytest.mark.django_db
ZERO = "0" * 40


@pytest.fixture
def ada() -> User:
    return UserFactory(username="ada")


@pytest.fixture
def repository(ada: User) -> Repository:
    return RepositoryFactory(user=ada)


@pytest.fixture
def leaked(ada: User) -> str:
    return create_token(user=ada, name="leaked", scope=Scope.WRITE)[1]


def push(repository: Repository, user: User, *, text: str, message: str = "Try", name: str = "refs/heads/new") -> bytes:
    blob = text.encode()
    tree = b"100644 run.sh\0" + packs.blob_id(blob)
    who = "A <a@b> 1700000000 +0000"
    head = (f"tree {packs.object_id(b'tree', tree).hex()}\nauthor {who}\ncommitter {who}\n\n{message}\n").encode()
    objects = [(packs.BLOB, blob), (packs.TREE, tree), (packs.COMMIT, head)]
    order = packet(f"{ZERO} {packs.object_id(b'commit', head).hex()} {name}\0report-status".encode()) + FLUSH
    answer = Client().post(
        f"/{repository.full_name}/git-receive-pack",
        order + b"".join(write_pack(len(objects), objects)),
        content_type="application/x-git-receive-pack-request",
        headers={"Authorization": f"Bearer {token(user)}"},
    )
    assert answer.status_code == 200
    return answer.content


def test_a_token_in_a_pushed_file_is_revoked(repository: Repository, ada: User, leaked: str) -> None:
    kept = create_token(user=ada, name="kept", scope=Scope.WRITE)[1]

    assert b"ok refs/heads/new" in push(repository, ada, text=f"export HF_TOKEN={leaked}\n")

    assert authenticate_token(leaked) is None
    assert authenticate_token(kept) is not None


def test_a_token_in_a_message_is_revoked(repository: Repository, ada: User, leaked: str) -> None:
    assert b"ok refs/heads/new" in push(repository, ada, text="x", message=f"Use {leaked}")
    assert authenticate_token(leaked) is None


def test_a_token_in_the_message_of_a_commit_on_the_wire_is_revoked(repository: Repository, leaked: str) -> None:
    commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Say how",
        body=f"with {leaked}.",
        operations=[AddFile("a.txt", b"a")],
    )
    assert authenticate_token(leaked) is None


def test_a_refused_push_revokes_nothing(repository: Repository, ada: User, leaked: str) -> None:
    assert b"ng refs/heads/a..b" in push(repository, ada, text=leaked, name="refs/heads/a..b")
    assert authenticate_token(leaked) is not None
