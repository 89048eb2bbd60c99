"""Addresses of the pages about people."""

from django.urls import path

from accounts import device_pages, views

app_name = "accounts"
urlpatterns = [
    path("login", views.sign_in, name="login"),
    path("login/device", device_pages.device, name="device"),
    path("join", views.sign_up, name="join"),
    path("logout", views.sign_out, name="logout"),
    path("settings", views.settings_start, name="settings"),
    path("settings/profile", views.profile, name="settings_profile"),
    path("settings/password", views.password, name="settings_password"),
    path("settings/organizations", views.organisations, name="settings_organizations"),
    path("settings/organizations/<str:name>", views.members, name="settings_members"),
    path("settings/organizations/<str:name>/members/<int:pk>/remove", views.member_remove, name="member_remove"),
]
