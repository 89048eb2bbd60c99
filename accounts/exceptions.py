"""The refusals of accounts."""

from hub.core.exceptions import Conflict, Forbidden, Invalid, NotFound, OverLimit, Unauthorised


class InvalidName(Invalid):
    code = "invalid_name"
    message = "“{name}” cannot be a name here. {reason}"


class NameTaken(Conflict):
    code = "name_taken"
    message = "The name “{name}” is taken, or was once. Names are never given twice."


class InvalidToken(Invalid):
    code = "invalid_token"
    message = "A token is hf_ followed by 20 to 100 letters and digits."


class TokenNameTaken(Conflict):
    code = "token_name_taken"
    message = "You already have a token called “{name}”."


class TokenRenewsItself(Conflict):
    code = "token_renews_itself"
    message = "“{name}” is renewed by the program that signed in with it. Revoke it, and sign in again."


class BadCredentials(Unauthorised):
    code = "bad_credentials"
    message = "Invalid credentials in Authorization header"
    wire_code = ""


class SignInRequired(Unauthorised):
    code = "sign_in_required"
    message = "Invalid username or password."
    wire_code = ""


class ScopeTooSmall(Forbidden):
    code = "scope_too_small"
    message = "This token may only {scope}; this needs a token with the scope {needed}."


class GrantTooSmall(ScopeTooSmall):
    message = "This token was not given the right “{needed}” there."


class GrantsInvalid(Invalid):
    code = "invalid_grants"
    message = "{reason}"


class TokenNotHere(Forbidden):
    code = "token_not_here"
    message = "Tokens are for programs. Sign in with your password to open this page."


class NamespaceNotFound(NotFound):
    code = "namespace_not_found"
    message = "There is no user or organisation called “{name}”."


class NotAMember(Forbidden):
    code = "not_allowed_in_namespace"
    message = "You don't have the rights to create a repository under the namespace “{name}”."


class LastAdmin(Conflict):
    code = "last_admin"
    message = "{organisation} needs at least one admin."


class CannotFollowSelf(Invalid):
    code = "cannot_follow_self"
    message = "You cannot follow yourself."


class StillOwns(Conflict):
    code = "still_owns"
    message = "{name} still owns {number} repositories. Delete or transfer them first."


class StillNeeded(Conflict):
    code = "still_needed"
    message = "You are the only admin of {organisations}. Make somebody else an admin first, or delete it."


class SignUpClosed(Forbidden):
    code = "sign_up_closed"
    message = "New accounts are made by this hub's administrator."


class WrongPassword(Unauthorised):
    code = "wrong_password"
    message = "Name and password do not match. {left} tries left."


class TooManyTries(OverLimit):
    code = "too_many_tries"
    message = "Too many tries. Wait {minutes} minutes, then try again."
    wire_status = 429


class UnknownDeviceCode(NotFound):
    code = "unknown_device_code"
    message = "No program waits under this code. Codes end after 15 minutes and work once."


class OAuthRefusal(Invalid):
    """`code` is the word of RFC 6749 or RFC 8628 that clients act on."""


class AuthorisationPending(OAuthRefusal):
    code = "authorization_pending"
    message = "Nobody has answered yet."


class SlowDown(OAuthRefusal):
    code = "slow_down"
    message = "Ask less often: wait five seconds more between two questions."


class DeviceDenied(OAuthRefusal):
    code = "access_denied"
    message = "The sign-in was refused in the browser."


class DeviceExpired(OAuthRefusal):
    code = "expired_token"
    message = "The code has ended. Start again."


class InvalidGrant(OAuthRefusal):
    code = "invalid_grant"
    message = "This secret is wrong, has ended, was revoked or was used already."


class InvalidOAuthRequest(OAuthRefusal):
    code = "invalid_request"
    message = "{reason}"


class UnsupportedGrant(OAuthRefusal):
    code = "unsupported_grant_type"
    message = "This hub gives tokens to devices and renews them; it does not do “{grant}”."
    wire_status = 501
