"""Which items are explained, and what a model that breaks over it leaves."""

import pytest
from smallhub.runtimes import load

from evaluation import benchmarks, explaining
from evaluation.benchmarks import Dataset, Item
from evaluation.sandbox import Crashed, Explanation, RuntimeRefused, replies
from evaluation.sandbox.child.pipe import encode
from tests.evaluation.benchmarks.test_benchmarks import declared
from tests.factories.tiny_models import make_ngram

ROWS = [{"id": str(number), "right": number % 3 == 0} for number in range(30)]
DATA = Dataset(items=tuple(Item(str(number), {"text": f"text {number}", "label": "a"}) for number in range(30)))


class Explains:
    """A model that explains by hand; it keeps what it was asked."""

    def __init__(self, error=None, after=10**6):
        self.description = {}
        self.asked, self.error, self.after = [], error, after

    def call(self, operation, *, timeout_s=None, **arguments):
        assert operation == "explain"
        assert timeout_s <= explaining.SECONDS
        if len(self.asked) >= self.after:
            raise self.error
        self.asked.append(arguments)
        value = arguments["value"]
        return Explanation((value,), ((0, len(value)),), (0.5,), "a", "exact", 1.0, 0.5, "score", ())


def explain(model, **changes):
    return explaining.explain_items(benchmarks.parse(declared(**changes)), DATA, ROWS, model)


def test_some_wrong_and_some_right_ones_the_same_for_every_version():
    model = Explains()

    found = explain(model)

    right = [int(name) % 3 == 0 for name in found]
    assert (right.count(False), right.count(True)) == (explaining.WRONG, explaining.RIGHT)
    assert list(explain(Explains())) == list(found)
    assert found[next(iter(found))]["text"].startswith("text ")
    assert all("label" not in asked and asked["target"] is None for asked in model.asked)


@pytest.mark.parametrize("error", [RuntimeRefused("not_explainable", "no"), Crashed("gone")])
def test_a_model_that_cannot_or_breaks_leaves_what_came_before(error):
    assert explain(Explains(error, after=0)) == {}
    assert len(explain(Explains(error, after=3))) == 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeRefused("not_explainable", "no"), 0),
        (RuntimeRefused("model_error", "KeyError: 'slip'"), 1),
        (Crashed("gone"), 1),
    ],
)
def test_what_should_not_have_happened_is_told(error, told):
    said: list[str] = []

    explaining.explain_items(benchmarks.parse(declared()), DATA, ROWS, Explains(error, after=0), on_fault=said.append)

    assert len(said) == told
    assert all(str(getattr(error, "reason", error)) in line for line in said)


def test_only_kinds_with_a_question_of_their_own_are_asked():
    model = Explains()
    assert explain(model, scorer="similarity", labels=[], requires=["embed"], main_metric="spearman") == {}
    assert model.asked == []


def test_long_texts_are_passed_over():
    long = Dataset(items=tuple(Item(item.id, {"text": "x" * 3_000, "label": "a"}) for item in DATA.items))
    assert explaining.explain_items(benchmarks.parse(declared()), long, ROWS, Explains()) == {}


def pairs_of(*sentences):
    items = tuple(Item(str(number), {"good": good, "bad": bad}) for number, (good, bad) in enumerate(sentences))
    return Dataset(items=items)


def test_of_a_pair_the_model_is_asked_why_it_goes_on_as_it_does():
    data = pairs_of(
        ("the cats that I saw sleep", "the cats that I saw sleeps"),
        ("she sleeps well", "she sleep well"),
        ("cats sleep", "cat sleep"),
        ("他 看书", "他 书看"),
        ("我看书", "我书看"),
    )
    wanted = declared(scorer="minimal_pairs", labels=[], requires=["log_likelihood"], main_metric="accuracy")
    likelier = [True, False, True, True, True]
    rows = [
        {"id": str(number), "good": -1.0 if good else -3.0, "bad": -2.0, "right": good, "group": "", "tie": False}
        for number, good in enumerate(likelier)
    ]
    model = Explains()

    found = explaining.explain_items(benchmarks.parse(wanted), data, rows, model)

    asked = {(question["value"], question["target"]) for question in model.asked}
    # Nothing is asked of the third pair, which differs from its first word on.
    assert asked == {("the cats that I saw", " sleep"), ("she", " sleep well"), ("他", " 看书"), ("我", "看书")}
    assert set(found) == {"0", "1", "3", "4"}


def test_where_what_follows_is_told_part_by_part_it_is_shown_with_its_text(tmp_path):
    model = load(make_ngram(tmp_path, order=3))
    wanted = declared(scorer="minimal_pairs", labels=[], requires=["log_likelihood"], main_metric="accuracy")
    rows = [{"id": "0", "good": -1.0, "bad": -2.0, "right": True, "group": "", "tie": False}]

    class Checked(Explains):
        def call(self, operation, *, timeout_s=None, **arguments):
            answer = encode(model.explain(arguments["value"], target=arguments["target"]))
            return replies.check(operation, arguments, replies.decode(answer))

    data = pairs_of(("the cats that I saw sleep", "the cats that I saw sleeps"))
    found = explaining.explain_items(benchmarks.parse(wanted), data, rows, Checked())["0"]

    assert found["text"] == "the cats that I saw sleep"
    assert [found["text"][start:end] for start, end in found["spans"]] == list(" sleep")
