"""How the catalogue reaches the hub: as any user does, through the client library and a token of its own."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import smallhub
from django.utils import timezone

from accounts import services
from accounts.models import AccessToken, Scope, User
from hub.core.exceptions import Unavailable
from training.recipes.data import PinnedFile, Source
from training.recipes.record import RECORD_FILE

TOKEN_NAME = "starter catalogue"  # noqa: S105 - a name, not a secret.
TOKEN_LIFE = timedelta(hours=2)
TIMEOUT_S = 60.0


@contextmanager
def open_door(*, endpoint: str, user: User, cache: Path) -> Iterator["Door"]:
    """Give the user a token, point the client library at this hub, and undo both at the end.

    Tokens that a killed run left behind are revoked first.
    """
    for leftover in AccessToken.objects.filter(user=user, name=TOKEN_NAME):
        services.revoke_token(token=leftover)
    token, value = services.create_token(
        user=user, name=TOKEN_NAME, scope=Scope.WRITE, expires_at=timezone.now() + TOKEN_LIFE
    )
    try:
        with client_at(endpoint, SMALLHUB_TOKEN=value, SMALLHUB_CACHE=str(cache)):
            yield Door(endpoint, user.username)
    finally:
        services.revoke_token(token=token)


class Door:
    """The hub, seen from outside."""

    def __init__(self, endpoint: str, namespace: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._namespace = namespace
        self._fetched: dict[Source, PinnedFile] = {}

    def fetch(self, source: Source) -> PinnedFile:
        """A file of a data set's newest commit, with its bytes checked on the way. Each is asked for once."""
        if source not in self._fetched:
            commit = str(smallhub.info(source.repository, revision="main", kind="dataset")["sha"])
            self._fetched[source] = fetch_at(source, commit)
        return self._fetched[source]

    def published_fingerprint(self, name: str) -> str | None:
        """What the newest commit of a repository says it was made from; None if it says nothing or is not there.

        Raises:
            Unavailable: the hub answers neither yes nor no.
        """
        address = f"{self._endpoint}/{self._namespace}/{name}/resolve/main/{RECORD_FILE}"
        try:
            answer = httpx.get(address, follow_redirects=True, timeout=TIMEOUT_S, headers=self._headers())
        except httpx.TransportError as error:
            raise Unavailable from error
        if answer.status_code in {401, 403, 404}:
            return None  # The wire tells strangers and late-comers alike that there is nothing.
        if answer.status_code != httpx.codes.OK:
            raise Unavailable
        try:
            return str(answer.json()["fingerprint"])
        except (ValueError, LookupError, TypeError):
            return None

    def publish(self, name: str, folder: Path) -> str:
        """Push a folder as one commit. Returns its id."""
        message = "Publish with the starter catalogue"
        return smallhub.push(folder, f"{self._namespace}/{name}", message=message, progress=False).commit

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {os.environ['SMALLHUB_TOKEN']}"}


def fetch_at(source: Source, commit: str) -> PinnedFile:
    """A file of a data set at a commit, with its bytes checked on the way."""
    folder = smallhub.pull(source.repository, revision=commit, kind="dataset", progress=False)
    return PinnedFile.of(source, commit=commit, local=folder / source.path)


@contextmanager
def client_at(endpoint: str, **values: str) -> Iterator[None]:
    """Point the client library at a hub by the variables that it reads, and put the old ones back afterwards.

    Its requests are not logged meanwhile: addresses of uploads are signed, and do not belong in a log.
    """
    requests = logging.getLogger("httpx")
    level = requests.level
    values |= {"SMALLHUB_ENDPOINT": endpoint, "SMALLHUB_OFFLINE": "0"}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    requests.setLevel(logging.WARNING)
    try:
        yield
    finally:
        requests.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
