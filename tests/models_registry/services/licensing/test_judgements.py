"""What is judged of repositories, kept for them, and made anew when something on the way changes."""

import pytest

from models_registry.models import Kind, LicenceJudgement, Repository
from models_registry.services.licensing import judgements
from models_registry.services.licensing.marks import mark
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def model(name: str, licence: str, base: str = "", relation: str = "finetune", **more: object) -> Repository:
    repository = RepositoryFactory(name=name, **more)
    declare(repository, licence, base, relation)
    return repository


def declare(repository: Repository, licence: str, base: str = "", relation: str = "finetune") -> None:
    lines = [f"license: {licence}"] if licence else []
    lines += [f"base_model: {base}", f"base_model_relation: {relation}"] if base else []
    put(repository, {"README.md": "\n".join(["---", *lines, "---", "# It"])})
    repository.refresh_from_db()


def sweep() -> None:
    """Until nothing is marked any more, as workers would."""
    for _ in range(10):
        marked = [row.repository_id for row in LicenceJudgement.objects.all() if row.marks != row.judged_marks]
        if not marked:
            return
        for pk in marked:
            judgements.refresh(repository_id=pk)
    raise AssertionError("It does not converge.")


def kept(repository: Repository) -> str:
    return LicenceJudgement.objects.get(repository=repository).verdict


def test_a_fine_tune_is_judged_by_its_base() -> None:
    base = model("base", "cc-by-nc-4.0")
    child = model("child", "mit", base.full_name)
    sweep()
    assert (kept(base), kept(child)) == ("ok", "conflict")
    found = judgements.of(child, child.creator)
    assert [conflict.rule for conflict in found.conflicts] == ["non-commercial"]
    assert {side.licence for side in found.conflicts[0].sides} == {"CC-BY-NC-4.0", "MIT"}


def test_an_adapter_of_a_use_restricted_base_carries_the_restriction() -> None:
    base = model("base", "bigscience-openrail-m")
    child = model("child", "bigscience-openrail-m", base.full_name, "adapter")
    found = judgements.of(child)
    assert found.verdict == "obligations"
    assert {"use-impersonate", "use-medical", "pass-on-restrictions"} <= {one.term for one in found.obligations}


def test_news_of_a_base_reach_the_third_level_and_stop() -> None:
    base = model("base", "mit")
    middle = model("middle", "mit", base.full_name)
    top = model("top", "mit", middle.full_name)
    sweep()
    assert (kept(middle), kept(top)) == ("obligations", "obligations")
    declare(base, "cc-by-nc-4.0")
    sweep()
    assert (kept(middle), kept(top)) == ("conflict", "conflict")
    before = LicenceJudgement.objects.get(repository=top).judged_at
    assert not judgements.refresh(repository_id=top.pk), "the same again changes nothing"
    assert LicenceJudgement.objects.get(repository=top).judged_at > before


def test_a_base_that_arrives_later_is_found() -> None:
    owner = UserFactory()
    child = model("child", "mit", f"{owner.username}/base")
    sweep()
    assert kept(child) == "unknown"
    model("base", "cc-by-nc-4.0", user=owner)
    sweep()
    assert kept(child) == "conflict"


def test_a_worker_that_was_killed_leaves_the_mark_for_the_sweep() -> None:
    base = model("base", "mit")
    row = LicenceJudgement.objects.get(repository=base)
    assert row.verdict == ""  # Its job never ran.
    assert row.marks != row.judged_marks
    judgements.refresh_missed()
    assert kept(base) == "ok"
    mark({base.pk})
    mark({base.pk})
    judgements.refresh_missed()
    row.refresh_from_db()
    assert row.marks == row.judged_marks


def test_a_worker_that_is_killed_on_the_way_leaves_the_mark(monkeypatch) -> None:
    base = model("base", "cc-by-nc-4.0")
    child = model("child", "mit", base.full_name)
    for step in ("gate.settle_releases", "mark"):
        with monkeypatch.context() as patched:
            patched.setattr(f"models_registry.services.licensing.judgements.{step}", killed)
            with pytest.raises(KeyboardInterrupt):
                judgements.refresh(repository_id=base.pk)
        row = LicenceJudgement.objects.get(repository=base)
        assert row.marks != row.judged_marks, step
    sweep()
    assert (kept(base), kept(child)) == ("ok", "conflict")


def killed(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


def test_one_that_was_overtaken_has_it_judged_again(monkeypatch) -> None:
    base = model("base", "mit")
    rows = LicenceJudgement.objects.filter(repository=base)

    def overtaken(repository: Repository) -> None:
        rows.update(marks=9, judged_marks=9, verdict="conflict")

    with monkeypatch.context() as patched:
        patched.setattr("models_registry.services.licensing.judgements.gate.settle_releases", overtaken)
        judgements.refresh(repository_id=base.pk)
    assert rows.values_list("verdict", "marks", "judged_marks").get() == ("conflict", 10, 9)
    sweep()
    assert kept(base) == "ok"


def test_what_was_here_before_is_found_by_the_sweep() -> None:
    base = model("base", "mit")
    LicenceJudgement.objects.all().delete()
    judgements.refresh_missed()
    judgements.refresh_missed()
    assert kept(base) == "ok"


def test_a_stranger_is_told_nothing_of_a_private_base() -> None:
    owner = UserFactory()
    base = model("secret", "cc-by-nc-4.0", user=owner, private=True)
    child = model("child", "mit", base.full_name, user=owner)
    mine, theirs = judgements.of(child, owner), judgements.of(child, UserFactory())
    assert mine.verdict == "conflict"
    assert theirs.verdict == "unknown"
    assert not theirs.conflicts
    assert not theirs.obligations
    assert not theirs.is_bounded


def test_data_are_judged_too() -> None:
    data = RepositoryFactory(kind=Kind.DATASET)
    declare(data, "odbl")
    sweep()
    assert kept(data) == "ok"
