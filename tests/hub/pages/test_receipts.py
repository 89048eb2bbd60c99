"""The page of one receipt: its signature, its line to copy, and all that it says."""

import json

import pytest

from evaluation.models import Receipt, ReceiptSignature
from evaluation.services import signing
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> tuple[Receipt, str]:
    repository = model()
    measured(repository, {benchmark(): 0.7})
    receipt = Receipt.objects.get()
    return receipt, f"/{repository.full_name}/evaluations/{repository.head}/receipts/{receipt.sha256}"


def test_it_says_who_signed_it_and_how_to_make_the_number_again(client, place):
    receipt, address = place

    html = client.get(address).content.decode()

    assert "Signed by this hub" in html
    assert signing.current_key().key_id[:16] in html
    assert f"smallhub verify http://testserver/api/v1/receipts/{receipt.sha256}" in html
    assert "torch 2.6.0" in html
    assert "model.safetensors" in html


def test_its_envelope_can_be_downloaded(client, place):
    receipt, address = place

    answer = client.get(f"{address}?format=dsse")

    assert answer["Content-Disposition"].endswith('.dsse.json"')
    assert json.loads(answer.content) == signing.envelope_of(receipt)


def test_an_unsigned_one_says_so(client, place):
    ReceiptSignature.objects.all().delete()

    assert "Not signed" in client.get(place[1]).content.decode()


def test_a_record_that_was_changed_is_not_shown_as_signed(client, place):
    receipt, address = place
    Receipt.objects.filter(pk=receipt.pk).update(body=receipt.body.replace("0.7", "0.9"))

    html = client.get(address).content.decode()

    assert "Do not rely on it" in html
    assert "Signed by this hub" not in html


def test_one_of_a_revoked_key_says_so(client, place):
    signing.rotate_key(compromised=True)

    assert "was revoked" in client.get(place[1]).content.decode()


def test_the_data_are_named_to_those_who_may_read_them_alone(client, place):
    receipt, address = place
    data = receipt.of_run.benchmark.repository
    assert data.full_name in client.get(address).content.decode()

    data.visibility = "private"
    data.save()

    html = client.get(address).content.decode()
    assert data.full_name not in html
    assert "Not public" in html


def test_a_page_costs_the_same_queries_however_many_signatures_there_are(client, place, django_assert_max_num_queries):
    for _ in range(3):
        signing.rotate_key()
        signing.sign_receipt(place[0])

    with django_assert_max_num_queries(22):
        client.get(place[1])
