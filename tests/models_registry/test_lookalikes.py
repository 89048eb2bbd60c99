"""Names that are taken for others: imitations are noticed, ordinary names are left alone."""

import random
import string

import pytest

from models_registry.lookalikes import find, is_like
from models_registry.models import Kind, Repository
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory

KNOWN = [
    *("kestrel/pico-lm-33m", "harbour/tide-ner", "openlab/whisper-small", "acme/bert-mini", "delta/gpt-nano"),
    *("north/sentiment-en", "river/topic-de", "mill/translate-en-zh", "stone/ocr-tiny", "cloud/embed-base"),
    *("forest/llama-small", "ocean/phi-tiny", "field/mistral-mini", "hill/t5-nano", "lake/roberta-mini"),
    *("island/distil-qa", "meadow/keyword-fr", "valley/spam-filter", "desert/intent-es", "canyon/summary-en"),
]
WORDS = (
    "amber basil cedar dune ember fjord glade heron iris jade kelp lotus maple nova opal pine quartz reed sage".split()
)


def imitations(name: str, chance: random.Random) -> list[str]:
    """Ten ways to imitate a name."""
    shapes = {"o": "0", "l": "1", "i": "l", "m": "rn", "s": "5", "e": "3", "a": "4", "-": "_"}
    made: list[str] = []
    while len(made) < 10:
        place = chance.randrange(len(name))
        letter = name[place]
        if letter == "/":
            continue
        way = len(made) % 5
        if way == 0:
            found = name[:place] + name[place + 1 :]
        elif way == 1:
            found = name[:place] + letter * 2 + name[place + 1 :]
        elif way == 2:
            found = name[:place] + chance.choice(string.ascii_lowercase) + name[place + 1 :]
        elif way == 3:
            found = name[:place] + shapes.get(letter, letter + "x") + name[place + 1 :]
        else:
            if place + 1 >= len(name) or name[place + 1] == "/":
                continue
            found = name[:place] + name[place + 1] + letter + name[place + 2 :]
        if found != name:
            made.append(found)
    return made


def test_imitations_are_noticed_and_ordinary_names_are_not():
    chance = random.Random(7)
    wrong = [each for name in KNOWN for each in imitations(name, chance) if not is_like(each, name)]
    assert len(wrong) <= 10, wrong

    ordinary = [
        f"{chance.choice(WORDS)}-{chance.choice(WORDS)}/{chance.choice(WORDS)}-{chance.choice(WORDS)}-{number}"
        for number in range(1000)
    ]
    flagged = [each for each in ordinary if any(is_like(each, name) for name in KNOWN)]
    assert len(flagged) < 20, flagged


@pytest.mark.parametrize(("name", "like"), [("a/b", "a/b"), ("A/b", "a/B"), ("ada/tiny", "ada/tall"), ("ab/c", "ba/d")])
def test_the_same_and_the_different(name, like):
    assert not is_like(name, like)


@pytest.mark.django_db
def test_only_what_is_public_known_and_of_others_is_imitated():
    tiny = RepositoryFactory(user=UserFactory(username="kestrel"), name="pico")
    assert find(Kind.MODEL, "kestre1/pico") == ""

    Repository.objects.filter(pk=tiny.pk).update(downloads=101)
    assert find(Kind.MODEL, "kestre1/pico") == "kestrel/pico"
    assert find(Kind.MODEL, "kestrel/picos") == ""
    assert find(Kind.DATASET, "kestre1/pico") == ""

    Repository.objects.filter(pk=tiny.pk).update(visibility="private")
    assert find(Kind.MODEL, "kestre1/pico") == ""
