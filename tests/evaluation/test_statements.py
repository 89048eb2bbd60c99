"""What is signed is an in-toto statement in a DSSE envelope, the same bytes each time."""

import base64
import hashlib
import json

from evaluation import statements

BODY = '{"model":{"files":[{"bytes":3,"path":"config.json","sha256":"%s"}]},"receipt_version":1,"value":0.1}' % (
    "a" * 64
)


def test_the_subjects_are_the_models_files_and_the_predicate_is_the_receipt():
    found = statements.statement(BODY)

    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["subject"] == [{"name": "config.json", "digest": {"sha256": "a" * 64}}]
    assert found["predicate"] == json.loads(BODY)


def test_a_receipt_without_files_speaks_of_itself():
    body = '{"run":1}'

    assert statements.statement(body)["subject"] == [
        {"name": "receipt.json", "digest": {"sha256": hashlib.sha256(body.encode()).hexdigest()}}
    ]


def test_the_receipt_can_be_taken_out_of_its_envelope_with_the_bytes_that_name_it():
    envelope = statements.envelope(BODY, [statements.Signature("k", b"s" * 64)])

    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    assert json.dumps(predicate, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == BODY
    assert envelope["signatures"] == [{"keyid": "k", "sig": base64.b64encode(b"s" * 64).decode()}]


def test_what_is_signed_never_changes():
    """Signatures are kept and statements made anew, so the bytes of receipts that exist must stay what they are."""
    assert hashlib.sha256(statements.payload(BODY)).hexdigest() == (
        "6bda5ab86d7e0121a6c61aef029e3c6703f0923d1ee4afb772518777eac31850"
    )


def test_signed_bytes_follow_the_format_to_the_letter():
    assert statements.signed_bytes("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
