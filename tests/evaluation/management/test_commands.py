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


def test_standings_are_rebuilt_and_where_there_are_some_only_when_asked(capsys) -> None:
    from evaluation.models import Standing
    from tests.factories import pages

    repository = pages.model()
    pages.measured(repository, {pages.benchmark(): 0.7})
    Standing.objects.all().delete()
    call_command("rebuild_standings", if_empty=True)
    assert Standing.objects.count() == 1
    assert "1 models looked at, 1 rows changed." in capsys.readouterr().out
    Standing.objects.update(value=0.1)
    call_command("rebuild_standings", if_empty=True)
    assert capsys.readouterr().out == ""
    call_command("rebuild_standings")
    assert Standing.objects.get().value == 0.7
