"""What rows say of licences follows the records that this release knows."""

import pytest
from django.db import transaction

from evaluation.models import Standing
from models_registry.models import LicenceJudgement, LicenceKnowledge, Repository, RepositoryLicence
from models_registry.services.licensing import knowledge
from tests.factories.pages import benchmark, measured
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def aged():
    """Three models whose rows say what an older release knew, and one that is right."""
    rows = [RepositoryFactory(licence=licence) for licence in ("mit", "mit", "cc-by-nc-4.0", "apache-2.0")]
    pks = [row.pk for row in rows[:3]]
    Repository.everything.filter(pk__in=pks).update(licence_class="unknown")
    RepositoryLicence.objects.filter(repository__in=pks).update(name="old-name")
    return rows


def said(rows):
    names = dict(RepositoryLicence.objects.values_list("repository_id", "name"))
    classes = dict(Repository.everything.values_list("pk", "licence_class"))
    return [(classes[row.pk], names[row.pk]) for row in rows]


RIGHT = [
    ("permissive", "mit"),
    ("permissive", "mit"),
    ("non-commercial", "cc-by-nc-4.0"),
    ("permissive", "apache-2.0"),
]


def test_rows_of_an_older_release_are_brought_up_to_what_is_known_now(aged):
    before = Repository.everything.get(pk=aged[3].pk).updated_at
    assert knowledge.renew() == 3

    assert said(aged) == RIGHT
    assert Repository.everything.get(pk=aged[3].pk).updated_at == before
    row = LicenceKnowledge.objects.get()
    assert (row.digest, row.is_done) == (knowledge.digest(), True)


def test_it_is_done_once_for_each_release(aged, django_assert_max_num_queries, monkeypatch):
    knowledge.renew()
    with django_assert_max_num_queries(1):
        assert knowledge.renew() == 0
    Repository.everything.filter(pk=aged[0].pk).update(licence_class="unknown")
    assert knowledge.renew() == 0
    monkeypatch.setattr(knowledge, "digest", lambda: "f" * 64)
    assert knowledge.renew() == 1
    assert said(aged) == RIGHT


def test_it_goes_on_where_it_broke_off(aged):
    assert knowledge.renew(batch=2, batches=1) == 2
    assert said(aged)[:2] == RIGHT[:2]
    assert said(aged)[2] != RIGHT[2]
    assert not LicenceKnowledge.objects.get().is_done
    assert knowledge.renew(batch=2, batches=5) == 1
    assert said(aged) == RIGHT


def test_a_head_that_moves_meanwhile_keeps_its_own(aged, monkeypatch):
    """Between the reading of a batch and its writing the card says something else."""
    find_classes = knowledge.licence_class

    def moved(licence):
        Repository.everything.filter(pk=aged[0].pk).update(licence="gpl-3.0", licence_class="copyleft")
        return find_classes(licence)

    monkeypatch.setattr(knowledge, "licence_class", moved)
    knowledge.renew()
    assert Repository.everything.get(pk=aged[0].pk).licence_class == "copyleft"


def test_all_are_judged_anew(aged):
    LicenceJudgement.objects.all().delete()
    with transaction.atomic():
        knowledge.renew()
    marks = LicenceJudgement.objects.values_list("repository", "marks", "judged_marks")
    assert {pk for pk, marked, judged in marks if marked != judged} == {row.pk for row in aged}


def test_standings_follow_as_well():
    model = RepositoryFactory(licence="mit OR gpl-3.0-only")
    measured(model, {benchmark(): 0.7})
    assert Standing.objects.values_list("licence_class", "licence_names").get() == ("permissive", "|gpl-3.0-only|mit|")
    Standing.objects.update(licence_class="unknown", licence_names="")
    knowledge.renew()
    assert Standing.objects.values_list("licence_class", "licence_names").get() == ("permissive", "|gpl-3.0-only|mit|")


def test_the_digest_names_what_is_known(tmp_path, monkeypatch):
    assert knowledge.digest() == knowledge.digest()
    assert len(knowledge.digest()) == 64
    (tmp_path / "records.py").write_text("one = 1")
    first = knowledge.digest_of(tmp_path)
    (tmp_path / "records.py").write_text("one = 2")
    second = knowledge.digest_of(tmp_path)
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "rail.toml").write_text("class = 'restricted'")
    assert len({first, second, knowledge.digest_of(tmp_path)}) == 3
    (tmp_path / "families" / "rail.toml").write_text("class = 'permissive'")
    assert knowledge.digest_of(tmp_path) not in {first, second}
