"""Pieces of an explained text."""

from hub.pages.explanations import Piece, explained

STORED = {
    "text": "a very good film",
    "units": ["a", "very", "good", "film"],
    "spans": [[0, 1], [2, 6], [7, 11], None],
    "scores": [0.0, -0.2, 0.8, 5.0],
    "target": "positive",
    "method": "exact",
    "measure": "log_probability",
    "total": 0.7,
    "baseline": 0.1,
}


def test_each_part_is_marked_by_its_share_of_the_strongest():
    found = explained(STORED)

    assert found.pieces == [
        Piece("a", 0, False, 0.0),
        Piece(" "),
        Piece("very", 1, False, -0.2),
        Piece(" "),
        Piece("good", 4, True, 0.8),
        Piece(" film"),
    ]
    assert (found.target, found.measure, found.total) == ("positive", "log probability", 0.7)


def test_overlapping_parts_lose_no_letter():
    found = explained(STORED | {"spans": [[0, 6], [2, 11], [7, 11], None]})
    assert "".join(piece.text for piece in found.pieces) == STORED["text"]


def test_what_is_no_explanation_is_not_shown():
    for wrong in (None, [], {}, {"text": "x"}, STORED | {"spans": [None] * 4}):
        assert explained(wrong) is None


def test_parts_without_any_weight_are_plain_text():
    found = explained(STORED | {"scores": [0.0, 0.0, 0.0, 0.0]})
    assert {piece.level for piece in found.pieces} == {0}
