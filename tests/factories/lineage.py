"""Families of models: three levels with every kind of evidence, parts that nobody sees, and children."""

from accounts.models import User
from models_registry.models import Repository
from models_registry.services.lineage import weighing
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put
from tests.factories.weights import drawn, model_with, safetensors_of, tuned


def family(user: User, *, children: int = 3) -> Repository:
    """A model of this owner in the middle of a family: a verified base with its data, one that is contradicted, one
    that only weights tell of, one that is not here, data that are only described, and models made from it.
    """
    acme = UserFactory(username="acme-labs")
    texts = RepositoryFactory(user=acme, dataset=True, name="harbour-texts")
    put(texts, {"README.md": "---\nlicense: cc-by-sa-4.0\nsource_datasets: [far/crawl]\n---\n"})
    base_weights, other = drawn(1), drawn(2)
    base = model_with("tide-base", safetensors_of(base_weights), user=acme, front=_front(texts))
    false = model_with("other-base", safetensors_of(drawn(3)), user=acme, front="license: cc-by-nc-4.0")
    words = model_with("words", safetensors_of(other), user=acme, front="license: gemma")
    mixed = tuned(base_weights) | {"embed.weight": other["embed.weight"]}
    front = (
        f"license: apache-2.0\nbase_model: [{base.full_name}, {false.full_name}, far/away]\n"
        f"datasets: [{texts.full_name}, our own crawl of the harbours]"
    )
    tide = model_with("tide-tuned", safetensors_of(mixed), user=user, front=front)
    for each in (base, false, words, tide):
        assert weighing.look(repository_id=each.pk)
    for number in range(children):
        child = RepositoryFactory(user=acme, name=f"tide-child-{number}")
        put(child, {"README.md": f"---\nlicense: mit\nbase_model: {tide.full_name}\n---\n"})
    tide.refresh_from_db()
    return tide


def _front(texts: Repository) -> str:
    return f"license: mit\ndatasets: [{texts.full_name}]"
