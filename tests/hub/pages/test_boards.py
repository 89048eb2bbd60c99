"""Leaderboards as pages: who is shown, in which order, with which ranks; and what other sites may frame."""

import re

import pytest
from django.test import Client

from evaluation.models import Benchmark, Score, Standing
from evaluation.services.standings import refresh
from hub.pages import boards
from models_registry.models import Visibility
from models_registry.services.settings import Changes, update_settings
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import put

pytestmark = pytest.mark.django_db


@pytest.fixture
def pairs() -> Benchmark:
    return benchmark(baseline={"name": "majority", "value": 0.62}, chance=0.5)


def names(answer) -> list[str]:
    return re.findall(r"<b>(tiny-[^<]+)</b></a>", answer.content.decode())


def stand(pairs: Benchmark, *values: float, **cost):
    made = []
    for value in values:
        made.append(model())
        measured(made[-1], {pairs: value}, **cost)
    return made


def test_a_board_ranks_honestly_and_puts_baseline_and_chance_where_they_belong(
    client: Client, pairs: Benchmark
) -> None:
    best, second, third = stand(pairs, 0.80, 0.79, 0.55)
    page = client.get("/leaderboards/core-pairs-en").content.decode()
    assert names(client.get("/leaderboards/core-pairs-en")) == [best.name, second.name, third.name]
    places = re.findall(r'<td class="num dim nowrap">\s*([\d–]+)</td>\s*<td class="sticky', page)
    assert places == ["1–2", "1–2", "3"]
    assert page.index(second.name) < page.index("majority</td>") < page.rindex(f"<b>{third.name}</b>")
    assert page.rindex(f"<b>{third.name}</b>") < page.index("chance</td>")
    assert f'href="/{best.full_name}" aria-label=' in page, "each point of the chart leads to its model"


def test_models_measured_on_a_part_stand_on_a_board_of_their_own(client: Client, pairs: Benchmark) -> None:
    (whole,) = stand(pairs, 0.6)
    (part,) = stand(pairs, 0.9)
    page = client.get("/leaderboards/core-pairs-en").content.decode()
    assert "quick tier" not in page, "where nobody stands there, nothing is offered"
    empty = client.get("/leaderboards/core-pairs-en?tier=quick").content.decode()
    assert "No model stands on the quick tier" in empty
    Score.objects.filter(repository=part).update(tier="quick", n=10)
    refresh(repository=part)

    board = client.get("/leaderboards/core-pairs-en")
    assert names(board) == [whole.name]
    assert re.search(r'tier=quick[^"]*#table">quick tier <span class="dim">1</span>', board.content.decode())
    quick = client.get("/leaderboards/core-pairs-en?tier=quick")
    assert names(quick) == [part.name]
    text = quick.content.decode()
    assert "quick tier, 10 items" in text
    assert "majority</td>" not in text, "a baseline of the whole set says nothing of a part"
    assert names(client.get("/leaderboards/core-pairs-en?tier=smoke&sort=size")) == []
    frame = client.get("/embed/leaderboards/core-pairs-en?tier=quick").content.decode()
    assert ("quick tier" in frame, part.name in frame, whole.name in frame) == (True, True, False)


def test_limits_orders_and_stale_links(client: Client, pairs: Benchmark) -> None:
    (large,) = stand(pairs, 0.8, bytes=90_000_000, first_token_s=0.01)
    (small,) = stand(pairs, 0.6, bytes=2_000_000, first_token_s=0.2)
    put(small, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})
    small.refresh_from_db()
    measured(small, {pairs: 0.6}, bytes=2_000_000, first_token_s=0.2)

    def asked(question: str) -> list[str]:
        return names(client.get(f"/leaderboards/core-pairs-en?{question}"))

    assert asked("sort=size") == [small.name, large.name]
    assert asked("sort=ms") == asked("sort=score") == [large.name, small.name]
    assert asked("max_mb=10") == asked("size=1mb-10mb") == asked("licence=non-commercial") == [small.name]
    assert asked("max_ms=20") == asked("licence=permissive") == [large.name]
    assert asked("max_mb=nonsense&sort=what&axis=no&size=none&max_ms=nan") == [large.name, small.name]
    assert "No model fits all of this" in client.get("/leaderboards/core-pairs-en?max_mb=0.001").content.decode()
    assert client.get("/leaderboards/core-pairs-en?cursor=forged").status_code == 400


def test_a_board_keeps_to_a_least_score_as_it_is_shown(client: Client, pairs: Benchmark) -> None:
    good, poor = stand(pairs, 0.8, 0.6)
    text = benchmark("core-text-en", "Running text", unit="bits/byte", higher_is_better=False, scale={"high": 6})
    measured(good, {pairs: 0.8, text: 1.5})
    measured(poor, {pairs: 0.6, text: 2.5})

    page = client.get("/leaderboards/core-pairs-en?min_score=70")

    assert names(page) == names(client.get("/leaderboards/core-pairs-en?min_score=0.7")) == [good.name]
    assert "min_score=0.7&amp;format=csv" in page.content.decode()
    assert names(client.get("/leaderboards/core-text-en?min_score=2")) == [good.name]
    assert poor.name not in client.get("/embed/leaderboards/core-pairs-en?min_score=70").content.decode()
    assert 'aria-sort="descending"' in page.content.decode()
    assert 'aria-sort="ascending"' in client.get("/leaderboards/core-text-en").content.decode()


def test_boards_with_models_come_before_boards_without(client: Client, pairs: Benchmark) -> None:
    empty = benchmark("core-speech-en", "Spoken words, English")
    Benchmark.objects.filter(pk=empty.pk).update(task="automatic-speech-recognition")
    stand(pairs, 0.7)

    page = client.get("/leaderboards").content.decode()

    assert page.index("Text completion") < page.index("Speech to text")


def test_private_models_and_private_benchmarks_are_not_there(client: Client, pairs: Benchmark) -> None:
    shown, hidden = stand(pairs, 0.7, 0.9)
    update_settings(repository=hidden, user=hidden.creator, changes=Changes(visibility=Visibility.PRIVATE))
    for address in ("/leaderboards", "/leaderboards/core-pairs-en", "/leaderboards/tasks/text-generation"):
        assert hidden.name not in client.get(address).content.decode(), address
    client.force_login(hidden.creator)
    assert names(client.get("/leaderboards/core-pairs-en")) == [hidden.name, shown.name]
    framed = client.get("/embed/leaderboards/core-pairs-en").content.decode()
    assert hidden.name not in framed, "a frame shows what everybody may see, whoever looks"
    data = pairs.repository
    update_settings(repository=data, user=data.creator, changes=Changes(visibility=Visibility.PRIVATE))
    for address in ("/leaderboards/core-pairs-en", "/embed/leaderboards/core-pairs-en", "/leaderboards/none"):
        assert client.get(address).status_code == 404


def test_a_frame_may_be_shown_anywhere_and_sets_no_cookie(client: Client, pairs: Benchmark) -> None:
    stand(pairs, 0.7)
    answer = client.get("/embed/leaderboards/core-pairs-en")
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert not answer.cookies
    assert "<script" not in answer.content.decode()
    board = client.get("/leaderboards/core-pairs-en")
    assert "frame-ancestors 'none'" in board["Content-Security-Policy"]
    assert board["X-Frame-Options"] == "DENY"


def test_boards_come_by_task_language_size_and_domain(client: Client) -> None:
    english = benchmark(language=["en"], domain="finance")
    german = benchmark("pairs-de", "Grammar pairs, German", language=["de"])
    (small,) = stand(english, 0.7, bytes=500_000)
    (large,) = stand(german, 0.8)

    def page(path: str) -> str:
        return client.get(f"/leaderboards/{path}").content.decode()

    assert small.name in page("languages/en")
    assert large.name not in page("languages/en")
    assert large.name in page("tasks/text-generation?language=de")
    assert small.name not in page("tasks/text-generation?language=de")
    assert small.name in page("sizes/to-1mb")
    assert large.name not in page("sizes/to-1mb")
    assert small.name in page("domains/finance")
    assert large.name not in page("domains/finance")
    assert "Nothing was measured here yet" in page("tasks/juggling")
    assert client.get("/leaderboards/sizes/huge").status_code == 404


def test_a_mean_is_only_of_one_protocol_and_of_models_that_have_it_all(client: Client) -> None:
    first, second = benchmark("one", "One"), benchmark("two", "Two")
    bits = benchmark("bits", "Bits", unit="bits/byte", main_metric="bits_per_byte", higher_is_better=False)
    whole, part = model(), model()
    measured(whole, {first: 0.8, second: 0.6, bits: 1.0})
    measured(part, {first: 0.9})
    page = client.get("/leaderboards/tasks/text-generation").content.decode()
    means = page[page.index("Mean over the suite") : page.index("Only benchmarks of one protocol")]
    assert "One, Two" in means
    assert "<b>70.0</b>" in means
    assert whole.name in means
    assert part.name not in means
    assert "Bits" not in means


def test_a_board_of_many_takes_as_many_queries_and_pages_to_its_end(
    client: Client, pairs: Benchmark, django_assert_max_num_queries, monkeypatch
) -> None:
    models = stand(pairs, *(0.5 + index / 100 for index in range(7)))
    monkeypatch.setattr(boards, "PER_PAGE", 3)
    with django_assert_max_num_queries(8):
        first = client.get("/leaderboards/core-pairs-en")
    with django_assert_max_num_queries(8):
        client.get("/leaderboards")
    with django_assert_max_num_queries(10):
        client.get("/leaderboards/tasks/text-generation")
    seen = names(first)
    page = first.content.decode()
    while found := re.search(r'href="(\?[^"]*cursor=[^"]+)"', page):
        page = client.get(f"/leaderboards/core-pairs-en{found[1].replace('&amp;', '&')}").content.decode()
        seen += re.findall(r"<b>(tiny-[^<]+)</b></a>", page)
    assert seen == [row.name for row in reversed(models)]
    assert Standing.objects.count() == 7


def test_an_older_version_keeps_its_board_and_says_so(client: Client, pairs: Benchmark) -> None:
    stand(pairs, 0.7)
    Benchmark.objects.filter(pk=pairs.pk).update(is_active=False)
    newer = Benchmark.objects.create(
        key=pairs.key,
        version=2,
        title=pairs.title,
        task=pairs.task,
        repository=pairs.repository,
        commit=pairs.commit,
        definition=pairs.definition,
        definition_sha256="1" * 64,
    )
    (fresh,) = stand(newer, 0.6)
    assert names(client.get("/leaderboards/core-pairs-en")) == [fresh.name]
    old = client.get("/leaderboards/core-pairs-en?version=1").content.decode()
    assert "A newer definition has replaced this one" in old
    assert fresh.name not in old
    assert client.get("/leaderboards/core-pairs-en?version=9").status_code == 404
