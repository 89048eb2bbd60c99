"""Where models and data sets come from: links written with each head, and the graph that pages and the rules walk."""

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from models_registry.licences.lineage import Lineage
from models_registry.models import Commit, Repository
from models_registry.services.lineage.building import adopt, note_head, rebuild
from models_registry.services.lineage.planned import planned
from models_registry.services.lineage.tracing import Edge, Node, Trace, licence_of, lineage_of, trace

__all__ = [
    "Edge",
    "Node",
    "Trace",
    "adopt",
    "graph",
    "licence_of",
    "lineage_of",
    "note_head",
    "planned",
    "rebuild",
    "trace",
]


def graph(
    repository: Repository, viewer: User | AnonymousUser | None = None, *, commit: Commit | None = None
) -> Lineage:
    """All that a repository was made from, for the rules of licences. It has no circle.

    Args:
        viewer: whose eyes; None is what anybody may see, and for a private repository its namespace's own as well.
        commit: of the repository; its head by default.
    """
    from models_registry.services.licensing.of_files import with_files  # Reads cards, and heads note lineages.

    found = lineage_of(trace(repository, viewer, commit=commit))
    of_files = commit or repository.commits.filter(oid=repository.head).first()
    return with_files(found, repository, of_files) if of_files is not None else found
