"""The gate: which release `latest` names, what speaks against one, and who may let it pass."""

import pytest

from accounts.models import Role
from evaluation.exceptions import InvalidPolicy, MergeBlocked
from evaluation.models import Comparison, Evaluation, GatePolicy, Run, State, Step
from evaluation.services import gates
from models_registry.exceptions import InvalidRelease, ReleaseState, RepositoryForbidden
from models_registry.models import AuditEntry, Release, Repository
from models_registry.services.gating import override_gate
from models_registry.services.pull_requests import merge_pull_request, open_pull_request
from models_registry.services.revisions import latest_release
from models_registry.types import AddFile
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.evaluation import evaluation_of
from tests.factories.registry import RepositoryFactory
from tests.factories.versions import BAD, GOOD, SIMILAR, released, settled, version

pytestmark = pytest.mark.django_db


def with_policy(mode: str = "block", **changes: object) -> Repository:
    repository = RepositoryFactory()
    wanted = {"blocks_merge": False} | changes
    version(repository, marks=GOOD)
    gates.set_policy(repository=repository, user=repository.creator, mode=mode, **wanted)
    return repository


def first_release(repository: Repository) -> Release:
    return released(Evaluation.objects.get(repository=repository), "v1.0.0")


def fresh(release: Release) -> Release:
    return Release.objects.get(pk=release.pk)


def latest(repository: Repository) -> str:
    found = latest_release(repository)
    return found.name if found else ""


def test_a_repository_warns_unless_it_is_told_otherwise():
    first = version(marks=GOOD)
    released(first, "v1.0.0")
    worse = version(first.repository, marks=BAD)
    release = released(worse, "v1.1.0")
    settled(worse)

    assert gates.policy_of(first.repository).mode == "warn"
    assert fresh(release).gate == "passed"
    assert "got worse: 90.0 %, now 60.0 %" in fresh(release).gate_reason
    assert latest(first.repository) == "v1.1.0"


def test_a_release_that_got_worse_is_not_latest():
    repository = with_policy()
    first_release(repository)
    worse = version(repository, marks=BAD)
    release = released(worse, "v1.1.0")

    assert fresh(release).gate == "waiting"
    assert latest(repository) == "v1.0.0"
    settled(worse)
    assert fresh(release).gate == "failed"
    assert latest(repository) == "v1.0.0"
    assert [event.kind for event in release.events.all()] == ["created", "gate", "gate"]


def test_a_release_that_is_no_worse_becomes_latest_when_it_is_measured():
    repository = with_policy()
    first_release(repository)
    unmeasured = evaluation_of(repository, config_json="{}")
    release = released(unmeasured, "v1.1.0")
    assert (fresh(release).gate, latest(repository)) == ("waiting", "v1.0.0")

    Run.objects.filter(evaluation=unmeasured).update(state=State.NOT_APPLICABLE)
    Run.objects.filter(evaluation=unmeasured, step=Step.SCAN).update(state=State.QUEUED)
    from tests.factories.evaluation import passed, run_of

    passed(run_of(unmeasured, Step.SCAN))
    settled(unmeasured)
    assert (fresh(release).gate, latest(repository)) == ("passed", "v1.1.0")


def test_the_second_bad_one_is_held_against_the_last_good_one():
    repository = with_policy()
    first_release(repository)
    for name in ("v1.1.0", "v1.2.0"):
        worse = version(repository, marks=BAD)
        release = released(worse, name)
        settled(worse)
        assert fresh(release).gate == "failed"
    assert latest(repository) == "v1.0.0"


def test_not_told_apart_passes_unless_the_benchmark_must_be_told():
    repository = with_policy()
    first_release(repository)
    similar = version(repository, marks=SIMILAR)
    release = released(similar, "v1.1.0")
    settled(similar)
    assert fresh(release).gate == "passed"

    strict = with_policy(required=["pairs"])
    first_release(strict)
    similar = version(strict, marks=SIMILAR)
    release = released(similar, "v1.1.0")
    settled(similar)
    assert fresh(release).gate == "failed"
    assert "does not tell whether it got worse" in fresh(release).gate_reason


def test_a_wider_margin_lets_a_small_loss_pass():
    repository = with_policy(margins={"pairs": 40.0})
    first_release(repository)
    worse = version(repository, marks=BAD)
    release = released(worse, "v1.1.0")
    settled(worse)

    assert fresh(release).gate == "passed"
    assert Comparison.objects.get(evaluation=worse).benchmarks.get().verdict == "regressed"


def test_what_broke_speaks_against_a_release_even_without_a_score():
    repository = with_policy()
    first_release(repository)
    broken = version(repository)
    broken.runs.filter(step=Step.BENCHMARK).update(state=State.TIMED_OUT)
    broken.runs.get(step=Step.BENCHMARK).score.delete()
    release = released(broken, "v1.1.0")
    settled(broken)

    assert fresh(release).gate == "failed"
    assert "could be measured before and failed now" in fresh(release).gate_reason


def test_a_loosened_policy_lets_the_held_ones_pass():
    repository = with_policy()
    first_release(repository)
    worse = version(repository, marks=BAD)
    release = released(worse, "v1.1.0")
    settled(worse)

    gates.set_policy(repository=repository, user=repository.creator, mode="off", blocks_merge=False)

    assert (fresh(release).gate, fresh(release).gate_reason) == ("passed", "")
    assert repository.audit_entries.filter(deed=AuditEntry.Deed.GATE).count() == 2


def test_an_administrator_lets_one_pass_with_a_reason_that_stays():
    repository = with_policy()
    first_release(repository)
    worse = version(repository, marks=BAD)
    release = released(worse, "v1.1.0")
    settled(worse)

    override_gate(release=release, user=repository.creator, reason="  The pairs test what we gave up. ")

    assert fresh(release).gate == "passed"
    assert fresh(release).gate_reason == "The pairs test what we gave up."
    assert latest(repository) == "v1.1.0"
    entry = repository.audit_entries.first()
    assert (entry.deed, entry.details["reason"]) == ("gate", "The pairs test what we gave up.")
    gates.settle_releases(worse)
    assert fresh(release).gate == "passed"
    with pytest.raises(ReleaseState):
        override_gate(release=release, user=repository.creator, reason="Again.")


def test_others_may_neither_override_nor_settle():
    holder = OrganisationFactory()
    repository = RepositoryFactory(user=member(holder, Role.ADMIN), namespace=holder.name)
    release = released(version(repository), "v1.0.0")
    Release.objects.update(gate="failed")
    writer = member(holder, Role.WRITE)

    with pytest.raises(RepositoryForbidden):
        override_gate(release=fresh(release), user=writer, reason="Please.")
    with pytest.raises(RepositoryForbidden):
        gates.set_policy(repository=repository, user=writer, mode="off", blocks_merge=False)
    assert not GatePolicy.objects.exists()


@pytest.mark.parametrize("reason", ["", "  ", "a\x00b", "x" * 501])
def test_an_override_needs_a_reason(reason: str):
    release = released(version(), "v1.0.0")
    Release.objects.update(gate="failed")
    with pytest.raises(InvalidRelease):
        override_gate(release=fresh(release), user=release.repository.creator, reason=reason)


@pytest.mark.parametrize(
    "wanted",
    [
        {"mode": "sometimes"},
        {"mode": "block", "margins": {"pairs": 0.0}},
        {"mode": "block", "margins": {"pairs": float("nan")}},
        {"mode": "block", "required": ["never-was"]},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wanted: dict[str, object]):
    repository = version().repository
    with pytest.raises(InvalidPolicy):
        gates.set_policy(repository=repository, user=repository.creator, blocks_merge=False, **wanted)


def test_a_merge_waits_for_the_measurement_where_the_policy_says_so():
    repository = with_policy("warn", blocks_merge=True)
    user = repository.creator
    opened = open_pull_request(
        repository=repository, user=user, title="Try", operations=[AddFile("config.json", b'{"pull": 1}')]
    )

    with pytest.raises(MergeBlocked, match="not measured yet"):
        merge_pull_request(discussion=opened.discussion, user=user)
    merge_pull_request(discussion=opened.discussion, user=user, text="Measured by hand.")
    assert repository.audit_entries.first().details["reason"] == "Measured by hand."


def test_a_merge_is_free_by_default():
    repository = version().repository
    user = UserFactory()
    opened = open_pull_request(
        repository=repository, user=user, title="Try", operations=[AddFile("config.json", b'{"pull": 1}')]
    )
    merge_pull_request(discussion=opened.discussion, user=repository.creator)
