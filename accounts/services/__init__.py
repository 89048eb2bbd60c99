"""Writes of accounts."""

from accounts.services.audit import note_audit
from accounts.services.device import answer_device, ask_device, find_device, redeem_device, refresh_token
from accounts.services.follows import follow, unfollow
from accounts.services.invitations import (
    accept_invitation,
    decline_invitation,
    invite_member,
    update_organisation,
    withdraw_invitation,
)
from accounts.services.people import (
    add_member,
    create_organisation,
    create_user,
    end_sessions,
    remove_member,
    set_password,
    update_profile,
)
from accounts.services.sign_in import check_password
from accounts.services.tokens import authenticate_token, create_token, revoke_leaked, revoke_token, rotate_token

__all__ = [
    "accept_invitation",
    "add_member",
    "answer_device",
    "ask_device",
    "authenticate_token",
    "check_password",
    "create_organisation",
    "create_token",
    "create_user",
    "decline_invitation",
    "end_sessions",
    "find_device",
    "follow",
    "invite_member",
    "note_audit",
    "redeem_device",
    "refresh_token",
    "remove_member",
    "revoke_leaked",
    "revoke_token",
    "rotate_token",
    "set_password",
    "unfollow",
    "update_organisation",
    "update_profile",
    "withdraw_invitation",
]
