import pytest

from hub.core.secrets import SealBroken, seal, unseal


def test_a_sealed_text_opens_with_the_key_and_for_its_purpose_alone(settings) -> None:
    sealed = seal("tide table", purpose="one")

    assert "tide" not in sealed
    assert seal("tide table", purpose="one") != sealed
    assert unseal(sealed, purpose="one") == "tide table"
    with pytest.raises(SealBroken):
        unseal(sealed, purpose="two")
    with pytest.raises(SealBroken):
        unseal(sealed[:-4] + "AAA=", purpose="one")
    settings.SECRET_KEY = "another-key-of-the-tests-0123456789"
    with pytest.raises(SealBroken):
        unseal(sealed, purpose="one")


def test_an_earlier_key_still_opens_what_it_sealed(settings) -> None:
    sealed = seal("tide table", purpose="one")

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-the-tests-0123456789"

    assert unseal(sealed, purpose="one") == "tide table"
