"""The wire: signing in by browser, and renewing tokens (E02). Token exchange (E04) is refused in its own words."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import services
from accounts.exceptions import InvalidOAuthRequest, OAuthRefusal, TooManyTries, UnsupportedGrant
from accounts.models import Scope
from accounts.services.device import LIFETIME, Given
from accounts.views import caller_address
from hub.core.bodies import json_object, storable
from hub.core.exceptions import HubError
from hub.core.wire import status_of

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
MAX_BODY = 16 * 1024
# What clients call the right to change things. Who asks for none of these gets what the command line needs: all.
_WRITING = ("write-repos", "manage-repos", "write-discussions", "write")


@csrf_exempt  # It looks at no cookie: the secrets in the body are all that counts.
@never_cache
@require_POST
def device(request: HttpRequest) -> HttpResponse:
    """E02. A program asks for codes."""
    try:
        fields = _fields(request)
        scope = _scope(fields.get("scope", ""))
        asked = services.ask_device(
            client_id=_needed(fields, "client_id"),
            scope=scope,
            agent="".join(letter for letter in request.headers.get("User-Agent", "") if letter.isprintable()),
            address=caller_address(request),
        )
    except HubError as error:
        return _refused(error)
    page = request.build_absolute_uri(reverse("accounts:device"))
    return JsonResponse(
        {
            "device_code": asked.device_code,
            "user_code": asked.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={asked.user_code}",
            "expires_in": int(LIFETIME.total_seconds()),
            "interval": asked.row.interval_s,
        }
    )


@csrf_exempt
@never_cache
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """E02. A program asks whether she has answered, or renews its token."""
    try:
        fields = _fields(request)
        grant = _needed(fields, "grant_type")
        if grant == DEVICE_GRANT:
            given = services.redeem_device(
                device_code=_needed(fields, "device_code"), client_id=_needed(fields, "client_id")
            )
        elif grant == "refresh_token":
            given = services.refresh_token(refresh_value=_needed(fields, "refresh_token"))
        else:
            raise UnsupportedGrant(grant=grant[:100])
    except HubError as error:
        return _refused(error)
    return JsonResponse(_given(given))


def _given(given: Given) -> dict[str, str | int]:
    return {
        "access_token": given.value,
        "refresh_token": given.refresh_value,
        "expires_in": given.expires_in_s,
        "token_type": "bearer",
        "scope": given.token.scope,
    }


def _fields(request: HttpRequest) -> dict[str, str]:
    """The fields of a form, or of JSON as token exchange sends it."""
    if request.content_type == "application/json":
        found = {key: value for key, value in json_object(request, limit=MAX_BODY).items() if isinstance(value, str)}
    else:
        found = {key: str(value) for key, value in request.POST.items()}
    return {key: storable(value, key) for key, value in found.items()}


def _needed(fields: dict[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value or len(value) > 2000:
        raise InvalidOAuthRequest(reason=f"“{name}” is missing or too long.")
    return value


def _scope(words: str) -> Scope:
    asked = words.replace(",", " ").split()
    return Scope.WRITE if not asked or any(word in _WRITING for word in asked) else Scope.READ


def _refused(error: HubError) -> JsonResponse:
    """OAuth's own form of a refusal; clients act on `error`."""
    word, status = error.code, status_of(error)
    if isinstance(error, TooManyTries):
        word = "slow_down"
    elif not isinstance(error, OAuthRefusal):
        word = "invalid_request"
    response = JsonResponse({"error": word, "error_description": str(error)}, status=status)
    if isinstance(error, TooManyTries):
        response["Retry-After"] = str(int(error.details["minutes"]) * 60)
    return response
