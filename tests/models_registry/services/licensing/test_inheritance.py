"""Terms that pass on to what was made from a gated model: to whom, from whom, and who is let in."""

import os
import signal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from models_registry import tasks
from models_registry.exceptions import GatedRepository
from models_registry.inherited import demands_acceptance, sources_by_child
from models_registry.models import AccessRequest, Gated, InheritanceDue, InheritedGate, Repository, Visibility
from models_registry.permissions import Action, can, require
from models_registry.services.access import GateRules, ask_access, set_gate, withdraw_access
from models_registry.services.licensing import inheritance
from models_registry.services.licensing.inheritance import settle_all, settle_due, settle_heirs
from models_registry.services.repositories import delete_repository, set_visibility
from models_registry.services.undelete import restore_repository
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
PASS_ON = GateRules(with_children=True)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something, and what happens after its commit."""

    def run(deed, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return deed(*args, **kwargs)

    return run


@pytest.fixture
def parent(committed):
    found = RepositoryFactory()
    return committed(set_gate, repository=found, user=found.creator, gated=Gated.AUTO, rules=PASS_ON)


@pytest.fixture
def made_from(committed):
    def make(*bases, **more):
        child = RepositoryFactory(**more)
        lines = "".join(f"\n- {base if isinstance(base, str) else base.full_name}" for base in bases)
        committed(put, child, {"README.md": f"---\nlicense: mit\nbase_model:{lines}\n---\n"})
        child.refresh_from_db()
        return child

    return make


def may_download(user, repository) -> bool:
    """By the rule for one repository, which must be the rule of lists as well."""
    repository.refresh_from_db()
    one = can(user, Action.DOWNLOAD, repository)
    assert Repository.objects.downloadable_by(user).filter(pk=repository.pk).exists() == one
    return one


def test_a_childs_files_need_the_terms_of_its_parent_once_for_both(parent, made_from) -> None:
    child, asker = made_from(parent), UserFactory()
    assert (child.is_gated, child.has_gate, child.inherited_gate) == (True, False, "auto")
    assert not may_download(asker, child)
    with pytest.raises(GatedRepository) as caught:
        require(asker, Action.DOWNLOAD, child)
    assert caught.value.wire_code == "GatedRepo"

    request = ask_access(repository=parent, user=asker, answers={})
    assert may_download(asker, parent)
    assert may_download(asker, child)

    withdraw_access(user=asker, public_id=request.public_id)
    assert not may_download(asker, child)


def test_terms_pass_on_over_generations_and_who_owns_one_is_let_in(parent, made_from) -> None:
    child = made_from(parent)
    grandchild = made_from(child)

    assert InheritedGate.objects.get(child=grandchild).source == parent
    assert not may_download(UserFactory(), grandchild)
    assert may_download(grandchild.creator, grandchild)
    assert may_download(parent.creator, grandchild)
    assert not may_download(child.creator, grandchild)


def test_an_organisation_that_accepted_is_let_in_to_children(parent, made_from) -> None:
    child, organisation = made_from(parent), OrganisationFactory()
    founder = organisation.memberships.get().user

    ask_access(repository=parent, user=founder, answers={}, organisation=organisation)

    assert may_download(founder, child)


def test_a_gate_of_ones_own_and_an_inherited_one_are_both_needed(parent, made_from, committed) -> None:
    child, asker = made_from(parent), UserFactory()
    committed(set_gate, repository=child, user=child.creator, gated=Gated.AUTO)

    ask_access(repository=child, user=asker, answers={})
    assert not may_download(asker, child)
    ask_access(repository=parent, user=asker, answers={})
    assert may_download(asker, child)


def test_a_gate_that_is_not_passed_on_stays_its_own(parent, made_from, committed) -> None:
    child = made_from(parent)

    committed(set_gate, repository=parent, user=parent.creator, gated=Gated.AUTO, rules=GateRules())

    assert may_download(UserFactory(), child)
    assert not InheritedGate.objects.exists()


def test_a_licence_that_demands_acceptance_passes_its_gate_on(parent, made_from, committed) -> None:
    child = made_from(parent)
    committed(set_gate, repository=parent, user=parent.creator, gated=Gated.MANUAL, rules=GateRules())
    assert may_download(UserFactory(), child)

    put(parent, {"README.md": "---\nlicense: llama3.1\n---\n"})
    settle_all()

    child.refresh_from_db()
    assert child.inherited_gate == "manual"
    assert not may_download(UserFactory(), child)


@pytest.mark.parametrize(
    ("licence", "demands"),
    [("llama3.1", True), ("mit", False), ("mit OR llama3.1", False), ("mit AND llama3.1", True), ("", False)],
)
def test_which_licences_demand_acceptance(licence, demands) -> None:
    assert demands_acceptance(licence) is demands


def test_a_private_parent_passes_nothing_on_and_nothing_through(parent, made_from, committed) -> None:
    middle = made_from(parent)
    child = made_from(middle)
    committed(set_visibility, repository=middle, user=middle.creator, visibility=Visibility.PRIVATE)
    assert may_download(UserFactory(), child)

    other = made_from(parent)
    committed(set_visibility, repository=parent, user=parent.creator, visibility=Visibility.PRIVATE)
    assert may_download(UserFactory(), other)
    committed(set_visibility, repository=parent, user=parent.creator, visibility=Visibility.PUBLIC)
    assert not may_download(UserFactory(), other)


def test_what_is_deleted_passes_nothing_on_until_it_is_back(parent, made_from, committed) -> None:
    child = made_from(parent)

    committed(delete_repository, repository=parent, user=parent.creator)
    assert may_download(UserFactory(), child)
    committed(restore_repository, repository=parent, user=parent.creator)
    assert not may_download(UserFactory(), child)


def test_another_base_in_the_card_is_another_parent(parent, made_from, committed) -> None:
    child = made_from(parent)

    committed(put, child, {"README.md": "---\nlicense: mit\n---\n"})

    assert may_download(UserFactory(), child)


def test_a_circle_comes_to_rest(parent, made_from, committed) -> None:
    child = made_from(parent)

    committed(put, parent, {"README.md": f"---\nbase_model: {child.full_name}\n---\n"})

    assert list(InheritedGate.objects.values_list("child", "source")) == [(child.pk, parent.pk)]


def test_what_a_dead_process_left_undone_is_mended(parent, made_from) -> None:
    child = made_from(parent)
    InheritedGate.objects.all().delete()
    Repository.objects.update(inherited_gate="")

    assert settle_all() == 1
    assert not may_download(UserFactory(), child)
    assert settle_all() == 0


def test_the_number_of_queries_does_not_grow_with_the_children(
    parent, made_from, django_assert_max_num_queries
) -> None:
    for _ in range(6):
        made_from(parent)
    InheritedGate.objects.all().delete()

    with django_assert_max_num_queries(25):
        assert settle_heirs([parent.pk]) == 6


def test_the_wire_says_that_a_child_is_gated(parent, made_from, client) -> None:
    child = made_from(parent)

    assert client.get(f"/api/models/{child.full_name}").json()["gated"] == "auto"
    named = [row["id"] for row in client.get("/api/models?gated=true").json()]
    assert sorted(named) == sorted([child.full_name, parent.full_name])
    answer = client.get(f"/{child.full_name}/resolve/main/README.md")
    assert (answer.status_code, answer["X-Error-Code"]) == (401, "GatedRepo")
    assert not AccessRequest.objects.exists()


@given(
    st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7), max_size=4), max_size=8), st.sets(st.integers(0, 7))
)
def test_sources_are_the_passing_ancestors_whatever_the_shape(edges, passing) -> None:
    edges = {pk: edges.get(pk, set()) for pk in range(8)}
    found = sources_by_child(edges, dict.fromkeys(passing, "auto"))

    for child in edges:
        seen, left = set(), set(edges[child])
        while left:
            one = left.pop()
            seen.add(one)
            left |= edges[one] - seen
        assert found[child] == seen & passing


# Between the commit of a change and the rows that follow from it: a process may die there


def doors(user, repository) -> set[bool]:
    """What each way of asking says, with rows as they lie in the database."""
    fresh = Repository.objects.select_related("namespace").get(pk=repository.pk)
    listed = Repository.objects.downloadable_by(user).filter(pk=repository.pk).exists()
    return {can(user, Action.DOWNLOAD, fresh), listed}


def test_a_child_is_closed_from_the_commit_that_names_its_parent(parent, committed, client) -> None:
    """Nothing that comes after the commit is done here: the process died."""
    child, asker = RepositoryFactory(), UserFactory()
    put(child, {"README.md": f"---\nlicense: mit\nbase_model: {parent.full_name}\n---\n"})

    assert Repository.objects.get(pk=child.pk).inherited_gate == ""  # The rows are late.
    for user in (asker, AnonymousUser()):
        assert doors(user, child) == {False}
    assert client.get(f"/{child.full_name}/resolve/main/README.md").status_code == 401
    for user in (parent.creator, child.creator):
        assert doors(user, child) == {True}
    ask_access(repository=parent, user=asker, answers={})
    assert doors(asker, child) == {True}

    assert InheritanceDue.objects.filter(repository=child).exists()
    settle_due()
    assert not InheritanceDue.objects.exists()
    assert Repository.objects.get(pk=child.pk).inherited_gate == "auto"
    assert doors(asker, child) == {True}
    assert doors(UserFactory(), child) == {False}


def test_children_are_closed_from_the_commit_that_closes_their_parent(made_from, committed) -> None:
    ground = RepositoryFactory()
    child = made_from(ground)
    grandchild, other = made_from(child), made_from(RepositoryFactory())
    set_gate(repository=ground, user=ground.creator, gated=Gated.MANUAL, rules=PASS_ON)

    stranger = UserFactory()
    assert [doors(stranger, each) for each in (child, grandchild, other)] == [{False}, {False}, {True}]
    settle_due()
    assert [doors(stranger, each) for each in (child, grandchild, other)] == [{False}, {False}, {True}]


def test_a_licence_that_comes_to_demand_acceptance_closes_children_at_once(parent, made_from, committed) -> None:
    child = made_from(parent)
    committed(set_gate, repository=parent, user=parent.creator, gated=Gated.MANUAL, rules=GateRules())
    assert doors(UserFactory(), child) == {True}

    put(parent, {"README.md": "---\nlicense: llama3.1\n---\n"})

    assert doors(UserFactory(), child) == {False}
    settle_due()
    assert doors(UserFactory(), child) == {False}


def test_a_second_parent_counts_at_once_for_who_accepted_the_first(parent, made_from, committed) -> None:
    child, asker = made_from(parent), UserFactory()
    ask_access(repository=parent, user=asker, answers={})
    second = RepositoryFactory()
    committed(set_gate, repository=second, user=second.creator, gated=Gated.AUTO, rules=PASS_ON)
    assert doors(asker, child) == {True}

    put(child, {"README.md": f"---\nbase_model: [{parent.full_name}, {second.full_name}]\n---\n"})

    assert doors(asker, child) == {False}
    ask_access(repository=second, user=asker, answers={})
    assert doors(asker, child) == {True}


def test_where_nothing_is_late_one_look_is_all_it_costs(parent, made_from, django_assert_num_queries) -> None:
    made_from(parent)
    free = RepositoryFactory()
    InheritanceDue.objects.all().delete()
    with django_assert_num_queries(1):
        assert can(AnonymousUser(), Action.DOWNLOAD, free)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_after_the_commit_leaves_nothing_open(parent) -> None:
    """A real process pushes, commits, and is gone before what comes after the commit."""
    child = RepositoryFactory()
    lines = f"---\nlicense: mit\nbase_model: {parent.full_name}\n---\n"
    connections.close_all()  # No connection may be shared with the process that dies.
    pid = os.fork()
    if pid == 0:
        try:
            inheritance.settle_due = lambda rows=None: os.kill(os.getpid(), signal.SIGKILL)
            put(child, {"README.md": lines})
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)

    assert os.WIFSIGNALED(status)
    fresh = Repository.objects.get(pk=child.pk)
    assert (fresh.card["base_model"], fresh.inherited_gate) == (parent.full_name, "")
    assert doors(UserFactory(), child) == {False}
    tasks.judge_missed_licences()
    assert Repository.objects.get(pk=child.pk).inherited_gate == "auto"
