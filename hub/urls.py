"""Every address of the site, by app. Order matters: repository paths take whatever is left."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from accounts.api import oauth
from hub import health
from hub.core import converters
from hub.core.handlers import not_found
from models_registry.api import elsewhere, resolve, uploads

converters.register()

handler400 = "hub.core.handlers.bad_request"
handler403 = "hub.core.handlers.forbidden"
handler404 = "hub.core.handlers.not_found"
handler500 = "hub.core.handlers.server_error"


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Unknown addresses below the APIs must not be read as `namespace/name`."""
    return not_found(request)


FILE = "<name:namespace>/<name:name>/{}/<rev:rev>/<filepath:path>"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("hub.api_urls")),
    path("api/", include(("models_registry.api.wire_urls", "wire"))),
    path("", include("models_registry.api.content_urls")),
    path("oauth/device", oauth.device, name="oauth_device"),
    path("oauth/token", oauth.token, name="oauth_token"),
    path("", include(("models_registry.api.elsewhere_urls", "elsewhere"))),
    path("uploads", uploads.upload, name="attachment_new"),
    path("uploads/<str:public_id>", uploads.show, name="attachment"),
    re_path(r"^(?:api|cas|v1|oauth|static)/(?P<rest>.*)$", nothing_here),
    path(f"datasets/{FILE.format('resolve')}", resolve.resolve, {"kind": "datasets"}, name="resolve_dataset"),
    path(f"spaces/{FILE.format('resolve')}", resolve.resolve, {"kind": "spaces"}, name="resolve_app"),
    path(FILE.format("resolve"), resolve.resolve, {"kind": "models"}, name="resolve"),
    path(f"datasets/{FILE.format('raw')}", resolve.raw, {"kind": "datasets"}, name="raw_dataset"),
    path(f"spaces/{FILE.format('raw')}", resolve.raw, {"kind": "spaces"}, name="raw_app"),
    path(FILE.format("raw"), resolve.raw, {"kind": "models"}, name="raw"),
    path("", include("hub.page_urls")),
    # After all pages: a repository may be called “resolve”.
    path(
        "<name:name>/resolve/<rev:rev>/<filepath:rest>", elsewhere.without_namespace, name="resolve_without_namespace"
    ),
]
