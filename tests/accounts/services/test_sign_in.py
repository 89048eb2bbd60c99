from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.exceptions import TooManyTries, WrongPassword
from accounts.models import SignInTries
from accounts.services.sign_in import MAX_TRIES, WINDOW, check_password
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def fail(times: int, *, username: str = "ada", address: str = "192.0.2.1") -> list[int]:
    left = []
    for _ in range(times):
        with pytest.raises(WrongPassword) as caught:
            check_password(username=username, password="wrong", address=address)
        left.append(int(caught.value.details["left"]))
    return left


def test_tries_are_counted_down_and_then_the_door_closes_even_for_the_right_password() -> None:
    UserFactory(username="ada")

    assert fail(MAX_TRIES) == list(range(MAX_TRIES - 1, -1, -1))
    with pytest.raises(TooManyTries) as caught:
        check_password(username="Ada", password="correct horse", address="192.0.2.1")
    assert caught.value.details["minutes"] <= WINDOW.total_seconds() / 60 + 1


def test_a_guesser_locks_out_himself_and_not_the_owner() -> None:
    ada = UserFactory(username="ada")
    fail(MAX_TRIES, address="192.0.2.66")

    assert check_password(username="ada", password="correct horse", address="192.0.2.1") == ada


def test_a_name_that_nobody_has_is_counted_alike() -> None:
    fail(MAX_TRIES, username="nobody")
    with pytest.raises(TooManyTries):
        check_password(username="nobody", password="x", address="192.0.2.1")


def test_the_window_ends_and_success_clears_the_count() -> None:
    ada = UserFactory(username="ada")
    fail(MAX_TRIES)
    SignInTries.objects.update(started_at=timezone.now() - WINDOW - timedelta(seconds=1))

    assert check_password(username="ada", password="correct horse", address="192.0.2.1") == ada
    fail(2)
    check_password(username="ada", password="correct horse", address="192.0.2.1")
    assert not SignInTries.objects.exists()
