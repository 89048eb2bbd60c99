"""Which refs Git clients see, and by what name the hub calls itself to them."""

from dataclasses import dataclass

from models_registry.models import Repository
from models_registry.types import BRANCH, PULL, TAG

AGENT = "agent=smallhub/1"


@dataclass(frozen=True, slots=True)
class Shown:
    """A ref as it is advertised."""

    name: str
    target: str
    commit: str

    @property
    def is_annotated(self) -> bool:
        return self.target != self.commit


def visible_refs(repository: Repository) -> list[Shown]:
    """Branches, tags and pull requests by name; whatever else the hub keeps as a ref is its own business."""
    rows = repository.refs.order_by("name").values_list("name", "target", "commit")
    return [Shown(*row) for row in rows if row[0].startswith((BRANCH, TAG, PULL))]
