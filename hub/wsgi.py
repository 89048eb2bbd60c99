"""The WSGI entry, wrapped so that views see `%2F` in a path segment."""

import os

from django.core.wsgi import get_wsgi_application

from hub.core.rawpath import keep_encoded_slashes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings.dev")

application = keep_encoded_slashes(get_wsgi_application())
