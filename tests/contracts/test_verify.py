"""A stranger checks this hub's numbers with the client alone: signature, hashes, and the model run again."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import smallhub
from smallhub import cli
from smallhub._exceptions import IntegrityError, Invalid

from evaluation.models import Receipt, ReceiptSignature, Run, State, Step
from evaluation.receipts import canonical
from evaluation.services import signing, work
from tests.factories.evaluation import benchmark, passed_up_to, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory
from tests.factories.tiny_models import make_random_gpt2
from tests.requirements import require

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

ROWS = "".join(
    json.dumps({"id": f"{number:03}", "good": f"the cat sat on mat {number}", "bad": f"mat the on sat {number} cat"})
    + "\n"
    for number in range(40)
).encode()


@pytest.fixture(autouse=True)
def _client(settings, monkeypatch, tmp_path, live_server):
    """A user of the client with an empty home, who speaks to this server."""
    settings.SMALLHUB_RUN_THREADS = 1
    for name in ("SMALLHUB_TOKEN", "SMALLHUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMALLHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SMALLHUB_ENDPOINT", live_server.url)


def measured(folder: Path) -> Receipt:
    """The receipt of one benchmark that a worker really ran; the steps before it are taken as passed."""
    benchmark("pairs", ROWS)
    evaluation = push_folder(RepositoryFactory(), folder)
    passed_up_to(evaluation, Step.COST)
    work.perform(run_id=run_of(evaluation, Step.BENCHMARK).pk)
    run = Run.objects.get(pk=run_of(evaluation, Step.BENCHMARK).pk)
    assert run.state == State.PASSED, run.reason
    return run.receipt


@pytest.fixture
def receipt(tmp_path) -> Receipt:
    return measured(train_ngram(["the cat sat on mat"] * 5, tmp_path / "model"))


def forged(receipt: Receipt, change) -> None:
    """Change a receipt as somebody could who has the database and the hub's secret: it is signed anew."""
    record = json.loads(receipt.body)
    change(record)
    ReceiptSignature.objects.all().delete()
    Receipt.objects.filter(pk=receipt.pk).update(body=canonical(record))
    receipt.refresh_from_db()
    signing.sign_receipt(receipt)


def test_a_receipt_that_is_made_again_is_equal_and_says_so(receipt, capsys):
    status = cli.main(["verify", receipt.sha256])

    assert status == 0
    out = capsys.readouterr().out
    assert "equal: the same outputs" in out
    assert f"signed with {signing.current_key().key_id[:16]}" in out
    assert "40 items" in out


def test_by_name_address_and_file_it_is_the_same_receipt(receipt, live_server, tmp_path, capsys):
    place = receipt.of_run.evaluation
    name = f"{place.repository.full_name}@{place.commit.oid}"
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(signing.envelope_of(receipt)))
    page = f"{live_server.url}/{place.repository.full_name}/evaluations/{place.commit.oid}/receipts/{receipt.sha256}"
    asked = [
        [name, "--receipts"],
        [name, "--benchmark", "pairs"],
        [f"{live_server.url}/api/v1/receipts/{receipt.sha256}"],
        [page],
        [str(file)],
    ]

    for arguments in asked:
        assert cli.main(["verify", *arguments, "--no-run", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["receipt"], found["verdict"], found["rescored"]) == (receipt.sha256, "not_run", True)


def test_a_sample_asks_some_items_and_compares_these(receipt):
    found = smallhub.verify_receipt(receipt.sha256, sample=10, seed=3)

    assert (found.verdict, found.items) == ("equal", 10)


def test_a_number_that_was_typed_in_is_found_out_by_running_it(receipt, tmp_path, capsys):
    forged(receipt, lambda record: record["result"].update(value=0.99))
    file = tmp_path / "forged.json"
    file.write_text(json.dumps(signing.envelope_of(receipt)))

    # The hub has no receipt of this hash, hence no outputs to read: only running the model tells.
    assert cli.main(["verify", str(file), "--no-run"]) == 1
    assert cli.main(["verify", str(file)]) == 8
    assert "the receipt states 0.99" in capsys.readouterr().out


def test_a_changed_receipt_is_not_what_its_name_says(receipt):
    forged(receipt, lambda record: record["result"].update(value=0.99))

    with pytest.raises(IntegrityError, match="not what its hash names"):
        smallhub.verify_receipt(receipt.sha256, run=False)


def test_a_body_changed_without_the_key_does_not_fit_its_signature(receipt):
    Receipt.objects.update(body=receipt.body.replace('"n":40', '"n":41'))

    with pytest.raises(IntegrityError, match="does not fit"):
        smallhub.verify_receipt(receipt.sha256, run=False)


def test_an_unsigned_receipt_needs_a_word(receipt):
    ReceiptSignature.objects.all().delete()

    with pytest.raises(IntegrityError, match="Nobody signed"):
        smallhub.verify_receipt(receipt.sha256, run=False)
    assert smallhub.verify_receipt(receipt.sha256, run=False, allow_unsigned=True).verdict == "not_run"


def test_a_key_that_the_pinned_one_vouches_for_is_followed_and_another_is_not(receipt):
    smallhub.verify_receipt(receipt.sha256, run=False)  # Pins.
    signing.rotate_key()
    ReceiptSignature.objects.all().delete()
    signing.sign_all()
    assert smallhub.verify_receipt(receipt.sha256, run=False).key_id == signing.current_key().key_id

    signing.rotate_key(compromised=True)  # The new one is vouched for by nobody.
    signing.sign_all()
    with pytest.raises(IntegrityError) as caught:
        smallhub.verify_receipt(receipt.sha256, run=False)
    assert caught.value.code == "unknown_key"
    new = signing.current_key()
    for key in (new.key_id, new.public_key):
        assert smallhub.verify_receipt(receipt.sha256, run=False, key=key).key_id == new.key_id
    with pytest.raises(IntegrityError):
        smallhub.verify_receipt(receipt.sha256, run=False, key=base64.b64encode(bytes(32)).decode())
    with pytest.raises(Invalid):
        smallhub.verify_receipt(receipt.sha256, run=False, key="nonsense")


def test_whoever_may_not_read_the_data_cannot_run_it(receipt):
    data = receipt.of_run.benchmark.repository
    data.visibility = "private"
    data.save()

    with pytest.raises(smallhub.NotFound):
        smallhub.verify_receipt(receipt.sha256)


def test_the_built_package_does_it_without_the_hubs_tree(receipt, live_server, tmp_path):
    """As for somebody who typed `pip install`: the measuring code comes along, and nothing of the server does."""
    library = tmp_path / "library"
    build = [
        sys.executable,
        "setup.py",
        "-q",
        "build",
        "--build-base",
        str(tmp_path / "b"),
        "--build-lib",
        str(library),
    ]
    subprocess.run(build, cwd=ROOT / "client", check=True, capture_output=True)
    environment = os.environ | {"PYTHONPATH": str(library)}
    command = [sys.executable, "-P", "-m", "smallhub", "verify", receipt.sha256, "--json"]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "equal"
    assert not list(library.rglob("services"))


def test_torch_gives_the_same_on_one_thread_and_the_declared_noise_on_two(tmp_path):
    """The worker forks its process where that can be done, the verifier starts one from nothing."""
    require("torch", "transformers")
    receipt = measured(make_random_gpt2(tmp_path / "model"))
    record = json.loads(receipt.body)

    assert record["noise"]["agreeing_share"] == 0.999
    assert record["env"]["threads"] == 1
    assert record["env"]["affinity"] == sorted(os.sched_getaffinity(0))
    same, other = smallhub.verify_receipt(receipt.sha256), smallhub.verify_receipt(receipt.sha256, threads=2)
    assert same.verdict == "equal", same
    assert other.verdict in {"equal", "within_noise"}, other
