"""A token of ours that stands in a committed file is worthless from then on."""

import pytest

from accounts.models import AccessToken, Scope
from accounts.services import authenticate_token, create_token
from models_registry.exceptions import StaleHead
from models_registry.services.commits import commit
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["TOKEN={}\n", '{{"token": "{}"}}', "login('{}')", "{}", "curl -H 'Bearer {}'"])
def test_a_token_in_a_file_is_revoked_with_the_commit(text: str):
    _, value = create_token(user=UserFactory(), name="leaked", scope=Scope.WRITE)
    _, other = create_token(user=UserFactory(), name="kept", scope=Scope.WRITE)

    put(RepositoryFactory(), {"run.sh": text.format(value)})

    assert authenticate_token(value) is None
    assert authenticate_token(other) is not None


@pytest.mark.parametrize("text", ["xhf_{}", "hf-{}", "HF_{}", "{}"])
def test_what_only_looks_like_one_changes_nothing(text: str):
    _, value = create_token(user=UserFactory(), name="kept", scope=Scope.WRITE)

    put(RepositoryFactory(), {"a.txt": text.format(value.removeprefix("hf_"))})

    assert AccessToken.objects.count() == 1


def test_a_refused_commit_revokes_nothing():
    _, value = create_token(user=UserFactory(), name="kept", scope=Scope.WRITE)
    repository = RepositoryFactory()

    with pytest.raises(StaleHead):
        commit(
            repository=repository,
            user=repository.creator,
            branch="main",
            title="Late",
            operations=[AddFile("a.txt", value.encode())],
            expected_head="0" * 40,
        )

    assert authenticate_token(value) is not None


def test_files_without_tokens_ask_nothing(django_assert_num_queries):
    from accounts.services import revoke_leaked

    with django_assert_num_queries(0):
        assert revoke_leaked(text=b"hf_short and no more" * 1000) == []
