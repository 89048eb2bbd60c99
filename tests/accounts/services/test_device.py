"""Signing a program in by browser: codes work once, end soon and are kept as digests; what they give can be renewed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.exceptions import (
    AuthorisationPending,
    DeviceDenied,
    DeviceExpired,
    InvalidGrant,
    OAuthRefusal,
    SlowDown,
    TooManyTries,
    UnknownDeviceCode,
)
from accounts.models import AccessToken, DeviceSignIn, Scope
from accounts.services import device
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def asked(**more) -> device.Asked:
    fields = {"client_id": "hf", "scope": Scope.WRITE, "agent": "hf_hub/2.4.0", "address": "127.0.0.1"} | more
    return services.ask_device(**fields)


def approved(user, **more) -> device.Asked:
    found = asked(**more)
    row = services.find_device(user=user, user_code=found.user_code, address="127.0.0.1")
    services.answer_device(device=row, user=user, approve=True, scope=Scope.WRITE)
    return found


def redeem(found: device.Asked, client_id: str = "hf") -> device.Given:
    return services.redeem_device(device_code=found.device_code, client_id=client_id)


def test_a_yes_gives_an_ordinary_token_once():
    user = UserFactory()
    found = approved(user)

    given = redeem(found)

    token = services.authenticate_token(given.value)
    assert token is not None
    assert (token.user, token.scope) == (user, "write")
    assert token.expires_at is not None
    with pytest.raises(InvalidGrant):
        redeem(found)
    assert AccessToken.objects.of(user).count() == 1


def test_neither_code_is_kept():
    found = asked()

    row = DeviceSignIn.objects.values().get()

    assert not {found.device_code, found.user_code, found.user_code.replace("-", "")} & {str(v) for v in row.values()}


def test_until_she_answers_the_program_waits():
    with pytest.raises(AuthorisationPending):
        redeem(asked())


def test_a_program_that_asks_too_often_is_slowed_down_for_good():
    found = asked()
    with pytest.raises(AuthorisationPending):
        redeem(found)

    with pytest.raises(SlowDown):
        redeem(found)

    assert DeviceSignIn.objects.get().interval_s == device.INTERVAL_S * 2


def test_a_program_that_keeps_the_interval_is_not():
    found = asked()
    DeviceSignIn.objects.update(polled_at=timezone.now() - timedelta(seconds=device.INTERVAL_S))

    with pytest.raises(AuthorisationPending):
        redeem(found)


def test_a_no_is_final():
    user, found = UserFactory(), asked()
    row = services.find_device(user=user, user_code=found.user_code, address="")
    services.answer_device(device=row, user=user, approve=False, scope=Scope.READ)

    with pytest.raises(DeviceDenied):
        redeem(found)
    with pytest.raises(UnknownDeviceCode):
        services.answer_device(device=row, user=user, approve=True, scope=Scope.WRITE)
    assert not AccessToken.objects.exists()


def test_codes_end():
    user, found = UserFactory(), asked()
    row = services.find_device(user=user, user_code=found.user_code, address="")
    DeviceSignIn.objects.update(expires_at=timezone.now())

    with pytest.raises(UnknownDeviceCode):
        services.find_device(user=user, user_code=found.user_code, address="")
    with pytest.raises(UnknownDeviceCode):
        services.answer_device(device=row, user=user, approve=True, scope=Scope.WRITE)
    with pytest.raises(DeviceExpired):
        redeem(found)


@pytest.mark.parametrize("offset_s", [0, 1, 59, 60, 899, 900, 901, 960, 5000])
def test_what_was_given_once_is_never_given_again(offset_s: int):
    """At any age of the code, also past its end with leeway."""
    found = approved(UserFactory())
    redeem(found)
    created = timezone.now() - timedelta(seconds=offset_s)
    DeviceSignIn.objects.update(expires_at=created + device.LIFETIME)

    with pytest.raises(OAuthRefusal):
        redeem(found)


def test_another_program_cannot_use_the_secret():
    with pytest.raises(InvalidGrant):
        redeem(approved(UserFactory()), client_id="another")


def test_a_code_is_read_however_it_is_typed():
    found = asked()

    typed = f" {found.user_code.lower().replace('-', ' ')} "

    assert services.find_device(user=UserFactory(), user_code=typed, address="").pk == found.row.pk


def test_guessing_codes_ends_in_a_pause():
    user, found = UserFactory(), asked()
    for _ in range(8):
        with pytest.raises(UnknownDeviceCode):
            services.find_device(user=user, user_code="BBBBBBBB", address="")

    with pytest.raises(TooManyTries):
        services.find_device(user=user, user_code=found.user_code, address="")


def test_one_address_opens_only_so_many():
    for _ in range(device.MAX_OPEN):
        asked()

    with pytest.raises(TooManyTries):
        asked()
    asked(address="10.0.0.9")


def test_ended_codes_are_swept():
    asked()
    DeviceSignIn.objects.update(expires_at=timezone.now() - device.KEPT - timedelta(seconds=1))

    asked()

    assert DeviceSignIn.objects.count() == 1


def test_a_person_who_is_gone_gets_nothing():
    user = UserFactory()
    found = approved(user)
    user.is_active = False
    user.save()

    with pytest.raises(InvalidGrant):
        redeem(found)


def test_renewing_replaces_both_secrets_of_the_same_token():
    given = redeem(approved(UserFactory()))

    renewed = services.refresh_token(refresh_value=given.refresh_value)

    assert renewed.token.pk == given.token.pk
    assert services.authenticate_token(given.value) is None
    assert services.authenticate_token(renewed.value) is not None
    with pytest.raises(InvalidGrant):
        services.refresh_token(refresh_value=given.refresh_value)


def test_a_revoked_token_cannot_be_renewed():
    given = redeem(approved(UserFactory()))

    services.revoke_token(token=given.token)

    with pytest.raises(InvalidGrant):
        services.refresh_token(refresh_value=given.refresh_value)


def test_an_ended_token_can_be_renewed_while_its_second_secret_lives():
    given = redeem(approved(UserFactory()))
    AccessToken.objects.update(expires_at=timezone.now())
    assert services.authenticate_token(given.value) is None

    renewed = services.refresh_token(refresh_value=given.refresh_value)

    assert services.authenticate_token(renewed.value) is not None
    AccessToken.objects.update(refresh_until=timezone.now())
    with pytest.raises(InvalidGrant):
        services.refresh_token(refresh_value=renewed.refresh_value)


@pytest.mark.parametrize("value", ["", "hfr_x", "hf_x"])
def test_no_other_secret_renews(value: str):
    redeem(approved(UserFactory()))

    with pytest.raises(InvalidGrant):
        services.refresh_token(refresh_value=value)


@pytest.mark.django_db(transaction=True)
def test_of_many_that_redeem_at_once_one_gets_the_token():
    found = approved(UserFactory())

    def attempt(_: int) -> bool:
        try:
            redeem(found)
        except InvalidGrant:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(attempt, range(5))) == 1
    assert AccessToken.objects.count() == 1
