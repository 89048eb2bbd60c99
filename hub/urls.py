"""Every address of the site, by app. Order matters: repository paths take whatever is left."""

from django.contrib import admin
from django.urls import include, path

from hub.core import converters

converters.register()

urlpatterns = [
    path("admin/", admin.site.urls),
]
