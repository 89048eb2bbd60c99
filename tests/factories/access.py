"""Gated repositories with people before them, and webhooks with a log, for the tests of pages."""

from accounts.models import User
from models_registry.models import Acceptance, AccessState, Gated, Renewal, Repository, Webhook
from models_registry.services.access import GateRules, ask_access, decide_access, set_gate
from models_registry.services.webhooks import Watch, create_webhook, ping_webhook
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

GATE_CARD = """---
license: mit
extra_gated_heading: Read this before you sail
extra_gated_prompt: "You agree **not** to use these tides for navigation, or for anything that could sink."
extra_gated_fields:
  Company or university: text
  Country: country
  From: date_picker
  I want it for:
    type: select
    options: [Research, Teaching]
  I agree to the terms above, all of them, without any exception that is not written down here: checkbox
---
# Tides

Gated tides.
"""


def gated_model(owner: User, asker: User) -> Repository:
    """A gated model of this owner with people in its queue."""
    found = RepositoryFactory(user=owner, name="gated-tides")
    set_gate(
        repository=found, user=owner, gated=Gated.MANUAL, prompt="Be kind.", fields="Team: text\nI agree: checkbox"
    )
    answers = {"Team": "The harbour-master’s office of a town with a very long name", "I agree": "on"}
    ask_access(repository=found, user=asker, answers=answers)
    other = UserFactory(username="cleo", email="cleo@example.org")
    request = ask_access(repository=found, user=other, answers=answers)
    decide_access(
        repository=found, actor=owner, request=request, state=AccessState.REJECTED, reason="Only for schools."
    )
    return found


def asked_for(person: User) -> tuple[Repository, Repository]:
    """Two gated models of others: one to ask for, one asked for."""
    other = UserFactory(username="dora")
    ask = RepositoryFactory(user=other, name="storm-tides")
    put(ask, {"README.md": GATE_CARD})
    ask.refresh_from_db()
    set_gate(repository=ask, user=other, gated=Gated.MANUAL)
    asked = RepositoryFactory(user=other, name="calm-tides")
    set_gate(repository=asked, user=other, gated=Gated.MANUAL)
    ask_access(repository=asked, user=person, answers={})
    return ask, asked


def with_terms(person: User) -> tuple[Repository, Repository, Acceptance]:
    """A model whose licence's text changed since this person accepted it, one made from it, and her receipt."""
    other = UserFactory(username="fay")
    found = RepositoryFactory(user=other, name="licensed-tides")
    text = "Terms of the tides\n\n" + "".join(
        f"{number}. You must not sell tide {number}.\n" for number in range(1, 40)
    )
    put(found, {"LICENSE": text, "README.md": "---\nlicense: gemma\n---\n# Tides\n"})
    found.refresh_from_db()
    rules = GateRules(renewal=Renewal.WITHIN, renew_days=14, with_children=True)
    set_gate(repository=found, user=other, gated=Gated.AUTO, prompt="Please be **kind**.", rules=rules)
    ask_access(repository=found, user=person, answers={})
    put(found, {"LICENSE": text + "40. You must not fish.\n"})
    child = RepositoryFactory(user=UserFactory(username="gil"), name="tides-made-smaller")
    put(child, {"README.md": "---\nlicense: gemma\nbase_model: fay/licensed-tides\n---\n# Smaller\n"})
    return found, child, Acceptance.objects.get(user=person, repository=found)


def webhook_with_log(owner: User) -> Webhook:
    """A webhook with a log."""
    watched = [Watch("user", owner.username), Watch("model", f"{owner.username}/pico-lm-with-a-rather-long-name")]
    hook = create_webhook(
        user=owner,
        url="https://hooks.invalid/a/rather/long/address/of/a/build/server",
        watched=watched,
        secret="s3cret",
    )
    message = ping_webhook(user=owner, public_id=hook.public_id)
    ping_webhook(user=owner, public_id=hook.public_id)
    hook.deliveries.filter(pk=message.pk).update(
        state="delivered", status=200, response='{"ok": true}', duration_ms=41, attempt=1
    )
    return hook
