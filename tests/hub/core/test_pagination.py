import pytest
from django.core import signing

from hub.core.pagination import BadCursor, keyset_page
from models_registry.models import Repository
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
ORDER = ("-downloads", "id")


def test_pages_repeat_and_drop_nothing_although_values_are_equal() -> None:
    rows = [RepositoryFactory() for _ in range(7)]
    Repository.objects.filter(pk__in=[row.pk for row in rows[:3]]).update(downloads=5)

    seen: list[int] = []
    cursor = None
    while True:
        page = keyset_page(Repository.objects.all(), order=ORDER, limit=2, cursor=cursor)
        seen += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == list(Repository.objects.order_by(*ORDER).values_list("pk", flat=True))


@pytest.mark.parametrize(
    "cursor", ["x", "a:b:c", signing.dumps([["id"], [1]], salt="other")], ids=["word", "parts", "salt"]
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        keyset_page(Repository.objects.all(), order=ORDER, limit=2, cursor=cursor)


def test_a_cursor_of_another_order_is_refused() -> None:
    for _ in range(3):
        RepositoryFactory()
    first = keyset_page(Repository.objects.all(), order=("id",), limit=1, cursor=None)
    with pytest.raises(BadCursor):
        keyset_page(Repository.objects.all(), order=ORDER, limit=1, cursor=first.next_cursor)
