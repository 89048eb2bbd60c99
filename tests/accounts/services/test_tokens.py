"""Access tokens: shown once, kept as a digest, worth nothing when expired, revoked or orphaned."""

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.exceptions import InvalidToken, TokenNameTaken
from accounts.models import AccessToken, Scope
from tests.factories.accounts import UserFactory, token

pytestmark = pytest.mark.django_db


def test_only_the_digest_is_kept():
    row, value = services.create_token(user=UserFactory(), name="laptop", scope=Scope.READ)

    assert value.startswith("hf_")
    stored = [str(getattr(row, field.attname)) for field in AccessToken._meta.concrete_fields]
    assert value not in " ".join(stored)
    assert row.digest == hashlib.sha256(value.encode()).hexdigest()
    assert row.hint == value[-4:]


def test_a_given_value_is_used():
    value = "hf_" + "x" * 24
    services.create_token(user=UserFactory(), name="ci", scope=Scope.WRITE, value=value)

    found = services.authenticate_token(value)
    assert found is not None
    assert found.scope == Scope.WRITE


@pytest.mark.parametrize(
    "value", ["hf_short", "gh_" + "x" * 30, "hf_" + "x" * 20 + "-", "hf_" + "x" * 101, "hf_" + "ä" * 30]
)
def test_a_value_of_another_shape_is_refused(value: str):
    with pytest.raises(InvalidToken):
        services.create_token(user=UserFactory(), name="ci", scope=Scope.WRITE, value=value)


def test_names_are_unique_per_person():
    ada, ben = UserFactory(), UserFactory()
    services.create_token(user=ada, name="laptop", scope=Scope.READ)
    services.create_token(user=ben, name="laptop", scope=Scope.READ)

    with pytest.raises(TokenNameTaken):
        services.create_token(user=ada, name="laptop", scope=Scope.READ)
    assert AccessToken.objects.count() == 2


def test_one_value_opens_one_account():
    value = "hf_" + "x" * 24
    services.create_token(user=UserFactory(), name="one", scope=Scope.READ, value=value)

    with pytest.raises(TokenNameTaken):
        services.create_token(user=UserFactory(), name="two", scope=Scope.READ, value=value)


def test_a_wrong_value_opens_nothing():
    token(UserFactory())

    assert services.authenticate_token("hf_" + "y" * 34) is None
    assert services.authenticate_token("") is None


def test_a_token_ends_at_its_time_and_not_before():
    user, now = UserFactory(), timezone.now()
    ended = token(user, expires_at=now - timedelta(seconds=1))
    living = token(user, expires_at=now + timedelta(minutes=5))

    assert services.authenticate_token(ended) is None
    assert services.authenticate_token(living) is not None


def test_a_revoked_token_is_worthless_at_once():
    row, value = services.create_token(user=UserFactory(), name="laptop", scope=Scope.READ)
    services.revoke_token(token=row)

    assert services.authenticate_token(value) is None


def test_the_tokens_of_a_deactivated_person_open_nothing():
    user = UserFactory()
    value = token(user)
    user.is_active = False
    user.save()

    assert services.authenticate_token(value) is None


def test_use_is_noted_at_most_once_a_minute():
    value = token(UserFactory())
    assert services.authenticate_token(value)
    first = AccessToken.objects.get().last_used_at

    with CaptureQueriesContext(
        connection,
    ) as queries:
        services.authenticate_token(value)
    assert first is not None
    assert len(queries) == 1  # One read, no write.

    AccessToken.objects.update(last_used_at=first - timedelta(minutes=2))
    services.authenticate_token(value)
    assert AccessToken.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        (Scope.READ, {Scope.READ}),
        (Scope.WRITE, {Scope.READ, Scope.WRITE}),
        (Scope.ADMIN, {Scope.READ, Scope.WRITE, Scope.ADMIN}),
    ],
)
def test_a_wider_scope_covers_the_narrower(scope: Scope, covers: set[Scope]):
    assert {needed for needed in Scope.wide() if scope.covers(needed)} == covers
