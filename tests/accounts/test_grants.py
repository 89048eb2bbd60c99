"""What fine-grained tokens let through. The rules themselves, without rows."""

import pytest

from accounts.grants import Grants, Right, from_json, grant


def test_a_right_holds_in_its_place_alone():
    grants = Grants((grant(["read"], namespace=3), grant(["write"], repository="a" * 24)))

    assert grants.allow(Right.READ, namespace=3, repository="b" * 24)
    assert not grants.allow(Right.WRITE, namespace=3, repository="b" * 24)
    assert grants.allow(Right.WRITE, namespace=9, repository="a" * 24)
    assert not grants.allow(Right.READ, namespace=9, repository="b" * 24)
    assert not grants.allow(Right.READ, namespace=None)


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        (["write"], {Right.READ, Right.WRITE}),
        (["administer"], {Right.READ, Right.WRITE, Right.ADMINISTER}),
        (["webhooks"], {Right.WEBHOOKS}),
    ],
)
def test_a_right_brings_what_it_cannot_do_without(given, complete):
    assert grant(given, namespace=1).rights == complete


def test_some_rights_may_be_given_everywhere():
    everywhere = Grants((grant(["discuss", "gated"]),))

    assert everywhere.allow(Right.DISCUSS, namespace=7)
    assert not everywhere.allow(Right.READ, namespace=7)


@pytest.mark.parametrize("rights", [[], ["read"], ["write"], ["everything"], ["discuss", "administer"]])
def test_others_need_a_place_and_a_grant_needs_a_right(rights):
    with pytest.raises(ValueError, match=r"."):
        grant(rights)


def test_grants_are_read_as_they_were_written():
    grants = Grants((grant(["write"], namespace=1, label="user:ada"), grant(["gated"])))

    assert from_json(grants.as_json()) == grants
