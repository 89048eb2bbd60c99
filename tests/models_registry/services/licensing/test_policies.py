import pytest

from accounts.models import Role
from models_registry.exceptions import InvalidLicencePolicy, LicencePolicyForbidden
from models_registry.models import LicenceJudgement
from models_registry.services.licensing.policies import may_set, policy_of, set_policy
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_without_a_row_conflicts_are_only_said() -> None:
    user = UserFactory()
    assert (policy_of(user.namespace).mode, policy_of(user.namespace).holds_unknown) == ("inform", False)


def test_everybody_settles_it_in_her_own_name_and_nobody_elses() -> None:
    user, other = UserFactory(), UserFactory()
    repository = RepositoryFactory(user=user)
    LicenceJudgement.objects.all().delete()
    set_policy(namespace=user.namespace, user=user, mode="warn")
    assert policy_of(user.namespace).mode == "warn"
    assert LicenceJudgement.objects.filter(repository=repository).exists(), "it is judged anew"
    with pytest.raises(LicencePolicyForbidden):
        set_policy(namespace=user.namespace, user=other, mode="inform")


def test_of_an_organisation_only_administrators() -> None:
    founder = UserFactory()
    organisation = OrganisationFactory(owner=founder)
    assert may_set(founder, organisation.namespace)
    assert not may_set(member(organisation, Role.WRITE), organisation.namespace)


def test_an_unknown_mode_is_refused() -> None:
    user = UserFactory()
    with pytest.raises(InvalidLicencePolicy):
        set_policy(namespace=user.namespace, user=user, mode="forbid")
