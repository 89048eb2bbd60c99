"""Addresses of the wire that lead nowhere on this hub."""

from django.urls import re_path

from models_registry.api import elsewhere

_KIND = "(?:models|datasets|spaces)"
_SERVICES = "secrets|variables|runtime|hardware|sleeptime|pause|restart|dev-mode|logs|volumes|hot-reload"
_OPERATIONS = (
    "revision|tree|paths-info|resolve|refs|commits|commit|compare|preupload|branch|tag|super-squash|lfs-files|"
    "discussions|settings|auth-check|xet-read-token|xet-write-token|likers|duplicate|user-access-request"
)
_BELOW = r"(?P<rest>(?:/.*)?)$"
# What there is none of, by what its addresses begin with.
_NOWHERE = (
    ("semantic_search", "Semantic searches", r"api/spaces/semantic-search"),
    ("leaderboard", "Leaderboards of other hubs", r"api/datasets/[^/]+/[^/]+/leaderboard"),
    ("papers", "Papers", r"(?:api/(?:papers|daily_papers)|papers/[^/]+\.md)"),
    ("space_services", "Services of running spaces", r"api/spaces/(?:hardware|templates|zero-gpu)"),
    (
        "running_spaces",
        "Running spaces",
        rf"api/spaces/[^/]+/[^/]+/(?:{_SERVICES})",
    ),
    ("jobs", "Jobs", r"api/(?:jobs|scheduled-jobs)"),
    ("buckets", "Buckets", r"api/buckets"),
    ("kernels", "Kernels", r"(?:api/kernels|kernels/.+/resolve)"),
    ("resource_groups", "Resource groups", r"api/organizations/[^/]+/(?:resource-groups|audit-log|scim)"),
    ("collection_groups", "Resource groups", r"api/collections/[^/]+/[^/]+/resource-group"),
)

urlpatterns = [
    *(
        re_path(f"^{begin}{_BELOW}", elsewhere.not_offered, {"what": what}, name=f"no_{name}")
        for name, what, begin in _NOWHERE
    ),
    re_path(
        rf"^api/{_KIND}/(?P<name>[A-Za-z0-9._-]+)(?P<rest>(?:/(?:{_OPERATIONS})(?:/.*)?)?)$",
        elsewhere.without_namespace,
        name="without_namespace",
    ),
]
