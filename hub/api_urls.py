"""Our own JSON API, below /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(), name="api_schema"),
    path("", include("models_registry.api.v1_urls")),
    path("", include("evaluation.api.urls")),
]
