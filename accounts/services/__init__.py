"""Writes of accounts."""

from accounts.services.device import answer_device, ask_device, find_device, redeem_device, refresh_token
from accounts.services.follows import follow, unfollow
from accounts.services.people import (
    add_member,
    create_organisation,
    create_user,
    remove_member,
    set_password,
    update_profile,
)
from accounts.services.sign_in import check_password
from accounts.services.tokens import authenticate_token, create_token, revoke_leaked, revoke_token, rotate_token

__all__ = [
    "add_member",
    "answer_device",
    "ask_device",
    "authenticate_token",
    "check_password",
    "create_organisation",
    "create_token",
    "create_user",
    "find_device",
    "follow",
    "redeem_device",
    "refresh_token",
    "remove_member",
    "revoke_leaked",
    "revoke_token",
    "rotate_token",
    "set_password",
    "unfollow",
    "update_profile",
]
