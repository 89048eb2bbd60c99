"""Somebody of each sort, and a repository of each sort for them to meet."""

import hashlib
import json
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import AccessToken, Membership, Organisation, Role, Scope, User
from evaluation.models import ItemOutputs, Receipt, Run, Step
from models_registry.api.xet_tokens import cas_space
from models_registry.models import Acceptance, AccessRequest, Kind, LicenceText, Repository, Visibility, Webhook
from models_registry.services.collections import add_item, create_collection
from models_registry.services.discussions import open_discussion
from models_registry.services.pointers import move_pointer
from models_registry.services.pull_requests import open_pull_request
from models_registry.services.refs import create_branch, create_tag
from models_registry.services.releases import create_release, yank
from models_registry.services.repositories import create_repository
from models_registry.services.webhooks import ping_webhook
from models_registry.types import AddFile
from tests.factories.accounts import OrganisationFactory, UserFactory, member, token
from tests.factories.pages import benchmark
from tests.factories.registry import put

KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET, "spaces": Kind.APP}
V1 = {"models": "models", "datasets": "datasets", "spaces": "apps"}
TYPES = {"models": "model", "datasets": "dataset", "spaces": "space"}

# Each caller's rights in repositories of the organisation: (may read private ones, may write, may administer).
RIGHTS = {
    "anonymous": (False, False, False),
    "stranger": (False, False, False),
    "reader": (True, False, False),
    "contributor": (True, False, False),
    "starter": (True, True, True),  # A contributor, in what she started herself.
    "writer": (True, True, False),
    "admin": (True, True, True),
    "administrator": (True, True, True),
}
CREDENTIALS = ("session", "read token", "write token", "admin token")


@dataclass(frozen=True)
class Place:
    """One repository and all that addresses name of it."""

    repository: Repository
    kind: str
    receipt: str
    token: int
    member: int
    collection: str
    item: str
    comment: str
    webhook: str
    delivery: int
    asking: str
    acceptance: str
    invitation: int

    def fill(self, template: Any) -> Any:
        """Put this place's parts into an address or a body."""
        if isinstance(template, dict):
            return {key: self.fill(value) for key, value in template.items()}
        if not isinstance(template, str) or template.startswith('{"'):
            return template
        parts = {
            "kind": self.kind,
            "v1": V1[self.kind],
            "type": TYPES[self.kind],
            "repo": self.repository.full_name,
            "namespace": self.repository.namespace.name,
            "name": self.repository.name,
            "space": cas_space(self.repository),
            "receipt": self.receipt,
            "token": self.token,
            "member": self.member,
            "person": "ivy",
            "collection": self.collection,
            "item": self.item,
            "invitation": self.invitation,
            "comment": self.comment,
            "webhook": self.webhook,
            "delivery": self.delivery,
            "asking": self.asking,
            "acceptance": self.acceptance,
        }
        for name, value in parts.items():
            template = template.replace(f"{{{name}}}", str(value))
        return template

    def elsewhere(self) -> "Place":
        """The same place in all but the repository's name and receipt, which belong to nothing."""
        missing = Repository(
            namespace=self.repository.namespace, kind=self.repository.kind, name="missing", pk=2**40 + 1
        )
        return replace(self, repository=missing, receipt="f" * 64)


class World:
    """All callers and places of one run of the matrix."""

    def __init__(self) -> None:
        self.organisation: Organisation = OrganisationFactory(name="harbour")
        self.people: dict[str, User] = {
            "stranger": UserFactory(username="stranger"),
            "reader": member(self.organisation, Role.READ),
            "contributor": member(self.organisation, Role.CONTRIBUTOR),
            "starter": member(self.organisation, Role.CONTRIBUTOR),
            "writer": member(self.organisation, Role.WRITE),
            "admin": self.organisation.members.get(memberships__role=Role.ADMIN),
            "administrator": services.create_user(username="overseer", is_admin=True),
        }
        self.tokens = {
            (who, f"{scope} token"): token(user, scope) for who, user in self.people.items() for scope in Scope.wide()
        }
        ivy = services.create_user(username="ivy")  # Somebody to look at, whom nobody signs in as.
        self.invitation = services.invite_member(
            organisation=self.organisation, user=ivy, role=Role.READ, by=self.people["admin"]
        )
        self.collection = create_collection(
            user=self.people["admin"], namespace=self.organisation.namespace, title="Small ones"
        )
        owner = self.people["writer"]
        self.webhook = Webhook.objects.create(owner=owner, url="https://example.org/hook")
        self.delivery = ping_webhook(user=owner, public_id=self.webhook.public_id)
        self.cookies = {who: _signed_in(user) for who, user in self.people.items()}
        self.places = {(kind, visibility): self._place(kind, visibility) for kind in KINDS for visibility in Visibility}

    def _place(self, kind: str, visibility: Visibility) -> Place:
        starter = self.people["starter"]
        repository = create_repository(
            user=starter, namespace="harbour", name=f"tiny-{visibility}", kind=KINDS[kind], visibility=visibility
        )
        files: dict[str, bytes | str] = {
            "config.json": "{}",
            "sub/a.txt": "a",
            "model.safetensors": b"\0",
            "w.safetensors": b"\x02" + bytes(7) + b"{}",
        }
        commit = put(repository, files, user=starter)
        create_branch(repository=repository, user=starter, name="old", start=None)
        put(repository, {"later.txt": "not in old", "model.safetensors": b"\1"}, user=starter)
        create_tag(repository=repository, user=starter, name="v1", revision="main", message="")
        create_release(repository=repository, user=starter, name="v1.0.0", notes="First.")
        withdrawn = create_release(repository=repository, user=starter, name="v0.9.0")
        yank(release=withdrawn, user=starter, reason="Not this one")
        move_pointer(repository=repository, user=starter, name="production", revision="v1.0.0")
        receipt = hashlib.sha256(repository.full_name.encode() + kind.encode()).hexdigest()
        run = Run.objects.filter(evaluation__commit=commit).first()
        if run is not None:
            which = benchmark(f"set-{kind}-{visibility}", "A set")
            run = Run.objects.create(evaluation=run.evaluation, step=Step.BENCHMARK, benchmark=which, position=90)
            made = Receipt.objects.create(of_run=run, run=run, sha256=receipt, body='{"run": 1}')
            ItemOutputs.objects.create(receipt=made, sha256="0" * 64, packed=b"x\x9c\x03\x00\x00\x00\x00\x01", count=0)
        owned = AccessToken.objects.filter(user=self.people["writer"]).first()
        membership = Membership.objects.get(user=self.people["reader"])
        assert owned is not None
        if (kind, visibility) == ("models", Visibility.PUBLIC):
            self.item = add_item(collection=self.collection, user=self.people["admin"], repository=repository)
        thread = open_discussion(repository=repository, user=starter, title="A question", text="Why?")
        change = [AddFile("proposed.txt", b"new")]
        open_pull_request(repository=repository, user=starter, title="A proposal", operations=change)
        comment = thread.events.get().public_id
        slug, item = self.collection.slug, self.item.public_id
        asking = AccessRequest.objects.create(
            repository=repository, user=self.people["writer"], state="rejected", updated_at=timezone.now()
        )
        text = LicenceText.objects.get_or_create(
            sha256=hashlib.sha256(b"Terms.").hexdigest(), defaults={"body": b"Terms."}
        )[0]
        accepted = Acceptance.objects.create(
            user=self.people["writer"],
            repository=repository,
            repository_kind=repository.kind,
            repository_name=repository.full_name,
            content={"prompt": "Be kind."},
            sha256="0" * 64,
            text=text,
            accepted_at=timezone.now(),
        )
        assert self.invitation is not None
        return Place(
            repository=repository,
            kind=kind,
            invitation=self.invitation.pk,
            receipt=receipt,
            token=owned.pk,
            member=membership.pk,
            collection=slug,
            item=item,
            comment=comment,
            webhook=self.webhook.public_id,
            delivery=self.delivery.pk,
            asking=asking.public_id,
            acceptance=accepted.public_id,
        )

    def callers(self) -> list[tuple[str, str]]:
        return [("anonymous", ""), *((who, credential) for who in self.people for credential in CREDENTIALS)]

    def ask(self, who: str, credential: str, method: str, address: str, body: Any, content_type: str) -> Any:
        """Send one request as this caller."""
        client = Client()  # A fresh browser each time: an answer may take its cookies away.
        if credential == "session":
            client.cookies = SimpleCookie(self.cookies[who])
        headers = {"Accept": "application/json"} if address.startswith("/api/") else {}
        if (who, credential) in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[who, credential]}"
        return client.generic(method, address, _encoded(body), content_type=content_type, headers=headers)


def _signed_in(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {name: morsel.value for name, morsel in client.cookies.items()}


def _encoded(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
