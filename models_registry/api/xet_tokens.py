"""The wire: tokens for the chunk store (E51, E52)."""

import time

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_GET

from accounts.authentication import acting_user
from hub.core.bodies import flag
from models_registry.api.grants import BadGrant, BadXetToken, Grant, Redeemed, WrongXetScope, redeem
from models_registry.api.lookup import endpoint, find_repository
from models_registry.models import Repository
from models_registry.permissions import Action, require
from models_registry.services import quotas
from models_registry.services.revisions import find_commit
from models_registry.services.rights import require_delivery

LIFETIME_S = 3600
PURPOSE = "xet"


@require_GET
def write_token(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> JsonResponse:
    """E51. For an upload to a branch that the caller may write to, or for a pull request."""
    repository = find_repository(request, kind, namespace, name)
    is_new = flag(request.GET.get("create_pr", "false"))  # Then the client may name no revision at all.
    require_delivery(user=acting_user(request), repository=repository, ref=None if is_new else rev)
    if not is_new:
        find_commit(repository, rev)
    quotas.require_some_room(repository=repository)
    return _answer(request, repository, Grant.ask_to_deliver(request, repository, purpose=PURPOSE, subject=[rev[:200]]))


@require_GET
def read_token(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> JsonResponse:
    """E52. For downloads from a repository whose files the caller may have."""
    repository = find_repository(request, kind, namespace, name)
    require(request.user, Action.DOWNLOAD, repository)
    find_commit(repository, rev)
    grant = Grant.ask(request, repository, purpose=PURPOSE, action=Grant.READ, subject=[rev[:200]])
    return _answer(request, repository, grant)


def cas_url(request: HttpRequest, repository: Repository) -> str:
    """The address of the chunk store for one repository.

    Clients remember for weeks, by this address, which chunks they have uploaded. So it differs between repositories,
    and between hubs that had the same name at different times: what is remembered is always there.
    """
    return f"{endpoint(request)}/cas/{cas_space(repository)}"


def cas_space(repository: Repository) -> str:
    """The part of the address that belongs to this repository."""
    key = salted_hmac("smallhub.cas", str(repository.public_id), secret=settings.SECRET_KEY, algorithm="sha256")
    return key.hexdigest()[:16]


def redeem_xet_token(request: HttpRequest, space: str, *, action: str) -> Redeemed:
    """Who calls the chunk store, for which repository.

    Raises:
        BadXetToken: no token, or one that no longer holds; the client fetches another.
        WrongXetScope: a token for reading, where something is to be written.
        RepositoryNotFound, RepositoryForbidden: the right is gone.
    """
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise BadXetToken
    try:
        redeemed = redeem(value.strip(), purpose=PURPOSE, lifetime_s=LIFETIME_S)
    except BadGrant as error:
        raise BadXetToken from error
    if cas_space(redeemed.repository) != space:
        raise BadXetToken
    if action == Grant.WRITE and redeemed.grant.action == Grant.READ:
        raise WrongXetScope
    return redeemed


def _answer(request: HttpRequest, repository: Repository, grant: Grant) -> JsonResponse:
    token, expires_at_s, address = grant.sign(), int(time.time()) + LIFETIME_S, cas_url(request, repository)
    # The same three values twice: one half of the client reads the body, the other the headers.
    response = JsonResponse({"accessToken": token, "exp": expires_at_s, "casUrl": address})
    response["X-Xet-Access-Token"] = token
    response["X-Xet-Token-Expiration"] = str(expires_at_s)
    response["X-Xet-Cas-Url"] = address
    response["Cache-Control"] = "private, no-store"
    return response
