"""Addresses for people. Last in `hub.urls`, for repository paths take whatever is left."""

from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("accounts.urls")),
    path("", include("hub.pages.urls")),
]
