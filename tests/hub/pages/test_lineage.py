"""Where a repository comes from, on its pages: the drawing, the list, what is left out, and who sees what."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hub.pages import lineage as shown
from hub.pages.lineage_drawing import draw
from models_registry.models import LineageLink, Repository, Visibility
from models_registry.services import lineage
from models_registry.services.lineage.tracing import Edge, Node, Trace
from models_registry.services.repositories import set_visibility
from tests.factories.accounts import UserFactory
from tests.factories.lineage import family
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def graph(*edges: tuple[str, str]) -> Trace:
    keys = dict.fromkeys(key for edge in edges for key in edge)
    nodes = {key: Node(key, "model", key, "mit", "here", 0) for key in keys}
    return Trace(next(iter(keys)), nodes, [Edge(child, parent, "finetune", "declared") for child, parent in edges])


def columns(trace: Trace) -> list[list[str]]:
    drawing = draw(trace)
    assert drawing is not None
    return [[box.key if not box.is_passing else "|" for box in level.boxes] for level in drawing.levels]


def test_every_line_leads_down_and_long_ones_pass_the_levels_between():
    assert columns(graph(("a", "b"), ("b", "c"), ("a", "c"))) == [["a"], ["b", "|"], ["c"]]
    assert columns(graph(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))) == [["a"], ["b", "c"], ["d"]]
    drawing = draw(graph(("a", "b"), ("b", "c"), ("a", "c")))
    assert [len(level.lines) for level in drawing.levels] == [0, 2, 2]
    assert sum(line.is_end for level in drawing.levels for line in level.lines) == 3


def test_many_alike_are_one_box_and_what_is_too_wide_or_deep_is_not_drawn():
    wide = graph(*(("a", f"b{number}") for number in range(12)))
    (_, level) = draw(wide).levels
    assert [len(box.group) for box in level.boxes] == [12]
    spread = [edge for number in range(9) for edge in (("a", f"b{number}"), (f"b{number}", f"c{number}"))]
    assert draw(graph(*spread)) is None
    assert draw(graph(*((f"n{number}", f"n{number + 1}") for number in range(20)))) is None
    assert draw(Trace("a", {"a": Node("a", "model", "a", "", "here", 0)})) is None


def test_the_page_draws_it_and_says_each_step_with_its_evidence(client: Client, django_assert_max_num_queries):
    tide = family(UserFactory(username="ada"), children=2)
    client.get(f"/{tide.full_name}/licence")
    with django_assert_max_num_queries(40):
        page = client.get(f"/{tide.full_name}/licence").content.decode()
    steps = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index('<ol class="lin-steps"') :]))
    assert page.count("<line ") >= 7
    assert "Made from 7 parts. The licences of 3 are not known." in page
    for words in (
        "merged from acme-labs/tide-base MIT verified",
        "merged from acme-labs/other-base CC-BY-NC-4.0 contradicted",
        "fine-tuned from acme-labs/words Gemma from its weights",
        "merged from far/away licence not known declared It is not on this hub",
        "trained on “our own crawl of the harbours” data set licence not known declared",
        "README.md says so in “base_model”.",
        "Its weights do not resemble it",
        "It stands above, with all that it comes from.",
        "Models made from this one 2 acme-labs/tide-child-1 fine-tune, declared MIT",
    ):
        assert words in steps, words


def test_as_many_queries_whatever_the_number_of_parts_and_children(client: Client):
    ada = UserFactory(username="ada")

    def asked(name: str, parents: int, children: int) -> int:
        made = RepositoryFactory(user=ada, name=name)
        names = [RepositoryFactory(user=ada, name=f"{name}-p{number}").full_name for number in range(parents)]
        put(made, {"README.md": f"---\nlicense: mit\nbase_model: [{', '.join(names)}]\n---\n"})
        for number in range(children):
            child = RepositoryFactory(user=ada, name=f"{name}-c{number}")
            put(child, {"README.md": f"---\nlicense: mit\nbase_model: ada/{name}\n---\n"})
        client.get(f"/ada/{name}/licence")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/ada/{name}/licence").status_code == 200
        return len(queries)

    assert asked("few", 1, 1) == asked("many", 6, 6)


def test_children_come_page_by_page_and_private_ones_to_their_owner_alone(client: Client):
    ada = UserFactory(username="ada")
    base = RepositoryFactory(user=ada, name="base")
    put(base, {"README.md": "---\nlicense: mit\n---\n"})
    for number in range(23):
        child = RepositoryFactory(user=ada, name=f"c{number}", private=number == 0)
        put(child, {"README.md": "---\nlicense: mit\nbase_model: ada/base\n---\n"})
    first = client.get("/ada/base/licence").content.decode()
    assert first.count("ada/c") // 2 == 20
    more = re.search(r'href="([^"]*children=[^"]*)"', first)
    assert more is not None
    second = client.get("/ada/base/licence" + more[1].replace("&amp;", "&").partition("#")[0]).content.decode()
    assert set(re.findall(r">(ada/c\d+)<", second)) == {"ada/c2", "ada/c1"}
    client.force_login(ada)
    assert '<span class="badge">23</span>' in client.get("/ada/base/licence").content.decode()
    assert client.get("/ada/base/licence?children=x").status_code == 400


def test_a_circle_is_told_and_a_hidden_parent_is_not(client: Client):
    ada, bo = UserFactory(username="ada"), UserFactory(username="bo")
    one, two = RepositoryFactory(user=ada, name="one"), RepositoryFactory(user=ada, name="two")
    put(one, {"README.md": "---\nlicense: mit\nbase_model: ada/two\n---\n"})
    put(two, {"README.md": "---\nlicense: mit\nbase_model: ada/one\n---\n"})
    page = client.get("/ada/two/licence").content.decode()
    assert "ada/two names ada/one, which itself comes from ada/two. This step is left out." in page

    tide = family(bo)
    set_visibility(
        repository=Repository.objects.get(name="words"),
        user=Repository.objects.get(name="words").creator,
        visibility=Visibility.PRIVATE,
    )
    page = client.get(f"/{tide.full_name}/licence").content.decode()
    assert "acme-labs/words" not in page
    assert "a model that nobody names" in page
    assert "You may not see the model that they come from." in page


def test_the_model_page_says_it_in_short(client: Client):
    tide = family(UserFactory(username="ada"))
    page = client.get(f"/{tide.full_name}").content.decode()
    assert f"/{tide.full_name}/licence#lineage" in page
    assert "and 3 more" in page
    assert "3 models are made from it" in page
    assert "Where it comes from" not in client.get("/acme-labs/other-base").content.decode()
    assert "1 was made with it" not in page
    assert "2 were made with it" in client.get("/datasets/acme-labs/harbour-texts").content.decode()


def test_a_repository_that_names_nothing_says_how_to(client: Client):
    made = RepositoryFactory(user=UserFactory(username="ada"), name="plain")
    assert "Nothing is named: no base model and no data." in client.get("/ada/plain/licence").content.decode()
    assert shown.summary(lineage.trace(made)) == ""


def test_texts_of_strangers_are_escaped(client: Client):
    made = RepositoryFactory(user=UserFactory(username="ada"), name="odd")
    put(made, {"README.md": '---\ndatasets: ["<script>alert(1)</script> of ours"]\n---\n'})
    page = client.get("/ada/odd/licence").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert LineageLink.objects.get(repository=made).parent_name == ""
