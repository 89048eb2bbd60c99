"""`manage.py publish_core_suite`: the benchmarks that come with the product."""

from typing import Any

from django.core.management.base import BaseCommand

from evaluation.services.suites import publish_core_suite


class Command(BaseCommand):
    help = "Publish the core suite as data sets of this hub and measure models with it. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        for report in publish_core_suite():
            if report.version_changed:
                news = "new version"
            elif report.data_changed:
                news = "card or files renewed"
            else:
                news = "unchanged"
            self.stdout.write(f"{report.benchmark.repository.full_name}: {report.benchmark} ({news})")
