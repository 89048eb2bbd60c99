"""A real Chromium against a real server, with pages of every kind to look at."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.core.cache import cache

from accounts import services as accounts_services
from evaluation.models import Receipt
from models_registry.services.collections import add_item, create_collection
from models_registry.services.licensing.files import read_commit
from models_registry.services.likes import like_repository
from models_registry.services.pointers import move_pointer
from models_registry.services.refs import create_branch
from models_registry.services.releases import create_release, yank
from tests.factories.access import asked_for, gated_model, webhook_with_log, with_terms
from tests.factories.accounts import OrganisationFactory, UserFactory, token
from tests.factories.community import talk
from tests.factories.outputs import answered, set_of_texts
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory, put
from tests.factories.versions import compared


@dataclass
class Watch:
    """A page and what went wrong on it: console errors, script errors, requests to other hosts."""

    page: object
    base: str
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("request", self._asked)

    def _heard(self, message) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, request) -> None:
        self.requests.append(f"{request.method} {request.url.removeprefix(self.base)}")
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"foreign request: {request.url}")

    def go(self, path: str):
        return self.page.goto(self.base + path)

    def sign_in(self, user) -> None:
        self.go("/login")
        self.page.fill("[name=username]", user.username)
        self.page.fill("[name=password]", "correct horse")
        self.page.click("main button.btn--main")
        self.page.wait_for_url(self.base + "/")


@pytest.fixture
def watch(chromium, live_server) -> Iterator[Callable[..., Watch]]:
    """Opens watched pages: `watch(width=390, theme="dark")`."""
    cache.clear()
    contexts = []

    def opened(*, width: int = 1280, theme: str = "light", language: str = "en", **options: object) -> Watch:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, locale=language, **options
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return Watch(context.new_page(), live_server.url)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def everything(live_server):
    """One of each: pages by name, and who may see them."""
    user = UserFactory(username="ada-wyn", full_name="Ada Wyn")
    organisation = OrganisationFactory(owner=user, name="harbour")
    pairs = benchmark()
    text = benchmark(
        "core-text-en",
        "Running text, English",
        scale={"low": 0.5, "high": 6, "kind": "linear"},
        unit="bits/byte",
        higher_is_better=False,
    )
    pico = model(user=user, name="pico-lm-with-a-rather-long-name-that-must-wrap-somewhere-on-phones-too")
    put(
        pico,
        {"train/recipe.py": "def f():\n    return 1\n", "a.bin": b"\0\1", "notes.md": "# N\n\n|a|b|\n|-|-|\n|1|2|"},
    )
    pico.refresh_from_db()
    measured(pico, {pairs: 0.749, text: 1.83})
    first = create_release(repository=pico, user=user, name="v1.0.0", revision=pico.head, notes="# First\n\nAs it is.")
    put(pico, {"train/recipe.py": "def f():\n    return 2\n", "fresh.txt": "new"}, title="Second")
    create_release(repository=pico, user=user, name="v1.1.0")
    yank(release=first, user=user, reason="Not this one")
    move_pointer(repository=pico, user=user, name="production", revision="v1.1.0", note="Go")
    create_branch(repository=pico, user=user, name="side", start="v1.0.0")
    pico.refresh_from_db()
    measured(pico, {pairs: 0.761, text: 1.8})
    measured(model(user=user, name="running"), {pairs: 0.7}, status="running", states={"cost": "running"})
    measured(model(user=user, name="broken"), {}, states={"smoke": "failed", "cost": "not_applicable"})
    data = RepositoryFactory(user=user, name="tides", dataset=True)
    put(
        data,
        {
            "train.jsonl": "".join(
                json.dumps({"text": "The tide turns. " * number, "label": number % 2, "tags": ["sea", "salt"]}) + "\n"
                for number in range(60)
            ),
            "test.jsonl": '{"text": "Low water", "label": 0, "tags": []}\n',
        },
    )
    app = RepositoryFactory(user=user, name="tide-clock", kind="app")
    sketch = RepositoryFactory(user=user, name="sketch", draft=True)
    own = "---\nlicenses:\n  '*.bin': cc-by-nc-4.0\n---\n# Sketch\n"
    read_commit(commit=put(sketch, {"README.md": own, "LICENSE": "SPDX-License-Identifier: MIT\n", "a.bin": "1"}))
    token(user)
    friend = UserFactory(username="ben", full_name="Ben of the long and winding family name")
    accounts_services.follow(user=friend, namespace=user.namespace)
    accounts_services.follow(user=user, namespace=organisation.namespace)
    for repository in (pico, data):
        like_repository(repository=repository, user=user)
    accounts_services.invite_member(organisation=organisation, user=friend, role="write", by=user)
    asking = OrganisationFactory(owner=friend, name="asking-organisation")
    accounts_services.invite_member(organisation=asking, user=user, role="read", by=friend)
    collection = create_collection(
        user=user, namespace=user.namespace, title="Models for phones, small and measured", description="What fits."
    )
    for repository in (pico, data):
        add_item(collection=collection, user=user, repository=repository, note="A note on it.")
    at = f"/{pico.full_name}"
    asked = accounts_services.ask_device(
        client_id="26be6b09-91c5-47da-9861-d2d2bb7a7e36", scope="write", agent="hf_hub/2.4.0", address="127.0.0.1"
    )
    comment = talk(model(user=user, name="discussed"), user)
    talks = "/ada-wyn/discussed/discussions"
    receipt = Receipt.objects.filter(of_run__evaluation__commit__oid=pico.head).first()
    moods = model(user=pico.creator, name="moods")
    answers = answered(moods, set_of_texts(), said={"0-1": "b", "2-3": "b"})
    gated, asks, hook = gated_model(user, friend), asked_for(user), webhook_with_log(user)
    terms = with_terms(user)
    before, after = compared(user)
    pages = {
        "a better version": f"/{after.repository.full_name}",
        "measured over time": f"/{after.repository.full_name}/versions",
        "nothing over time": "/ada-wyn/running/versions",
        "told apart": f"/{after.repository.full_name}/compare/v1.0.0..v1.1.0",
        "flipped items": f"/{after.repository.full_name}/flips/{before.commit.oid}..{after.commit.oid}?benchmark=pairs",
        "held release": f"/{after.repository.full_name}/releases/v1.2.0",
        "gated model": f"/{gated.full_name}",
        "home": "/",
        "models": "/models",
        "models, one task, compact": "/models?task=text-generation&density=compact",
        "models, nothing found": "/models?q=nothing-at-all",
        "leaderboards": "/leaderboards",
        "leaderboard": f"/leaderboards/{pairs.key}?mark={pico.full_name}",
        "leaderboard, by time, nothing fits": f"/leaderboards/{pairs.key}?axis=ms&max_mb=0.001",
        "leaderboard of a part, empty": f"/leaderboards/{pairs.key}?tier=quick",
        "leaderboards of a task": "/leaderboards/tasks/text-generation",
        "leaderboards of nothing": "/leaderboards/domains/juggling",
        "leaderboard in a frame": f"/embed/leaderboards/{text.key}",
        "comparing models": f"/compare?models={pico.full_name}&models=ada-wyn/running",
        "choosing models to compare": "/compare",
        "data sets": "/datasets",
        "apps": "/spaces",
        "app": f"/spaces/{app.full_name}",
        "model": at,
        "data set": f"/datasets/{data.full_name}",
        "rows": f"/datasets/{data.full_name}/rows?q=tide",
        "files": f"{at}/tree/main",
        "text file": f"{at}/blob/main/train/recipe.py",
        "markdown file": f"{at}/blob/main/notes.md",
        "discussions": talks,
        "discussions, closed": f"{talks}?status=closed",
        "discussion": f"{talks}/1",
        "pull request": f"{talks}/2",
        "pull request, commits": f"{talks}/2/commits",
        "pull request, files": f"{talks}/2/files",
        "pull request in conflict": f"{talks}/3",
        "draft": f"{talks}/4",
        "go to file": f"{at}/find/main?q=train",
        "history of a file": f"{at}/commits/main/notes.md",
        "binary file": f"{at}/blob/main/a.bin",
        "history": f"{at}/commits/main",
        "commit": f"{at}/commit/main",
        "licence": f"{at}/licence",
        "no licence": "/ada-wyn/running/licence",
        "licence, disagreeing": f"/{sketch.full_name}/licence",
        "releases": f"{at}/releases",
        "no releases": "/ada-wyn/running/releases",
        "release": f"{at}/releases/v1.1.0",
        "yanked release": f"{at}/releases/v1.0.0",
        "choosing versions": f"{at}/compare",
        "compared versions": f"{at}/compare/v1.0.0..v1.1.0",
        "branches": f"{at}/refs",
        "pointers": f"{at}/pointers",
        "storage": f"{at}/storage",
        "tensors": f"{at}/tensors/main",
        "tensors, filtered": f"{at}/tensors/main?q=e",
        "no tensors": "/ada-wyn/broken/tensors/main",
        "evaluations": f"{at}/evaluations",
        "evaluation": f"{at}/evaluations/main",
        "running evaluation": "/ada-wyn/running/evaluations/main",
        "failed model": "/ada-wyn/broken",
        "items": f"/{moods.full_name}/evaluations/{moods.head}/receipts/{answers.sha256}/items",
        "items, wrong ones": f"/{moods.full_name}/evaluations/{moods.head}/receipts/{answers.sha256}/items?show=wrong",
        "receipt": f"{at}/evaluations/{pico.head}/receipts/{receipt.sha256}",
        "person": "/ada-wyn",
        "organisation": "/harbour",
        "collections of a person": "/ada-wyn?kind=collections",
        "likes of a person": "/ada-wyn?kind=likes",
        "followers of a person": "/ada-wyn?kind=followers",
        "members of an organisation": "/harbour?kind=members",
        "who likes it": f"{at}/likers",
        "collections": "/collections",
        "collection": f"/collections/{collection.slug}",
        "licences": "/licences",
        "licences, none found": "/licences?q=nothing-at-all",
        "a licence": "/licences/MIT",
        "a licence without data sets": "/licences/AGPL-3.0-only?show=datasets",
        "benchmarks": "/benchmarks",
        "benchmark": "/benchmarks/core-pairs-en",
        "suites": "/suites",
        "domain": "/suites/healthcare",
        "suite": "/suites/language",
        "status": "/status",
        "workers and queue": "/status/workers",
        "sign in": "/login",
        "sign up": "/join",
    }
    private = {
        "who asked for files": f"/{gated.full_name}/settings/access",
        "who was rejected": f"/{gated.full_name}/settings/access?state=rejected",
        "ask for files": f"/{asks[0].full_name}/ask-access",
        "files asked for": f"/{asks[1].full_name}/ask-access",
        "gated model, waiting": f"/{asks[1].full_name}",
        "own requests": "/settings/access",
        "the gate": f"/{gated.full_name}/settings/access/gate",
        "terms to accept": f"/{terms[0].full_name}/ask-access",
        "terms of a base": f"/{terms[1].full_name}/ask-access",
        "terms on the licence's page": f"/{terms[0].full_name}/licence",
        "accepted": "/settings/acceptances",
        "receipt of an acceptance": f"/settings/acceptances/{terms[2].public_id}",
        "register a benchmark": "/benchmarks/register",
        "webhooks": "/settings/webhooks",
        "new webhook": "/settings/webhooks/new",
        "webhook": f"/settings/webhooks/{hook.public_id}",
        "webhook, nothing failed": f"/settings/webhooks/{hook.public_id}?state=failed",
        "message": f"/settings/webhooks/{hook.public_id}/deliveries/{hook.deliveries.first().pk}",
        "new": "/new",
        "collection to change": f"/collections/{collection.slug}?find=broken",
        "collection to delete": f"/collections/{collection.slug}/delete",
        "new collection": f"/collections/new?kind=model&name={pico.full_name}",
        "add to a collection": f"/collections/choose?kind=model&name={pico.full_name}",
        "code of a program": "/login/device",
        "profile of an organisation": f"/settings/organizations/{organisation.name}/profile",
        "licences let in": f"/settings/organizations/{organisation.name}/licences/allowed",
        "log of an organisation": f"/settings/organizations/{organisation.name}/log",
        "organisation to delete": f"/settings/organizations/{organisation.name}/delete",
        "licences of an account": "/settings/licences",
        "licences of an organisation": f"/settings/organizations/{organisation.name}/licences",
        "account to delete": "/settings/delete",
        "program asking": f"/login/device?user_code={asked.user_code}",
        "add files": f"{at}/upload/main",
        "new file": f"{at}/new/main/train",
        "edit a file": f"{at}/edit/main/notes.md",
        "rename a folder": f"{at}/move/main/train",
        "delete a file": f"{at}/delete/main/notes.md",
        "settings": f"{at}/settings",
        "settings, gate": f"/{after.repository.full_name}/settings/gate",
        "settings, visibility": f"{at}/settings/visibility",
        "settings, licence": f"{at}/settings/licence?sell=no&share=yes",
        "a draft that needs a licence": f"/{sketch.full_name}",
        "licence of a draft": f"/{sketch.full_name}/settings/licence",
        "settings, names": f"{at}/settings/names",
        "settings, delete": f"{at}/settings/danger",
        "deleted lately": "/settings/deleted",
        "new discussion": f"{talks}/new",
        "new pull request": f"{talks}/new?kind=pull_request",
        "comment, edited": f"{talks}/1/comments/{comment}/edit",
        "own discussion": f"{talks}/1",
        "own pull request": f"{talks}/2",
        "mentions": "/settings/mentions",
        "new release": f"{at}/new-release",
        "restore": f"{at}/restore/v1.0.0",
        "profile": "/settings/profile",
        "tokens": "/settings/tokens",
        "organisations": "/settings/organizations",
        "members": f"/settings/organizations/{organisation.name}",
    }
    return {"user": user, "pages": pages, "private": private, "model": pico, "benchmarks": (pairs, text)}
