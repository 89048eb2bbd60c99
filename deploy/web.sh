#!/bin/sh
# The web server alone, for containers and units: the same options as `manage.py up` gives it.
set -eu
cd "$(dirname "$0")/.."
exec python manage.py up --no-worker --host "${SMALLHUB_HOST:-127.0.0.1}"
