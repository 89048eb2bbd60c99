"""The operators' view of what is measured. Reading only: rows change through the services alone."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from evaluation.models import Benchmark, Evaluation, Receipt, Run


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows; nothing here can be added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Benchmark)
class BenchmarkAdmin(ReadOnlyAdmin):
    list_display = ["key", "version", "task", "repository", "is_active", "created_at"]
    list_filter = ["is_active", "task"]
    list_select_related = ["repository__namespace"]
    search_fields = ["key", "title"]


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ["repository", "commit", "status", "verdict", "created_at", "finished_at"]
    list_filter = ["status", "verdict"]
    list_select_related = ["repository__namespace", "commit"]
    search_fields = ["repository__key", "commit__oid"]
    show_full_result_count = False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ["evaluation", "step", "benchmark", "state", "attempt", "losses", "worker", "heartbeat_at"]
    list_filter = ["state", "step"]
    list_select_related = ["evaluation__commit", "benchmark"]
    search_fields = ["evaluation__repository__key", "reason"]
    show_full_result_count = False


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ["sha256", "of_run", "created_at"]
    list_select_related = ["of_run__evaluation__commit", "of_run__benchmark"]
    search_fields = ["sha256"]
    show_full_result_count = False
