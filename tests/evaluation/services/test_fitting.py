import pytest

from evaluation.services.fitting import obstacle
from tests.factories.evaluation import benchmark

pytestmark = pytest.mark.django_db
ABLE = {"capabilities": ["log_likelihood", "classify", "embed", "generate", "tokenize"]}


@pytest.mark.parametrize("languages", [[], ["en"], ["zh", "EN-gb"], ["multilingual"]])
def test_a_model_is_asked_in_its_languages_and_in_all_when_it_declares_none(languages: list[str]) -> None:
    assert "declares" not in obstacle(benchmark(), smoke=ABLE, languages=languages)


def test_a_benchmark_in_another_language_does_not_apply_and_says_so() -> None:
    assert obstacle(benchmark(), smoke=ABLE, languages=["zh"]) == "It is in English; the card declares Chinese."
