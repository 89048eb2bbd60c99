"""The operators' commands say what they did."""

from io import StringIO

import pytest
from django.core.management import call_command

from evaluation.models import Benchmark

pytestmark = pytest.mark.django_db


def test_publishing_the_core_suite_tells_what_is_new_and_what_is_not():
    first, second = StringIO(), StringIO()

    call_command("publish_core_suite", stdout=first)
    call_command("publish_core_suite", stdout=second)

    lines = first.getvalue().splitlines()
    assert len(lines) == Benchmark.objects.active().count()
    assert all(line.endswith("(new version)") for line in lines)
    assert all(line.endswith("(unchanged)") for line in second.getvalue().splitlines())
