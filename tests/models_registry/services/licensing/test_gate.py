"""Releases and licences: held where the namespace wants it, beside what is measured, never against it."""

import pytest

from models_registry.models import Release, ReleaseGate, Repository
from models_registry.services import gating
from models_registry.services.licensing import judgements
from models_registry.services.licensing.policies import set_policy
from models_registry.services.releases import create_release
from models_registry.services.revisions import find_commit
from tests.models_registry.services.licensing.test_judgements import declare, model, sweep

pytestmark = pytest.mark.django_db


@pytest.fixture
def child() -> Repository:
    """An MIT fine-tune of a base that forbids sale."""
    base = model("base", "cc-by-nc-4.0")
    return model("child", "mit", base.full_name)


def settle(repository: Repository, mode: str, *, holds_unknown: bool = False) -> None:
    set_policy(namespace=repository.namespace, user=repository.creator, mode=mode, holds_unknown=holds_unknown)
    sweep()


def release(repository: Repository, name: str = "v1.0.0") -> Release:
    return create_release(repository=repository, user=repository.creator, name=name)


def gate_of(found: Release) -> tuple[str, str]:
    row = Release.objects.get(pk=found.pk)
    return row.gate, row.gate_reason


def test_a_release_is_held_and_the_reason_names_both_clauses(child) -> None:
    settle(child, "block")
    gate, reason = gate_of(release(child))
    assert gate == "failed"
    assert "forbids commercial use" in reason
    assert "CC-BY-NC-4.0 2(a)(1), 1(i)" in reason
    assert "MIT ¶1" in reason
    assert len(reason) <= 500


@pytest.mark.parametrize(("mode", "speaks"), [("inform", False), ("warn", True)])
def test_without_block_it_passes(child, mode, speaks) -> None:
    settle(child, mode)
    gate, reason = gate_of(release(child))
    assert gate == "passed"
    assert bool(reason) == speaks


def test_latest_passes_over_what_is_held_and_names_it_once_the_policy_lets_go(child) -> None:
    first = release(child)
    settle(child, "block")
    assert gate_of(first)[0] == "failed"
    settle(child, "inform")
    assert gate_of(first) == ("passed", "")
    assert find_commit(child, "latest").pk == first.commit_id


def test_a_licence_that_is_put_right_frees_later_releases_alone(child) -> None:
    settle(child, "block")
    first = release(child)
    declare(child, "cc-by-nc-4.0", judgements.of(child).conflicts and _base(child))
    sweep()
    second = release(child, "v1.1.0")
    assert gate_of(second)[0] == "passed"
    assert gate_of(first)[0] == "failed", "its own card still says MIT"
    assert find_commit(child, "latest").pk == second.commit_id


def _base(child: Repository) -> str:
    return str(child.card["base_model"])


def test_neither_opinion_takes_back_what_the_other_holds(child) -> None:
    settle(child, "block")
    found = release(child)
    gating.set_gate(release=found, gate=ReleaseGate.PASSED)
    assert gate_of(found)[0] == "failed", "the licence holds it"
    gating.set_gate(release=found, gate=ReleaseGate.FAILED, reason="Pairs got worse.")
    assert "Pairs got worse." in gate_of(found)[1]
    assert "forbids commercial use" in gate_of(found)[1]
    settle(child, "inform")
    assert gate_of(found) == ("failed", "Pairs got worse.")
    gating.set_gate(release=found, gate=ReleaseGate.PASSED)
    assert gate_of(found) == ("passed", "")


def test_an_override_lets_it_pass_and_stays_until_something_new_is_said(child) -> None:
    settle(child, "block")
    found = release(child)
    gating.override_gate(release=found, user=child.creator, reason="We have it in writing.")
    settle(child, "block")
    assert gate_of(found) == ("passed", "We have it in writing.")
    gating.set_gate(release=found, gate=ReleaseGate.FAILED, reason="Pairs got worse.")
    assert gate_of(found)[0] == "failed", "what was measured is another matter"
    gating.override_gate(release=found, user=child.creator, reason="That too.")
    base = Repository.objects.get(name="base")
    declare(base, "gpl-3.0")
    sweep()
    assert gate_of(found)[0] == "failed", "another conflict is another matter"


def test_what_was_measured_before_is_kept(child) -> None:
    found = release(child)
    found.opinions.all().delete()
    Release.objects.filter(pk=found.pk).update(gate="failed", gate_reason="It got worse.")
    settle(child, "block")
    assert "It got worse." in gate_of(found)[1]
    assert "forbids commercial use" in gate_of(found)[1]
    settle(child, "inform")
    assert gate_of(found) == ("failed", "It got worse.")


def test_what_cannot_be_told_is_held_only_where_one_says_so() -> None:
    lonely = model("lonely", "mit", "somebody/elsewhere")
    settle(lonely, "block")
    found = release(lonely)
    assert gate_of(found)[0] == "passed"
    settle(lonely, "block", holds_unknown=True)
    assert gate_of(found)[0] == "failed"
    assert "not known" in gate_of(found)[1]
