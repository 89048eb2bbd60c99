"""What `make run` uses: the base as it stands, on this machine alone."""

from hub.settings.base import *  # noqa: F403 - settings modules extend by star import.
