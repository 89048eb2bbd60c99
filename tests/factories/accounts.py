"""People, organisations and tokens, made through the services so that namespaces exist as well."""

from typing import Any

import factory

from accounts import services
from accounts.grants import Grant, Grants
from accounts.models import AccessToken, Membership, Organisation, Role, Scope, User


class UserFactory(factory.Factory):
    """A person called ada-1, ada-2, …; the password is `correct horse`."""

    class Meta:
        model = User

    username = factory.Sequence(lambda number: f"ada-{number}")
    password = "correct horse"

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return services.create_user(**kwargs)


class OrganisationFactory(factory.Factory):
    """An organisation with its first admin."""

    class Meta:
        model = Organisation

    name = factory.Sequence(lambda number: f"harbour-{number}")
    owner = factory.SubFactory(UserFactory)

    @classmethod
    def _create(cls, model_class: type[Organisation], *args: Any, **kwargs: Any) -> Organisation:
        return services.create_organisation(**kwargs)


def member(organisation: Organisation, role: Role) -> User:
    """A new person with this role."""
    user = UserFactory()
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


def token(user: User, scope: Scope = Scope.WRITE, **kwargs: Any) -> str:
    """The value of a fresh token."""
    number = AccessToken.objects.count()
    return services.create_token(user=user, name=f"token {number}", scope=scope, **kwargs)[1]


def bearer(user: User, scope: Scope = Scope.WRITE) -> dict[str, str]:
    """Headers for the test client, with a fresh token."""
    return {"Authorization": f"Bearer {token(user, scope)}"}


def fine_bearer(user: User, *given: Grant) -> dict[str, str]:
    """Headers with a fine-grained token that was given just this."""
    return {"Authorization": f"Bearer {token(user, Scope.FINE, grants=Grants(given))}"}
