"""The commands of the contract: scripts rely on each letter they print."""

import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AccessToken, Organisation, Role, User
from accounts.services import authenticate_token
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def test_create_user_makes_a_password_and_shows_it_once():
    printed = run("create_user", "ada", "--email", "ada@example.org")

    found = re.fullmatch(r"Created ada\. Password: (\S{16,})\n", printed)
    assert found
    user = authenticate(username="ada", password=found[1])
    assert user is not None
    assert user.email == "ada@example.org"
    assert not user.is_superuser


def test_create_user_reads_a_password_and_shows_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("pass phrase with spaces\n"))

    assert run("create_user", "ada", "--password-stdin") == "Created ada.\n"
    assert authenticate(username="ada", password="pass phrase with spaces")


def test_create_user_refuses_an_empty_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    with pytest.raises(CommandError, match="no password"):
        run("create_user", "ada", "--password-stdin")
    assert not User.objects.exists()


def test_create_user_can_make_an_administrator():
    run("create_user", "ada", "--admin")

    assert User.objects.get().is_superuser


@pytest.mark.parametrize("name", ["admin", "a b"])
def test_create_user_says_what_is_wrong_with_a_name(name: str):
    with pytest.raises(CommandError, match="cannot be a name here"):
        run("create_user", name)


def test_create_user_refuses_a_taken_name():
    UserFactory(username="ada")

    with pytest.raises(CommandError, match="taken"):
        run("create_user", "Ada")


def test_create_org_names_the_organisation_and_its_owner():
    UserFactory(username="Ada")

    assert (
        run("create_org", "harbour", "--owner", "ada", "--full-name", "The Harbour")
        == "Created harbour, owned by Ada.\n"
    )
    organisation = Organisation.objects.get()
    assert organisation.full_name == "The Harbour"
    assert organisation.memberships.get().role == Role.ADMIN


def test_create_org_needs_an_owner_who_exists():
    with pytest.raises(CommandError, match="no user called nobody"):
        run("create_org", "harbour", "--owner", "nobody")


@pytest.mark.parametrize("role", ["read", "write", "admin"])
def test_create_token_prints_the_token_alone(role: str):
    UserFactory(username="ada")

    printed = run("create_token", "ada", "--role", role)

    assert re.fullmatch(r"hf_[A-Za-z0-9]{34}\n", printed)
    found = authenticate_token(printed.strip())
    assert found is not None
    assert found.scope == role


def test_create_token_takes_a_value_and_a_name():
    UserFactory(username="ada")
    value = "hf_" + "a" * 30

    assert run("create_token", "ADA", "--role", "write", "--name", "ci", "--value", value) == value + "\n"
    assert AccessToken.objects.get().name == "ci"


def test_create_token_can_end_by_itself():
    UserFactory(username="ada")
    run("create_token", "ada", "--role", "read", "--days", "7")

    left = AccessToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_create_token_can_be_called_twice_without_a_name():
    UserFactory(username="ada")

    assert run("create_token", "ada", "--role", "read") != run("create_token", "ada", "--role", "read")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody", "--role", "read"),
        ("ada", "--role", "emperor"),
        ("ada", "--role", "read", "--value", "hf_short"),
        ("ada",),
    ],
)
def test_create_token_refuses_what_it_cannot_do(arguments: tuple[str, ...]):
    UserFactory(username="ada")

    with pytest.raises(CommandError):
        run("create_token", *arguments)
    assert not AccessToken.objects.exists()
