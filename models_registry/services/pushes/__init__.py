"""Whole histories in: what `git push` brings, and what an import reads elsewhere, under the ids that it came with."""

from models_registry.services.pushes.receiving import Outcome, receive
from models_registry.services.pushes.updates import ZERO, RefUpdate, require_push
from models_registry.services.pushes.work import quarantine, take_pack

__all__ = ["ZERO", "Outcome", "RefUpdate", "quarantine", "receive", "require_push", "take_pack"]
