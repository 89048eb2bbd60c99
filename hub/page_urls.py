"""Addresses for people. Last in `hub.urls`, for repository paths take whatever is left."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("hub.pages.urls")),
]
