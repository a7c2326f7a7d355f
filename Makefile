# Every target sets itself up first; a second call finds that done. `make help` lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
BIN := .venv/bin
export PYTHON # to make environments with; by itself the newest that is there

.PHONY: help setup setup-demo setup-system setup-octoprint setup-octoprint-next setup-moonraker setup-prusalink setup-printrun setup-fuzz setup-far-ends \
	demo demo-octoprint check test test-quick test-prusalink chaos fuzz bench bench-serial lock clean
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready ## the locked environment in .venv, with the tools to check and test
.venv/.ready: .venv/.product requirements-dev.lock
	@echo "adding the tools to check and test"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup-demo: .venv/.product ## only what the product itself needs, which is far less
.venv/.product: requirements.lock pyproject.toml $(if $(wildcard .venv/bin/python),,FORCE)
	@echo "setting up .venv (the first time takes a minute or two)"
	@.ci/venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
FORCE: # an environment without Python is none

setup-octoprint: .venv-octoprint/.ready ## a real OctoPrint in an environment of its own
setup-octoprint-next: .venv-octoprint-next/.ready ## and the release candidate of its next version
setup-moonraker: .venv-moonraker/.ready ## a real Moonraker
setup-prusalink: .venv-prusalink/.ready ## a real PrusaLink
setup-printrun: .venv-printrun/.ready ## Printrun's host, to compare with
setup-fuzz: .venv-fuzz/.ready ## atheris, which guides chance by coverage
.venv-%/.ready: requirements-%.lock
	@echo "setting up .venv-$*"
	@.ci/venv .venv-$*
	@mkdir -p .setup
	@.venv-$*/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $< >.setup/$*.log 2>&1 || \
		{ echo "$* could not be set up on $$(.venv-$*/bin/python -V): .setup/$*.log says why" >&2; exit 2; }
	@touch $@

setup-system: ## Debian's Mosquitto, PostgreSQL, Chromium and others, for the tests
	@.ci/packages

demo: setup-demo ## a hospital's need, printed on three virtual printers
	@$(BIN)/muster demo

demo-octoprint: setup-demo setup-octoprint ## the same, with a real OctoPrint beside one agent
	@$(BIN)/muster demo --octoprint .venv-octoprint/bin/octoprint

check: setup ## format, lint, types, import walls, structure
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/basedpyright --level error
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest --quiet tests/unit/test_structure.py

setup-far-ends: setup-system ## all that the tests drive; what can't be set up is skipped there, but for CI
	@for each in octoprint octoprint-next moonraker; do \
		$(MAKE) -s --no-print-directory .venv-$$each/.ready 2> >(grep -v ^make >&2) || [ -z "$$CI" ] || exit 1; \
	done

test: setup setup-far-ends check ## everything that must hold
	@$(BIN)/pytest -q -n 4 --dist worksteal

QUICK := tests/unit/{wire,gcode,agent/consent,agent/membership,coordinator/test_ledger.py}
test-quick: ## the quick part of them on a second Python, where there is one
	@python=$${PYTHON:-$$(.ci/python --second)}; \
	if [ -z "$$python" ]; then echo "there is no second Python to test on"; exit; fi; \
	PYTHON=$$python .ci/venv .venv-quick && $(MAKE) -s --no-print-directory .venv-quick/.ready PYTHON= && \
	echo "the quick part on $$(.venv-quick/bin/python -V)" && .venv-quick/bin/python -m pytest -q -n 4 --dist worksteal $(QUICK)

test-prusalink: setup setup-prusalink ## the same contract against a real PrusaLink, which takes minutes
	@$(BIN)/pytest -m prusalink -n 2

chaos: setup setup-system ## the fault run on both databases, about half an hour in all
	@$(BIN)/python -m tests.chaos --rate 1.85 --seconds 660 --speed 900 $(CHAOS)
	@$(BIN)/python -m tests.chaos --rate 1.85 --seconds 660 --speed 900 --database postgresql --broker mosquitto $(CHAOS)

fuzz: setup setup-fuzz ## ten million inputs for the gate, hours; FUZZ="--runs 100000" for fewer
	@$(BIN)/python -m tests.fuzz $(FUZZ)

bench: setup setup-system setup-printrun ## the numbers, each side in the same run
	@$(BIN)/python -m tests.bench

bench-serial: setup setup-octoprint setup-printrun ## serial hosts against each other, over the same far ends
	@$(BIN)/python -m tests.bench.serial

PIN := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade
lock: ## pin the newest versions that fit all our Pythons (needs uv)
	@$(PIN) pyproject.toml --all-extras --group dev -o requirements-dev.lock
	@$(PIN) pyproject.toml --all-extras --group quick -c requirements-dev.lock -o requirements-quick.lock
	@$(PIN) pyproject.toml --all-extras --group build -c requirements-dev.lock -o requirements.lock
	@for each in octoprint octoprint-next moonraker prusalink fuzz 'printrun --no-deps'; do \
		$(PIN) requirements-$${each% *}.in -o requirements-$${each% *}.lock $${each#"$${each% *}"} \
			--prerelease if-necessary-or-explicit || exit; \
	done

clean: ## forget the environments and what the tests left
	@rm -rf .venv .venv-* .setup demo-state .pytest_cache .hypothesis .ruff_cache
