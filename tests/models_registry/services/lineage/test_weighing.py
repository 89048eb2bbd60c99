"""A worker's look at weights: undeclared fine-tunes are recognised, false bases told, and nothing is done twice."""

import time
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from models_registry.formats import sketches
from models_registry.models import LineageLink, LineageState, Repository, RepositoryImport, Visibility
from models_registry.services import lineage
from models_registry.services.lineage import origins, weighing
from models_registry.services.repositories import set_visibility
from tests.factories import binary_models
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put
from tests.factories.weights import SHAPES, drawn, many_sketches, model_with, q8_0, safetensors_of, scanned, tuned

pytestmark = pytest.mark.django_db
BASE = drawn(1)


@pytest.fixture
def ada():
    return UserFactory(username="ada")


@pytest.fixture
def acme():
    return UserFactory(username="acme")


def look(*repositories: Repository) -> None:
    for each in repositories:
        assert weighing.look(repository_id=each.pk)


def told(repository: Repository) -> list[tuple[str, str, str]]:
    rows = LineageLink.objects.of_heads().filter(repository=repository)
    return [(row.parent_name, row.relation, row.evidence) for row in rows]


def figures(repository: Repository) -> dict:
    return LineageLink.objects.of_heads().get(repository=repository).detail["weights"]


def trained_further(state, steps: int = 8):
    """Some steps of gradient descent on a small network, as somebody fine-tunes."""
    import torch

    torch.manual_seed(7)
    names = ["embed.weight", "layers.0.up.weight", "layers.0.down.weight", "layers.1.up.weight", "layers.1.down.weight"]
    weights = {name: torch.tensor(state[name], requires_grad=True) for name in names}
    words, wanted = torch.randint(0, 300, (64,)), torch.randint(0, 300, (64,))
    optimiser = torch.optim.SGD(weights.values(), lr=0.3, momentum=0.9)
    losses = []
    for _ in range(steps):
        hidden = weights["embed.weight"][words]
        for layer in (0, 1):
            up, down = weights[f"layers.{layer}.up.weight"], weights[f"layers.{layer}.down.weight"]
            hidden = hidden + torch.relu(hidden @ up.T) @ down.T
        loss = torch.nn.functional.cross_entropy(hidden @ weights["embed.weight"].T, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    return {**state, **{name: each.detach().numpy() for name, each in weights.items()}}


def test_an_undeclared_fine_tune_is_recognised_among_a_thousand_models_in_seconds(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    look(base)
    known = sketches.unpack(bytes(LineageState.objects.get(repository=base).sketch))
    many_sketches(acme, 999, known)
    assert LineageState.objects.filter(state="done").count() == 1000
    renamed = {f"model.{name}": each for name, each in trained_further(BASE).items()}
    child = model_with("tiny", safetensors_of(renamed), user=ada)

    began = time.process_time()
    look(child)
    assert time.process_time() - began < 5.0

    assert told(child) == [("acme/base", "finetune", "derived")]
    seen = figures(child)
    assert seen["how"] == "tuned"
    assert seen["near"] == 1
    assert 0 < seen["distance"] < 0.5
    (link,) = lineage.graph(child).links
    assert (link.parent, link.evidence) == ("model:acme/base", "derived")


def test_no_two_of_many_unrelated_models_are_taken_for_related(acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    look(base)
    known = sketches.unpack(bytes(LineageState.objects.get(repository=base).sketch))
    rows = many_sketches(acme, 60, known)
    for row in rows:
        sketch = sketches.unpack(bytes(LineageState.objects.get(repository=row).sketch))
        assert origins.find(repository=row, commit=base.commits.first(), sketch=sketch) == []


@pytest.mark.parametrize(
    ("front", "relation"),
    [
        ("base_model: acme/base", "finetune"),
        ("base_model: [acme/base, far/away]", "merge"),
        ("base_model: acme/base\nbase_model_relation: quantized", "quantized"),
    ],
)
def test_a_declared_base_is_verified(ada, acme, front, relation):
    base = model_with("base", safetensors_of(BASE), user=acme)
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada, front=front)
    look(base, child)
    assert told(child)[0] == ("acme/base", relation, "verified")


def test_a_false_base_is_contradicted_and_the_true_one_named(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    false = model_with("false", safetensors_of(drawn(2)), user=acme)
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada, front="base_model: acme/false")
    look(base, false, child)
    assert told(child) == [("acme/false", "finetune", "contradicted"), ("acme/base", "finetune", "derived")]


def test_a_parent_that_comes_after_its_child_is_verified_then(ada, acme, django_capture_on_commit_callbacks):
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada, front="base_model: acme/base")
    look(child)
    assert told(child) == [("acme/base", "finetune", "declared")]
    base = model_with("base", safetensors_of(BASE), user=acme)
    look(base)
    look(child)
    assert told(child) == [("acme/base", "finetune", "verified")]
    assert told(base) == []


def test_quantised_and_half_precision_copies_are_recognised_as_such(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    matrices = {name: each for name, each in BASE.items() if each.ndim == 2}
    gguf = binary_models.gguf([(name, each.shape[::-1], 8, q8_0(each)) for name, each in matrices.items()])
    quantised = model_with("tiny-gguf", gguf, user=ada, file="tiny-Q8_0.gguf")
    half = safetensors_of({name: each.astype(np.float16) for name, each in BASE.items()})
    halved = model_with("tiny-half", half, user=ada)
    look(base, quantised, halved)
    assert told(quantised) == told(halved) == [("acme/base", "quantized", "derived")]
    assert told(base) == []


def test_the_same_files_are_a_copy(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    look(base)
    child = model_with("copy", safetensors_of(BASE), user=ada)
    look(child)
    assert figures(child)["how"] == "copy"
    assert figures(child)["exact"] == 1


def test_what_was_brought_from_another_hub_is_as_old_as_it_was_there(ada, acme):
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada)
    look(child)
    base = model_with("mirror", safetensors_of(BASE), user=acme)
    RepositoryImport.objects.create(repository=base, user=acme, origin="acme/base", hub="https://example.org")
    base.commits.update(committed_at=timezone.now() - timedelta(days=900))
    look(base)
    assert told(base) == []
    look(child)
    assert told(child) == [("acme/mirror", "finetune", "derived")]


def test_two_that_name_the_same_absent_base_are_brothers_not_parent_and_child(ada, acme):
    one = model_with("one", safetensors_of(tuned(BASE, seed=1)), user=acme, front="base_model: far/base")
    two = model_with("two", safetensors_of(tuned(BASE, seed=2)), user=ada, front="base_model: Far/Base")
    look(one, two)
    assert told(two) == [("Far/Base", "finetune", "declared")]


def test_nobody_learns_of_a_private_model_by_uploading_something_like_it(ada, acme):
    hidden = model_with("secret", safetensors_of(BASE), user=acme, private=True)
    child = model_with("tiny", safetensors_of(BASE), user=ada)
    named = model_with("named", safetensors_of(tuned(BASE)), user=ada, front="base_model: acme/secret")
    own = model_with("own", safetensors_of(tuned(BASE, seed=5)), user=acme, private=True)
    look(hidden, child, named, own)
    assert told(child) == []
    assert ("acme/secret", "finetune", "declared") in told(named)
    assert told(own) == [("acme/secret", "finetune", "derived")]


def test_what_weights_told_of_a_parent_that_is_hidden_now_is_not_told(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada, front="base_model: acme/base")
    look(base, child)
    set_visibility(repository=base, user=acme, visibility=Visibility.PRIVATE)
    (link,) = lineage.graph(child).links
    assert (lineage.graph(child).parts[link.parent].name, link.evidence) == ("acme/base", "declared")


def test_another_card_keeps_what_the_weights_told_and_other_weights_do_not(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada)
    look(base, child)
    scanned(put(child, {"README.md": "---\nlicense: mit\n---\nOther words.\n"}, user=ada))
    child.refresh_from_db()
    assert told(child) == [("acme/base", "finetune", "derived")]  # At once, before any worker looks again.

    scanned(put(child, {"model.safetensors": safetensors_of(drawn(9))}, user=ada))
    child.refresh_from_db()
    assert told(child) == []
    look(child)
    assert told(child) == []


def test_headers_of_gguf_name_parents(ada):
    metadata = {
        "general.architecture": "llama",
        "general.base_model.count": 1,
        "general.base_model.0.repo_url": "https://example.org/acme/base",
        "general.dataset.count": 2,
        "general.dataset.0.repo_url": "https://example.org/datasets/acme/texts",
        "general.dataset.1.name": "a crawl of ours",
    }
    child = model_with("tiny", binary_models.gguf(metadata=metadata), user=ada, file="tiny.gguf")
    look(child)
    assert told(child) == [
        ("acme/base", "finetune", "derived"),
        ("acme/texts", "trained_on", "derived"),
        ("", "trained_on", "derived"),
    ]


def test_delivered_twice_killed_or_late_it_is_done_once(ada, acme):
    base = model_with("base", safetensors_of(BASE), user=acme)
    state = LineageState.objects.get(repository=base)

    work = weighing._claim(base.pk)
    assert not weighing.look(repository_id=base.pk)  # Another delivery while the first is at it.
    LineageState.objects.filter(pk=state.pk).update(heard_at=timezone.now() - weighing.SILENCE * 2)
    assert weighing.look(repository_id=base.pk)  # The first was killed.
    done = LineageState.objects.get(pk=state.pk)
    assert done.state == "done"
    assert done.tensors == 7
    sketch, headers = weighing._sketch(work)
    assert not weighing._keep(work, sketch, headers, [])  # It was only slow, and comes too late.
    assert not weighing.look(repository_id=base.pk)
    assert LineageState.objects.get(pk=state.pk).attempt == done.attempt


def test_it_waits_for_the_scan_but_not_for_ever(ada):
    made = RepositoryFactory(user=ada, name="tiny")
    put(made, {"model.safetensors": safetensors_of(BASE)})
    assert not weighing.look(repository_id=made.pk)
    LineageState.objects.filter(repository=made).update(heard_at=timezone.now() - weighing.PATIENCE * 2)
    assert weighing.look(repository_id=made.pk)


def test_files_that_break_their_format_are_a_fault_and_no_error(ada):
    broken = model_with("broken", b"\xff" * 100, user=ada)
    look(broken)
    state = LineageState.objects.get(repository=broken)
    assert state.state == "failed"
    assert "model.safetensors" in state.fault


def test_the_sweep_finds_what_was_there_before_and_what_got_lost(ada):
    base = model_with("base", safetensors_of(BASE), user=ada, front="base_model: far/away")
    LineageState.objects.all().delete()
    LineageLink.objects.all().delete()
    weighing.tell_again()
    assert told(base) == [("far/away", "finetune", "declared")]
    LineageState.objects.update(heard_at=timezone.now() - timedelta(minutes=1))
    assert weighing.tell_again() == 1


def test_a_child_is_compared_again_though_the_worker_of_its_parent_died_before_it_said_so(ada, acme, monkeypatch):
    child = model_with("tiny", safetensors_of(tuned(BASE)), user=ada, front="base_model: acme/base")
    look(child)
    base = model_with("base", safetensors_of(BASE), user=acme)
    with monkeypatch.context() as patch:
        patch.setattr(weighing, "_look_again", lambda repository, matches: None)
        look(base)
    assert not weighing.look(repository_id=child.pk)
    weighing.tell_again()
    look(child)
    assert told(child) == [("acme/base", "finetune", "verified")]
    weighing.tell_again()
    assert not weighing.look(repository_id=child.pk)


def test_a_level_of_the_sketch_is_small(ada):
    base = model_with("base", safetensors_of(BASE), user=ada)
    look(base)
    size = len(bytes(LineageState.objects.get(repository=base).sketch))
    assert size < 300 * len(SHAPES) + 500
