"""Accounts for operators. Tokens are listed without their digests and cannot be edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import AccessToken, Membership, Namespace, Organisation, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("username", "full_name", "email", "is_active", "is_staff", "date_joined")
    search_fields = ("username", "full_name", "email")
    fields = ("username", "full_name", "email", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    readonly_fields = ("username", "date_joined", "last_login")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py create_user` and the sign-up page reserve the namespace as well.


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    raw_id_fields = ("user",)


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "full_name", "created_at")
    search_fields = ("name", "full_name")
    readonly_fields = ("name",)
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(AccessToken)
class AccessTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "hint", "user", "scope", "expires_at", "last_used_at", "created_at")
    readonly_fields = ("name", "hint", "user", "scope", "expires_at", "last_used_at", "created_at")
    exclude = ("digest",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Namespace)
class NamespaceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "user", "organisation", "created_at")
    search_fields = ("key",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
