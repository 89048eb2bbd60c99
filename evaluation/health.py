"""What keeps this machine from measuring, for `doctor`: each finding says what is wrong and how to mend it."""

import importlib.util

from django.conf import settings
from django.utils.translation import gettext

from evaluation import sandbox
from evaluation.steps import clamav

_NEEDED = ("torch", "transformers", "tokenizers", "safetensors")


def findings() -> list[str]:
    """Sentences about what is missing; none when every step can run here. Starts one empty sandbox to find out."""
    return [*_packages(), *wall_findings(sandbox.probe()), *_scanner()]


def notes() -> list[str]:
    """Which walls stand here, for people who want to know."""
    return [f"{wall.plan}: {wall.detail}" for wall in sandbox.probe().walls if wall.works]


def _packages() -> list[str]:
    found = []
    if importlib.util.find_spec("smallhub") is None:
        found.append(
            gettext("The client package smallhub is missing, so no model can be loaded. Run: pip install ./client")
        )
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        found.append(
            gettext("Transformer and recurrent models cannot be measured without %(names)s. Run: make install")
            % {"names": names}
        )
    return found


def _scanner() -> list[str]:
    """A virus scanner that is asked for and silent keeps every scan waiting."""
    why = clamav.fault(settings.SMALLHUB_CLAMD) if settings.SMALLHUB_CLAMD else ""
    if not why:
        return []
    sentence = gettext("Scans wait for ClamAV at %(address)s: %(why)s. Start clamd, or take SMALLHUB_CLAMD away.")
    return [sentence % {"address": settings.SMALLHUB_CLAMD, "why": why}]


def wall_findings(found: sandbox.Probe) -> list[str]:
    """What is wrong with a machine where this was found out about its walls."""
    if found.chosen is not None:
        return []
    sentence = gettext(
        "No sandbox can be built here, so no model is loaded. %(reason)s "
        "Install bubblewrap, or use a kernel with Landlock."
    )
    return [sentence % {"reason": found.reason}]
