"""Addresses of the pages about people."""

from django.urls import path

from accounts import device_pages, organisation_pages, views

app_name = "accounts"
urlpatterns = [
    path("login", views.sign_in, name="login"),
    path("login/device", device_pages.device, name="device"),
    path("join", views.sign_up, name="join"),
    path("logout", views.sign_out, name="logout"),
    path("settings", views.settings_start, name="settings"),
    path("settings/profile", views.profile, name="settings_profile"),
    path("settings/password", views.password, name="settings_password"),
    path("settings/sessions/end", views.end_sessions, name="sessions_end"),
    path("settings/organizations", organisation_pages.organisations, name="settings_organizations"),
    path("settings/invitations/<int:pk>", organisation_pages.answer, name="invitation_answer"),
    path("settings/organizations/<str:name>", organisation_pages.members, name="settings_members"),
    path("settings/organizations/<str:name>/profile", organisation_pages.profile, name="organisation_profile"),
    path("settings/organizations/<str:name>/log", organisation_pages.log, name="organisation_log"),
    path("settings/organizations/<str:name>/leave", organisation_pages.leave, name="organisation_leave"),
    path(
        "settings/organizations/<str:name>/invitations/<int:pk>/withdraw",
        organisation_pages.withdraw,
        name="invitation_withdraw",
    ),
    path(
        "settings/organizations/<str:name>/members/<int:pk>/remove",
        organisation_pages.member_remove,
        name="member_remove",
    ),
]
