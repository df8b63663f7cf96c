# Needs python3 (3.11 or newer), npm and make; everything else is installed into this folder.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

UV := $(shell command -v uv || echo .tools/bin/uv)
# A company's proxy may sign with a certificate that only the system knows.
export UV_SYSTEM_CERTS ?= true
RUN := $(UV) run --no-sync
# What deploying needs, what demo and tests need beside it, and what the tests of deploying try it with.
NODE_PACKAGES := . runtime tests/deployment
NODE = PATH="$(CURDIR)/node_modules/.bin:$$PATH" node

# One more than there are cores, for many tests wait for a program that they have started.
PROCESSES = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: demo
demo: install ## Run the Worker in workerd between a simulated tenant and account, and see how soon risk is felt at a browser
	@PYTHONPATH=src $(RUN) python -m demo

.PHONY: test
test: install ## Run every test, on every core
	@$(RUN) pytest --numprocesses=$(PROCESSES) --dist=loadscope --no-loadscope-reorder

.PHONY: chaos
chaos: install ## Run 20,000 random histories of faults without the direct lane, with it, and with alerts; SEED=… repeats a run, CHAOS=… makes it longer
	@seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; \
	echo "Histories: $${CHAOS:-20000}. To repeat exactly these: make chaos SEED=$$seed CHAOS=$${CHAOS:-20000}"; \
	CHAOS=$${CHAOS:-20000} $(RUN) pytest tests/chaos --numprocesses=auto --hypothesis-seed=$$seed

.PHONY: mutants
mutants: install ## Break plan, sync and the retry logic in hundreds of ways, and see that the tests notice (some ten minutes)
	@$(RUN) mutmut run
	@$(RUN) mutmut results

.PHONY: test-native
test-native: install ## Run the uploaded Worker on workerd's own Python, which Cloudflare serves
	@$(RUN) pytest tests/native

.PHONY: bench
bench: install ## Measure what a tick costs; writes bench/results.md and bench/results.svg; ONLY=quiet measures one table
	@$(UV) sync --quiet --inexact --no-python-downloads --group bench
	@PYTHONPATH=src $(RUN) python -m bench $(ONLY)

.PHONY: lint
lint: install ## Check style and types (ruff, mypy --strict)
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy

.PHONY: format
format: install ## Put the code into the project's format
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

.PHONY: install
install: .venv/installed node_modules/installed ## Install what the other targets need; instant once done

.venv/installed: pyproject.toml | $(filter .tools/bin/uv,$(UV))
	@echo "Installing Python packages into .venv …"
	@$(UV) sync --quiet --no-python-downloads
	@touch $@

node_modules/installed: $(NODE_PACKAGES:%=%/package.json) $(NODE_PACKAGES:%=%/package-lock.json)
	@echo "Installing wrangler, workerd, Node and Pyodide into node_modules folders (about 480 MB) …"
	@for folder in $(NODE_PACKAGES); do npm ci --prefix $$folder --no-fund --no-audit --loglevel=error >/dev/null; done
	@$(NODE) deploy/node.mjs
	@touch $@

.PHONY: sdk
sdk: install ## List anew which files of Cloudflare's SDK are uploaded, after a change of deploy/requirements.txt
	@$(NODE) deploy/record.mjs

# Debian's python3 comes without ensurepip; there pip alone can still install into a folder.
.tools/bin/uv:
	@echo "Installing uv into .tools …"
	@mkdir -p .tools/bin
	@if python3 -m venv .tools/uv >/dev/null 2>&1; \
	then .tools/uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 && ln -sf ../uv/bin/uv $@; \
	else python3 -m pip install --quiet --disable-pip-version-check --target .tools/uv uv==0.13.9 && ln -sf ../uv/bin/uv $@; \
	fi

.PHONY: clean
clean: ## Remove everything that was installed or built
	@rm -rf .tools .venv $(NODE_PACKAGES:%=%/node_modules) python_modules build dist mutants .wrangler .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
