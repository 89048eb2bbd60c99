"""News for the apps above.

`commit_published` is sent inside the transaction that moved a branch, so that what a listener writes commits together
with it; `release_published` likewise inside the transaction that made a release. A listener that starts a job does so
with `transaction.on_commit`.
"""

from django.dispatch import Signal

# Arguments: repository, commit (models_registry.models.Commit), ref (full name, such as refs/heads/main). A listener
# may return a list of sentences: whoever pushed with git reads them behind `remote:`.
commit_published = Signal()

# Sent inside the transaction that gave a branch or a tag to a commit which was here already. Arguments as above.
commit_named = Signal()

# Arguments: repository, release (models_registry.models.Release).
release_published = Signal()

# Sent inside the transaction after which `latest` may name another release: one was yanked, taken back, or judged by
# the gate. Arguments: repository.
latest_moved = Signal()

# Sent inside a transaction of housekeeping where a release of the hub knows licences better than the one before.
# Arguments: repositories (a set of row numbers).
licences_renewed = Signal()

# Sent inside the transaction that changed who may see a repository. Arguments: repository (as it is now).
visibility_changed = Signal()

# Sent inside the transaction that merges a pull request, before it does; a listener that refuses raises. Arguments:
# discussion, head (models_registry.models.Commit), user, text (what she says with it).
merge_wanted = Signal()

# Sent inside the transaction that renamed or transferred a repository, so that what was granted by the old owner ends
# with it. Arguments: repository (as it is now), user, old_namespace, old_full_name.
repository_moved = Signal()
