from models_registry.sizes import SIZES, size_class


def test_classes_of_size_meet_without_gap() -> None:
    ends = [(low, end) for _, low, end in SIZES.values()]
    assert [low for low, _ in ends[1:]] == [end for _, end in ends[:-1]]
    assert (ends[0][0], ends[-1][1]) == (0, None)
    for key, (_, low, end) in SIZES.items():
        assert size_class(low) == key
        assert end is None or (size_class(end - 1) == key and size_class(end) != key)
