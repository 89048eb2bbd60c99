"""Links that are written with each head: once, whatever happens twice, and never in a circle."""

import json
from dataclasses import replace

import pytest
from django.contrib.auth.models import AnonymousUser

from models_registry.licences import judge
from models_registry.models import LineageLink, Repository, RepositoryImport
from models_registry.services import lineage
from models_registry.services.moves import move_repository
from models_registry.services.repositories import delete_repository
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def model(name: str, front: str = "", **files: str) -> Repository:
    owner = name.partition("/")[0]
    user = UserFactory._meta.model.objects.filter(username=owner).first() or UserFactory(username=owner)
    made = RepositoryFactory(user=user, name=name.partition("/")[2])
    put(made, {"README.md": f"---\n{front}\n---\n# It\n", **files}, user=user)
    made.refresh_from_db()
    return made


def names(found: lineage.Lineage) -> dict[str, tuple[str, str]]:
    return {part.name: (part.kind, part.licence) for part in found.parts.values()}


def links(found: lineage.Lineage) -> set[tuple[str, str, str, str]]:
    name = {key: part.name for key, part in found.parts.items()}
    return {(name[link.child], name[link.parent], link.relation, link.evidence) for link in found.links}


def test_three_levels_with_a_data_set_and_a_part_that_is_not_here():
    texts = RepositoryFactory(user=UserFactory(username="acme"), dataset=True, name="texts")
    put(texts, {"README.md": "---\nlicense: cc-by-sa-4.0\n---\n"})
    model("acme/base", "license: apache-2.0\ndatasets: [acme/texts]")
    model("bo/tuned", "license: mit\nbase_model: acme/base")
    tiny = model("ada/tiny", "license: mit\nbase_model: [bo/tuned, far/away]")

    found = lineage.graph(tiny)

    assert found.root == "model:ada/tiny"
    assert names(found) == {
        "ada/tiny": ("model", "mit"),
        "bo/tuned": ("model", "mit"),
        "far/away": ("model", ""),
        "acme/base": ("model", "apache-2.0"),
        "acme/texts": ("dataset", "cc-by-sa-4.0"),
    }
    assert links(found) == {
        ("ada/tiny", "bo/tuned", "merge", "declared"),
        ("ada/tiny", "far/away", "merge", "declared"),
        ("bo/tuned", "acme/base", "finetune", "declared"),
        ("acme/base", "acme/texts", "trained_on", "declared"),
    }


def test_a_parent_that_arrives_later_is_found_and_a_renamed_one_stays_found():
    tiny = model("ada/tiny", "base_model: acme/base")
    base = model("acme/base", "license: gemma")
    assert names(lineage.graph(tiny))["acme/base"] == ("model", "gemma")

    move_repository(repository=base, user=base.creator, namespace="acme", name="renamed")
    assert names(lineage.graph(tiny))["acme/renamed"] == ("model", "gemma")
    again = model("bo/again", "base_model: acme/base")
    assert names(lineage.graph(again))["acme/renamed"] == ("model", "gemma")

    delete_repository(repository=Repository.objects.get(pk=base.pk), user=base.creator)
    assert names(lineage.graph(tiny))["acme/base"] == ("model", "")


def test_what_the_card_no_longer_says_is_gone():
    tiny = model("ada/tiny", "base_model: acme/base")
    put(tiny, {"README.md": "# Nothing\n"})
    tiny.refresh_from_db()
    assert len(lineage.graph(tiny).parts) == 1


def test_done_twice_it_is_the_same():
    tiny = model("ada/tiny", "base_model: [acme/one, acme/two]\ndatasets: [x/y]")
    before = list(LineageLink.objects.values_list("commit", "position", "parent_key", "relation", "evidence"))
    assert lineage.rebuild(repository=tiny)
    assert lineage.rebuild(repository=tiny)
    assert list(LineageLink.objects.values_list("commit", "position", "parent_key", "relation", "evidence")) == before
    assert len(before) == 3


def test_a_circle_is_refused_with_its_reason_and_the_rest_stays():
    one = model("ada/one", "base_model: ada/three")
    two = model("ada/two", "base_model: ada/one")
    three = model("ada/three", "base_model: [ada/two, acme/base]")
    itself = model("ada/itself", "base_model: ada/itself")

    assert links(lineage.graph(one)) == {
        ("ada/one", "ada/three", "finetune", "declared"),
        ("ada/three", "acme/base", "merge", "declared"),
    }
    refused = LineageLink.objects.get(repository=three, parent=two)
    assert refused.refused == "cycle"
    assert [edge.row for edge in lineage.trace(three).refused] == [refused]
    assert links(lineage.graph(itself)) == set()


def test_two_that_were_written_at_one_moment_do_not_make_a_circle_when_read():
    one = model("ada/one", "base_model: ada/two")
    two = model("ada/two", "base_model: ada/one")
    LineageLink.objects.update(refused="")
    for each in (one, two):
        assert len(lineage.graph(each).links) == 1


def test_what_one_may_not_see_is_as_if_it_were_not_here():
    acme = UserFactory(username="acme")
    hidden = RepositoryFactory(user=acme, name="secret", private=True)
    put(hidden, {"README.md": "---\nlicense: mit\nbase_model: acme/deeper\n---\n"})
    tiny = model("ada/tiny", "base_model: acme/SECRET")
    missing = model("ada/other", "base_model: acme/MISSING")

    (link,) = lineage.graph(tiny).links
    part = lineage.graph(tiny).parts[link.parent]
    (other,) = lineage.graph(missing).links
    assert (part.name, part.licence, part.where) == ("acme/SECRET", "", "")
    assert replace(part, key="", name="") == replace(lineage.graph(missing).parts[other.parent], key="", name="")
    assert len(lineage.graph(tiny, AnonymousUser()).parts) == 2
    assert names(lineage.graph(tiny, acme)) | {"ada/tiny": ("model", "")} == {
        "ada/tiny": ("model", ""),
        "acme/secret": ("model", "mit"),
        "acme/deeper": ("model", ""),
    }


def test_a_parent_that_only_weights_tell_of_has_no_name_for_those_who_may_not_see_it():
    acme = UserFactory(username="acme")
    hidden = RepositoryFactory(user=acme, name="secret", private=True)
    put(hidden, {"README.md": "---\nlicense: mit\n---\n"})
    tiny = model("ada/tiny", "license: mit")
    LineageLink.objects.create(
        repository=tiny,
        commit=tiny.commits.get(oid=tiny.head),
        position=0,
        parent_kind="model",
        parent_name="acme/secret",
        parent_key="acme/secret",
        parent=hidden,
        relation="finetune",
        evidence="derived",
        is_from_weights=True,
    )
    assert [part.name for part in lineage.graph(tiny).parts.values()] == ["ada/tiny", ""]
    assert "secret" not in json.dumps(lineage.graph(tiny).as_json())
    assert "acme/secret" in names(lineage.graph(tiny, acme))


def test_a_private_one_of_the_same_owner_counts_where_nobody_else_looks():
    ada = UserFactory(username="ada")
    base = RepositoryFactory(user=ada, name="base", private=True)
    put(base, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"})
    tiny = RepositoryFactory(user=ada, name="tiny", private=True)
    put(tiny, {"README.md": "---\nbase_model: ada/base\n---\n"})
    tiny.refresh_from_db()
    assert names(lineage.graph(tiny))["ada/base"] == ("model", "cc-by-nc-4.0")


def test_a_mirror_under_another_name_tells_the_licence_of_what_is_not_here():
    tiny = model("ada/tiny", "license: mit\nbase_model: Far/Base")
    copy = model("mirrors/far-base", "license: gemma")
    RepositoryImport.objects.create(repository=copy, user=copy.creator, origin="Far/Base", hub="https://example.org")
    found = lineage.trace(tiny)
    node = found.nodes["model:far/base"]
    assert (node.name, node.licence, node.place, node.mirror) == ("Far/Base", "gemma", "elsewhere", copy)
    Repository.objects.filter(pk=copy.pk).update(visibility="private")
    assert lineage.trace(tiny).nodes["model:far/base"].licence == ""


def test_another_licence_gives_its_own_name():
    tiny = model("ada/tiny", "license: other\nlicense_name: my-own")
    assert names(lineage.graph(tiny)) == {"ada/tiny": ("model", "my-own")}


def test_depth_and_width_are_bounded_and_what_was_left_out_is_an_unknown_part(django_assert_max_num_queries):
    before = "far/start"
    for number in range(15):
        model(f"ada/m{number}", f"license: mit\nbase_model: {before}")
        before = f"ada/m{number}"
    deep = Repository.objects.get(name="m14")
    with django_assert_max_num_queries(3 * 12 + 2):
        found = lineage.trace(deep, levels=12)
    assert found.is_cut
    assert not lineage.trace(deep).is_cut
    assert max(node.level for node in found.nodes.values()) == 13
    assert lineage.lineage_of(found).parts["unknown:more"].licence == ""

    wide = model("ada/wide", "datasets: [" + ", ".join(f"x/d{number}" for number in range(300)) + "]")
    assert len(lineage.graph(wide).parts) == 101  # As many as are kept of one card.


def test_a_chain_of_empty_steps_hides_no_clause_at_its_beginning(client):
    before = model("ada/ground", "license: cc-by-nc-4.0").full_name
    for number in range(20):
        before = model(f"ada/n{number}", f"license: mit\nbase_model: {before}").full_name
    top = Repository.objects.get(name="n19")

    found = judge(lineage.graph(top))

    assert found.verdict == "conflict"
    assert {side.key for side in found.conflicts[0].sides} == {"model:ada/ground", "model:ada/n19"}
    page = client.get(f"/{top.full_name}/licence").content.decode()  # Too deep for a picture, so it is a list.
    assert "ada/ground forbids commercial use" in page
    assert "ada/n0" in page


def test_a_level_takes_as_many_queries_however_wide_it_is(django_assert_max_num_queries):
    for number in range(8):
        model(f"acme/b{number}", "license: mit\ndatasets: [acme/d]")
    tiny = model("ada/tiny", "base_model: [" + ", ".join(f"acme/b{number}" for number in range(8)) + "]")
    with django_assert_max_num_queries(3 + 3 + 1):
        assert len(lineage.graph(tiny).parts) == 10


def test_a_revision_of_its_own_can_be_asked_for():
    tiny = model("ada/tiny", "base_model: acme/old")
    old = tiny.commits.get(oid=tiny.head)
    put(tiny, {"README.md": "---\nbase_model: acme/new\n---\n"})
    tiny.refresh_from_db()
    assert "acme/old" in names(lineage.graph(tiny, commit=old))
    assert "acme/new" in names(lineage.graph(tiny))
