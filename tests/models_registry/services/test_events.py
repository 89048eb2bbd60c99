import pytest
from django.db import transaction

from accounts.models import Role
from models_registry.models import Repository, Visibility, Webhook, WebhookDelivery, WebhookWatch
from models_registry.services.events import note_event
from models_registry.services.refs import create_branch, create_tag, delete_branch, delete_tag
from models_registry.services.repositories import create_repository
from models_registry.types import RefChange
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def watching(kind: str, name: str, **fields: object) -> Webhook:
    """A live webhook of a new person that watches one name."""
    hook = Webhook.objects.create(**({"owner": UserFactory(), "url": "https://example.org/hook"} | fields))
    WebhookWatch.objects.create(webhook=hook, kind=kind, name=name, key=name.lower())
    return hook


def test_a_webhook_hears_of_the_repository_and_of_its_owner_once_each() -> None:
    repository = RepositoryFactory()
    by_name = watching("model", repository.full_name.upper())
    by_owner = watching("user", repository.namespace.name)
    WebhookWatch.objects.create(webhook=by_owner, kind="model", name="x", key=repository.key)
    watching("dataset", repository.full_name)
    watching("model", "somebody/else")
    WebhookDelivery.objects.all().delete()

    made = note_event(repository=repository, action="update", scope="repo.content")

    assert made == 2
    assert set(WebhookDelivery.objects.values_list("webhook", flat=True)) == {by_name.pk, by_owner.pk}


def test_a_watch_follows_a_repository_that_moves() -> None:
    repository = RepositoryFactory()
    hook = watching("model", repository.full_name)
    hook.watches.update(repository=repository, key="an-old/name")

    assert note_event(repository=repository, action="move", scope="repo") == 1


def test_the_domains_part_discussions_from_repositories() -> None:
    repository = RepositoryFactory()
    watching("model", repository.full_name, on_repo=False)
    both = watching("model", repository.full_name)

    note_event(repository=repository, action="update", scope="repo.config")
    assert list(WebhookDelivery.objects.values_list("webhook", flat=True)) == [both.pk]
    assert note_event(repository=repository, action="create", scope="discussion.comment") == 2


def test_disabled_webhooks_and_those_of_people_who_left_hear_nothing() -> None:
    repository = RepositoryFactory()
    watching("model", repository.full_name, disabled=True)
    gone = UserFactory()
    gone.is_active = False
    gone.save()
    watching("model", repository.full_name, owner=gone)

    assert note_event(repository=repository, action="update", scope="repo") == 0


def test_of_private_repositories_only_webhooks_of_members_hear() -> None:
    organisation = OrganisationFactory()
    founder = organisation.memberships.get().user
    repository = create_repository(
        user=founder, namespace=organisation.name, name="tiny", kind="model", visibility=Visibility.PRIVATE
    )
    watching("org", organisation.name)
    heard = watching("org", organisation.name, owner=member(organisation, Role.READ))

    note_event(repository=repository, action="update", scope="repo.content")

    assert list(WebhookDelivery.objects.values_list("webhook", flat=True)) == [heard.pk]


def test_the_payload_is_what_the_wire_says(settings) -> None:
    settings.SMALLHUB_PUBLIC_URL = "https://hub.example"
    repository = RepositoryFactory()
    hook = watching("model", repository.full_name)

    note_event(
        repository=repository,
        action="update",
        scope="repo.content",
        refs=[RefChange("refs/heads/main", None, "a" * 40)],
        comment={"id": "1"},
        more={"release": {"name": "1.0"}},
    )

    name = repository.full_name
    assert WebhookDelivery.objects.get().payload == {
        "event": {"action": "update", "scope": "repo.content"},
        "repo": {
            "type": "model",
            "name": name,
            "id": repository.public_id,
            "private": False,
            "url": {"web": f"https://hub.example/{name}", "api": f"https://hub.example/api/models/{name}"},
            "headSha": repository.head,
            "owner": {"id": str(repository.namespace_id)},
        },
        "updatedRefs": [{"ref": "refs/heads/main", "oldSha": None, "newSha": "a" * 40}],
        "comment": {"id": "1"},
        "release": {"name": "1.0"},
        "webhook": {"id": hook.public_id, "version": 3},
    }


def test_what_is_undone_is_not_told() -> None:
    repository = RepositoryFactory()
    watching("model", repository.full_name)

    with transaction.atomic():
        note_event(repository=repository, action="update", scope="repo")
        transaction.set_rollback(True)

    assert not WebhookDelivery.objects.exists()


def test_news_of_a_deletion_outlives_the_repository() -> None:
    repository = RepositoryFactory()
    hook = watching("model", repository.full_name)
    hook.watches.update(repository=repository)

    note_event(repository=repository, action="delete", scope="repo")
    Repository.objects.all().delete()

    assert WebhookDelivery.objects.get().payload["event"] == {"action": "delete", "scope": "repo"}
    assert hook.watches.get().repository is None


def test_a_change_that_nobody_watches_costs_one_query(django_assert_num_queries) -> None:
    repository = RepositoryFactory()

    with django_assert_num_queries(1):
        note_event(repository=repository, action="update", scope="repo.content")


def told() -> list[tuple]:
    """What was written since the last look: event and moved refs."""
    rows = list(WebhookDelivery.objects.order_by("pk"))
    WebhookDelivery.objects.all().delete()
    return [(row.action, row.scope, row.payload.get("updatedRefs")) for row in rows]


def test_commits_branches_and_tags_are_news_with_the_refs_that_moved() -> None:
    repository = RepositoryFactory()
    user = repository.creator
    watching("model", repository.full_name)
    first = repository.head

    second = put(repository, {"a.txt": "a"}).oid
    assert told() == [("update", "repo.content", [{"ref": "refs/heads/main", "oldSha": first, "newSha": second}])]
    create_branch(repository=repository, user=user, name="trial")
    create_tag(repository=repository, user=user, name="v1", revision="trial")
    delete_branch(repository=repository, user=user, name="trial")
    delete_tag(repository=repository, user=user, name="v1")
    assert told() == [
        ("update", "repo.content", [{"ref": ref, "oldSha": old, "newSha": new}])
        for ref, old, new in (
            ("refs/heads/trial", None, second),
            ("refs/tags/v1", None, second),
            ("refs/heads/trial", second, None),
            ("refs/tags/v1", second, None),
        )
    ]


def test_a_new_repository_is_one_piece_of_news() -> None:
    user = UserFactory()
    watching("user", user.username)

    RepositoryFactory(user=user)

    assert told() == [("create", "repo", None)]
