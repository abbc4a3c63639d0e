# `sudo make run` and `sudo make test` are all that a fresh Debian or Ubuntu needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
export DEBIAN_FRONTEND := noninteractive
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
BIN := $(VENV)/bin
TOOLS := .make/tools
# The first interpreter that is new enough; looked for when used, as it may be installed before.
PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
# What an editable install is made of: the package itself is used in place.
RECIPE := pyproject.toml hatch_build.py $(shell find protos -name '*.proto' 2>/dev/null)

# Tests wait more than they compute: a few at a time, each worker with daemons of its own.
WORKERS ?= 4
# Which tests, in pytest's words; make test-all takes the others too.
SELECTION ?= not thorough
# The whole test run may take this long (seconds); a single test has its own limit.
TEST_SECONDS ?= 1080
# LOCKED=1 installs what requirements-dev.lock names, and nothing else, for tests.
LOCKED ?=
# all: the machine must be as it was before; own: only what bears this run's names is judged.
RESIDUE ?= all
PYTEST ?=

.PHONY: help run test test-all check matrix bench docs clean system quiet-system test-system root
.NOTPARALLEL:

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: root system $(VENV)/.installed ## Run a demo container, after installing what that takes (root)
	@bundles/demo/run.sh

test: root test-system $(VENV)/.installed-dev ## Run all tests, after installing what they need (root)
	@mkdir -p .make
	@$(BIN)/python -m tests.support.toolchain all
	@$(BIN)/python -m tests.support.debian $(if $(filter not,$(SELECTION)),firewalld shop-web)
	@$(BIN)/python -m tests.support.residue sweep
	@$(BIN)/python -m tests.support.residue snapshot .make/before.json
	@status=0; scratch=$$(mktemp -d $${RUNNER_TEST_DIR:-/tmp}/runner-tests.XXXXXX); \
	RUNNER_TEST_RESIDUE=$(RESIDUE) timeout --foreground --kill-after=90 $(TEST_SECONDS) \
		$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m '$(SELECTION)' \
		--basetemp=$$scratch/t $(PYTEST) || status=$$?; \
	rm -rf --one-file-system $$scratch; \
	if [ $$status -eq 124 ]; then echo "make test: stopped after $(TEST_SECONDS) seconds"; fi; \
	if [ $(RESIDUE) = all ]; then \
		$(BIN)/python -m tests.support.residue check .make/before.json || status=1; fi; \
	$(BIN)/python -m tests.support.residue sweep; \
	exit $$status

# The thorough ones with one worker: a dockerd that starts takes the firewall's chains of all others
# away.
test-all: test ## Run the thorough tests too: what ours is asked, dockerd is asked; every containerd (root)
	@$(MAKE) --no-print-directory test SELECTION=thorough WORKERS=0 TEST_SECONDS=3600

.PHONY: dev
dev: $(VENV)/.installed-dev ## Make the environment that tests and checks run in

check: $(VENV)/.installed-dev ## Look for faults without running anything: ruff, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: test-dind
test-dind: root test-system $(VENV)/.installed-dev ## Run some tests in docker-in-docker, on a dockerd of its own (root)
	@$(BIN)/python -m tests.support.dind $(PYTEST)

matrix: root test-system $(VENV)/.installed-dev ## Run the integration tests on every containerd with every OCI runtime (root)
	@$(BIN)/python -m tests.support.matrix -n $(WORKERS) $(PYTEST)

.PHONY: test-cgroup2
test-cgroup2: root test-system $(VENV)/.installed-dev ## Run some tests in a virtual machine with cgroups of version 2 (root)
	@$(BIN)/python -m tests.support.vm $(PYTEST)

bench: root test-system $(VENV)/.installed-dev ## Measure against dockerd, ctr and runc (root)
	$(BIN)/python benchmarks/run_latency.py

docs: $(VENV)/.installed-docs ## Build the documentation's site, in .make/site
	$(BIN)/python docs/generate.py map
	$(BIN)/mkdocs build --quiet

.PHONY: dist sbom lock
dist: $(TOOLS)/.installed ## Build the source archive and, from it, the wheel, in dist
	$(TOOLS)/bin/python -m build

sbom: dist ## List what an installation of the wheel consists of, in dist/sbom.json (CycloneDX)
	@rm -rf .make/installed && $(PYTHON) -m venv .make/installed
	@.make/installed/bin/pip install -q "$$(ls -t dist/*.whl | head -n 1)"
	@.make/installed/bin/pip uninstall -q -y pip setuptools
	@version=$$(.make/installed/bin/python -c 'import runner; print(runner.__version__)'); \
	sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > .make/versioned.toml
	$(TOOLS)/bin/cyclonedx-py environment .make/installed/bin/python --pyproject .make/versioned.toml \
		--output-reproducible --output-format JSON --output-file dist/sbom.json

lock: $(TOOLS)/.installed ## Pin anew what tests are run with, in requirements-dev.lock
	$(TOOLS)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev \
		--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --output-file requirements-dev.lock pyproject.toml

clean: ## Remove what make made (not what apt installed)
	rm -rf $(VENV) .make dist build
	rm -rf runner/containerd/_pb runner/cli/_table.py runner/_version.py
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

root:
	@if [ "$$(id -u)" != 0 ]; then \
		echo "containers want root: sudo make $(or $(MAKECMDGOALS),run)"; exit 1; fi

# A virtual environment needs ensurepip, which Debian packs apart from Python.
system:
	@missing=; \
	need() { command -v "$$1" >/dev/null 2>&1 || missing="$$missing $$2"; }; \
	need containerd containerd; need runc runc; need iptables iptables; \
	bundles/demo/static-busybox >/dev/null || missing="$$missing busybox-static"; \
	python="$(PYTHON)"; \
	if [ -z "$$python" ]; then missing="$$missing python3 python3-venv"; \
	elif [ ! -x $(BIN)/python ] && ! "$$python" -c 'import ensurepip' 2>/dev/null; then \
		missing="$$missing $${python##*/}-venv"; fi; \
	if [ -n "$$missing" ]; then \
		if ! command -v apt-get >/dev/null; then \
			echo "please install:$$missing (there is no apt-get here to do it)"; exit 1; fi; \
		echo "==> installing with apt-get:$$missing"; \
		apt-get -q update && apt-get -q -y install --no-install-recommends $$missing || exit 1; \
	fi

# The same for tests, but no service is started: they start their own daemons, privately.
quiet-system:
	@made=; if [ ! -e /usr/sbin/policy-rc.d ]; then \
		made=yes; printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; \
		chmod 755 /usr/sbin/policy-rc.d; fi; \
	trap '[ -z "$$made" ] || rm -f /usr/sbin/policy-rc.d' EXIT; \
	$(MAKE) --no-print-directory system

test-system: quiet-system
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tests.support.toolchain prerequisites

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or later is needed"; exit 1; fi
	@echo "==> making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(RECIPE) | $(BIN)/python
	@echo "==> installing runner into $(VENV)"
	@$(BIN)/pip install -q -e .
	@$(BIN)/python -m compileall -q runner
	@touch $@

$(VENV)/.installed-docs: $(RECIPE) | $(BIN)/python
	@echo "==> installing what the documentation's site needs into $(VENV)"
	@$(BIN)/pip install -q -e '.[docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: $(RECIPE) $(if $(LOCKED),requirements-dev.lock) | $(BIN)/python
	@echo "==> installing runner and what its tests need into $(VENV) (some minutes)"
ifdef LOCKED
	@$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
else
	@$(BIN)/pip install -q -e '.[dev]'
endif
	@touch $@ $(VENV)/.installed

$(TOOLS)/.installed: | $(BIN)/python
	@echo "==> installing what makes releases into $(TOOLS)"
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/pip install -q build cyclonedx-bom uv
	@touch $@
