"""Writes of accounts."""

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
from accounts.services.tokens import authenticate_token, create_token, revoke_token

__all__ = [
    "add_member",
    "authenticate_token",
    "check_password",
    "create_organisation",
    "create_token",
    "create_user",
    "follow",
    "remove_member",
    "revoke_token",
    "set_password",
    "unfollow",
    "update_profile",
]
