"""Receipts are signed as runs end, by a key that all machines share and that can be replaced."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import call_command
from django.db import IntegrityError, transaction

from evaluation import statements
from evaluation.models import Receipt, ReceiptSignature, SigningKey, Step
from evaluation.services import signing
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def receipt() -> Receipt:
    benchmark("pairs")
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK))
    return Receipt.objects.get()


def public(key: SigningKey) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key))


def test_a_run_that_ends_leaves_a_signed_receipt(client, receipt):
    envelope = client.get(f"/api/v1/receipts/{receipt.sha256}/envelope").json()
    (key,) = client.get("/api/v1/keys").json()["keys"]

    (signature,) = envelope["signatures"]
    content = base64.b64decode(envelope["payload"])
    assert signature["keyid"] == key["key_id"]
    assert key["state"] == "current"
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"])).verify(
        base64.b64decode(signature["sig"]), statements.signed_bytes(envelope["payloadType"], content)
    )
    assert json.loads(content)["predicate"] == json.loads(receipt.body)


def test_the_private_half_is_sealed_in_the_database(receipt):
    key = SigningKey.objects.get()

    assert key.sealed_private_key
    assert "sealed" not in json.dumps([str(key), key.key_id])
    with pytest.raises(InvalidSignature):
        public(key).verify(bytes(64), b"")


def test_a_body_that_was_changed_is_found_out(receipt):
    signature = signing.signature_of(receipt)
    assert signing.is_right(signature)

    Receipt.objects.update(body=receipt.body.replace("receipt_version", "receipt_versiom"))

    assert not signing.is_right(ReceiptSignature.objects.get())


def test_after_a_rotation_the_new_key_signs_vouched_for_by_the_old_one(client, receipt):
    before = SigningKey.objects.get()
    call_command("rotate_receipt_key")
    after = signing.current_key()

    old, new = client.get("/api/v1/keys").json()["keys"]
    assert (old["state"], new["state"]) == ("retired", "current")
    assert new["endorsed_by"] == old["key_id"] == before.key_id
    said = statements.endorsement(base64.b64decode(new["public_key"]))
    signed = statements.signed_bytes(statements.ENDORSEMENT_TYPE, said)
    public(before).verify(base64.b64decode(new["endorsement"]), signed)
    assert SigningKey.objects.get(pk=before.pk).sealed_private_key == ""
    assert signing.is_right(signing.signature_of(receipt))
    assert after.key_id == new["key_id"]


def test_a_key_that_others_may_have_is_revoked_and_vouches_for_nobody(client, receipt):
    call_command("rotate_receipt_key", "--compromised")

    old, new = client.get("/api/v1/keys").json()["keys"]
    assert (old["state"], new["state"], new["endorsed_by"]) == ("revoked", "current", None)
    assert signing.signature_of(receipt).key.key_id == new["key_id"]
    assert signing.sign_unsigned() == 0


def test_receipts_from_before_there_were_keys_are_signed_by_a_command(client, receipt):
    ReceiptSignature.objects.all().delete()
    assert client.get(f"/api/v1/receipts/{receipt.sha256}/envelope").json()["signatures"] == []

    call_command("sign_receipts")

    assert signing.is_right(signing.signature_of(receipt))


def test_a_key_that_cannot_be_opened_costs_no_measurement(settings, receipt):
    assert signing.findings() == []
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key", []
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK))

    unsigned = Receipt.objects.get(of_run__evaluation=evaluation)
    assert signing.signature_of(unsigned) is None
    assert "rotate_receipt_key" in signing.findings()[0]
    signing.rotate_key()
    assert signing.sign_all() == 1
    assert signing.findings() == []


def test_there_is_one_current_key(receipt):
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(key_id="0" * 64, public_key="x", sealed_private_key="y")
