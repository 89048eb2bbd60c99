from hypothesis import given
from hypothesis import strategies as st

from models_registry.storage.digests import XetHash
from models_registry.storage.terms import Term, joined, pack_terms, unpack_terms

A, B = (XetHash(letter * 64) for letter in "ab")
TERMS = st.lists(
    st.builds(
        Term,
        st.binary(min_size=32, max_size=32).map(XetHash.from_bytes),
        st.integers(0, 8191),
        st.integers(1, 8192),
        st.integers(0, 2**32 - 1),
    )
)


@given(TERMS)
def test_terms_survive_their_bytes(terms):
    packed = pack_terms(terms)

    assert unpack_terms(packed) == terms
    assert len(packed) == 44 * len(terms)


def test_neighbours_are_joined_and_others_are_not():
    terms = [Term(A, 0, 2, 20), Term(A, 2, 3, 10), Term(B, 3, 4, 10), Term(A, 3, 4, 10), Term(A, 3, 4, 10)]

    assert joined(terms) == [Term(A, 0, 3, 30), Term(B, 3, 4, 10), Term(A, 3, 4, 10), Term(A, 3, 4, 10)]
