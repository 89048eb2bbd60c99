"""Files of a commit come to a job as they were committed, and go when it ends."""

import os
import time

import pytest

from evaluation.exceptions import FilesUnavailable
from evaluation.models import Step
from evaluation.services import files
from models_registry.models import Content, GitObject
from tests.factories.evaluation import claimed, evaluation_of, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def test_small_and_large_files_lie_under_their_own_paths_byte_for_byte(tmp_path):
    folder = train_ngram(["a b c"] * 5, tmp_path / "model")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "notes.txt").write_text("中文\n")
    commit = push_folder(RepositoryFactory(), folder).commit

    with files.laid_out(commit=commit, job="1-1") as job:
        found = {path.relative_to(job).as_posix(): path.read_bytes() for path in job.rglob("*") if path.is_file()}
        modes = {oct(path.stat().st_mode & 0o222) for path in job.rglob("*") if path.is_file()}

    wanted = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert wanted.items() <= found.items()
    assert modes == {"0o0"}
    assert not job.exists()


def test_only_what_is_wanted_is_fetched(tmp_path):
    commit = push_folder(RepositoryFactory(), train_ngram(["a b c"] * 5, tmp_path / "model")).commit
    Content.objects.all().delete()

    with files.laid_out(commit=commit, job="1-1", wanted=lambda path: path.endswith(".json")) as job:
        assert {path.name for path in job.iterdir()} == {"config.json", "vocab.json"}


def test_a_job_that_breaks_leaves_nothing(tmp_path):
    commit = evaluation_of().commit

    with pytest.raises(ZeroDivisionError), files.laid_out(commit=commit, job="1-1"):
        raise ZeroDivisionError

    assert list(files.jobs_folder().iterdir()) == []


@pytest.mark.parametrize("kind", [GitObject, Content])
def test_a_file_that_is_gone_is_named_and_nothing_stays(tmp_path, kind):
    commit = push_folder(RepositoryFactory(), train_ngram(["a b c"] * 5, tmp_path / "model")).commit
    kind.objects.all().delete()

    with pytest.raises(FilesUnavailable), files.laid_out(commit=commit, job="1-1"):
        pass

    assert list(files.jobs_folder().iterdir()) == []


def test_many_small_files_come_in_few_queries(django_assert_max_num_queries):
    commit = put(RepositoryFactory(), {f"notes/{number}.txt": str(number) for number in range(450)})

    with django_assert_max_num_queries(6), files.laid_out(commit=commit, job="1-1") as job:
        assert len(list((job / "notes").iterdir())) == 450


def test_leftovers_go_and_living_jobs_stay():
    evaluation = evaluation_of()
    run = run_of(evaluation, Step.SCAN)
    claim = claimed(run)
    base = files.jobs_folder()
    names = {
        f"{run.pk}-{claim.attempt}-abc": True,  # At work.
        f"{run.pk}-{claim.attempt + 1}-abc": False,  # An attempt that there is not.
        "999999-1-abc": False,
        "odd": False,
    }
    for name in names:
        (base / name).mkdir()
        os.utime(base / name, (time.time() - 3600,) * 2)
    (base / "888888-1-new").mkdir()  # Too young to be judged.

    assert files.remove_leftovers() == 3

    assert {entry.name for entry in base.iterdir()} == {f"{run.pk}-{claim.attempt}-abc", "888888-1-new"}
