"""News for the apps above.

`commit_published` is sent inside the transaction that moved a branch, so that what a listener writes commits together
with it; `release_published` likewise inside the transaction that made a release. A listener that starts a job does so
with `transaction.on_commit`.
"""

from django.dispatch import Signal

# Arguments: repository, commit (models_registry.models.Commit), ref (full name, such as refs/heads/main).
commit_published = Signal()

# Arguments: repository, release (models_registry.models.Release).
release_published = Signal()
