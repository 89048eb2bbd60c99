"""The wire: overviews of people and organisations, who follows whom (E68, E69), likes (E41 to E43)."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import presentation as present
from accounts import services as accounts_services
from accounts.authentication import acting_user
from accounts.exceptions import NamespaceNotFound
from accounts.models import Follow, Membership, Namespace, Organisation, User
from models_registry.api import repositories
from models_registry.api.lookup import find_repository
from models_registry.api.paging import paged
from models_registry.exceptions import RepositoryNotFound
from models_registry.models import Collection, Discussion, Kind, Like, Repository
from models_registry.services.likes import like_repository, unlike_repository
from models_registry.services.repositories import namespace_of

_TYPES = {Kind.MODEL: "model", Kind.DATASET: "dataset", Kind.APP: "space"}


@require_http_methods(["POST", "DELETE"])
def like(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E41."""
    repository = find_repository(request, kind, namespace, name)
    change = like_repository if request.method == "POST" else unlike_repository
    change(repository=repository, user=acting_user(request))
    likes = Repository.objects.values_list("likes", flat=True).get(pk=repository.pk)
    return JsonResponse({"likes": likes, "isLiked": request.method == "POST"})


@require_http_methods(["GET", "HEAD", "POST", "DELETE"])
def like_without_namespace(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """E41 for a name of old without a namespace: there is none here. To read, `name/like` is a repository's name."""
    if request.method in {"GET", "HEAD"}:
        return repositories.info(request, kind, name, "like")
    raise RepositoryNotFound(name=name, anonymous=0)


@require_safe
def likers(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E43."""
    repository = find_repository(request, kind, namespace, name)
    rows = Like.objects.filter(repository=repository, user__is_active=True).select_related("user")
    return paged(request, rows, lambda page: [present.person(request, row.user) for row in page])


@require_safe
def likes(request: HttpRequest, user: str) -> HttpResponse:
    """E42. What a person likes, as far as the caller may see it."""
    rows = Like.objects.visible_to(request.user).filter(user=person_of(user))
    return paged(request, rows.select_related("repository__namespace"), _like_items)


def _like_items(rows: Sequence[Like]) -> list[Any]:
    return [
        {
            "createdAt": present.moment(row.created_at),
            "repo": {"name": row.repository.full_name, "type": _TYPES[Kind(row.repository.kind)]},
        }
        for row in rows
    ]


@require_safe
def user_overview(request: HttpRequest, user: str) -> HttpResponse:
    """E68."""
    found = person_of(user)
    namespace = found.namespace
    organisations = Organisation.objects.filter(memberships__user=found)
    upvotes = Collection.objects.visible_to(request.user).filter(namespace=namespace).aggregate(n=Sum("upvotes"))
    answer = (
        present.person(request, found)
        | _counts(request, namespace)
        | {
            "details": found.bio or None,
            "createdAt": present.moment(found.date_joined),
            "numDiscussions": _discussions(request, found),
            "numPapers": 0,
            "numUpvotes": upvotes["n"] or 0,
            "numLikes": Like.objects.visible_to(request.user).filter(user=found).count(),
            "numFollowing": Follow.objects.of(found).count(),
            "orgs": [present.organisation(request, row) for row in organisations],
        }
    )
    return JsonResponse(answer)


@require_safe
def organisation_overview(request: HttpRequest, organisation: str) -> HttpResponse:
    """E69."""
    found = organisation_of(organisation)
    answer = (
        present.organisation(request, found)
        | _counts(request, found.namespace)
        | {
            "details": found.description or None,
            "createdAt": present.moment(found.created_at),
            "plan": None,
            "numUsers": found.memberships.filter(user__is_active=True).count(),
            "numPapers": 0,
        }
    )
    return JsonResponse(answer)


@require_safe
def followers(request: HttpRequest, name: str, organisation: bool = False) -> HttpResponse:
    """Who follows a person (E68) or an organisation (E69)."""
    namespace = organisation_of(name).namespace if organisation else person_of(name).namespace
    rows = Follow.objects.people_after(namespace)
    return paged(request, rows, lambda page: [present.person(request, row.follower) for row in page])


@require_safe
def following(request: HttpRequest, name: str) -> HttpResponse:
    """E68: whom a person follows."""
    rows = Follow.objects.of(person_of(name))
    return paged(request, rows, lambda page: [present.followed(request, row.namespace) for row in page])


@require_safe
def members(request: HttpRequest, name: str) -> HttpResponse:
    """E69."""
    rows = Membership.objects.filter(organisation=organisation_of(name), user__is_active=True).select_related("user")
    return paged(request, rows, lambda page: [present.member(request, row) for row in page], order=("id",))


@require_http_methods(["POST", "DELETE"])
def follow(request: HttpRequest, name: str, organisation: bool = False) -> HttpResponse:
    """Follow or stop following; the web's own address, which clients of the wire know as well."""
    user = acting_user(request)
    namespace = organisation_of(name).namespace if organisation else person_of(name).namespace
    change = accounts_services.follow if request.method == "POST" else accounts_services.unfollow
    change(user=user, namespace=namespace)
    return JsonResponse({"isFollowing": request.method == "POST"})


@require_safe
def avatar(request: HttpRequest, name: str, organisation: bool = False) -> HttpResponse:
    """The address of a picture."""
    namespace = organisation_of(name).namespace if organisation else person_of(name).namespace
    return JsonResponse({"avatarUrl": present.avatar_url(request, namespace.name)})


def _counts(request: HttpRequest, namespace: Namespace) -> dict[str, Any]:
    """How much the caller can see of a namespace, and whether she follows it."""
    visible = Repository.objects.listed_to(request.user).filter(namespace=namespace)
    kinds = dict(visible.order_by().values_list("kind").annotate(Count("pk")))
    counts: dict[str, Any] = {
        "numModels": kinds.get(Kind.MODEL, 0),
        "numDatasets": kinds.get(Kind.DATASET, 0),
        "numSpaces": kinds.get(Kind.APP, 0),
        "numFollowers": Follow.objects.people_after(namespace).count(),
    }
    if request.user.is_authenticated:
        counts["isFollowing"] = Follow.objects.filter(namespace=namespace, follower=request.user).exists()
    return counts


def _discussions(request: HttpRequest, user: User) -> int:
    """How many discussions and pull requests she opened where the caller can see them."""
    seen = Repository.objects.visible_to(request.user)
    return Discussion.objects.filter(author=user, repository__in=seen).count()


def person_of(name: str) -> User:
    """The person of this name.

    Raises:
        NamespaceNotFound: nobody, or an organisation.
    """
    namespace = namespace_of(name)
    if namespace.user is None:
        raise NamespaceNotFound(name=name[:100])
    return namespace.user


def organisation_of(name: str) -> Organisation:
    """The organisation of this name.

    Raises:
        NamespaceNotFound: nothing, or a person.
    """
    namespace = namespace_of(name)
    if namespace.organisation is None:
        raise NamespaceNotFound(name=name[:100])
    return namespace.organisation
