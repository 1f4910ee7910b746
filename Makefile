# Every target sets up what it needs; a second call finds it done.
# IMAGE_*, SANDBOX_*, RUN_*, LLM_* and the like are read from the environment: see `.venv/bin/automodel run --help`.
PYTHON ?= python3
BIN := .venv/bin
export DATASET ?= digits

.DEFAULT_GOAL := help
.PHONY: help setup run test test-hostile test-long test-kill test-llm check image report watch doctor bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/host  ## train the best classifier: make run DATASET=digits, or DATASET=path/to/folder; NEW=1 begins anew
	@$(BIN)/automodel run $(if $(NEW),--new)

setup: .venv/host  ## install everything and make a sandbox usable; `run` does it by itself
	@$(BIN)/automodel setup

test: .venv/dev  ## run the tests; those that need an engine are skipped where none answers
	@$(BIN)/python -m pytest -n 3 --dist loadfile

test-hostile: .venv/dev  ## the corpus of attacks in both sandboxes: see SECURITY.md
	@$(BIN)/python -m pytest -m hostile tests/test_hostile.py -n 3 --dist worksteal

test-long: .venv/dev  ## longer runs, the other sandbox's, a table of the paper: what `test` leaves out
	@$(BIN)/python -m pytest -m long -n 3 --dist load

test-kill: .venv/dev  ## kill a run at 200 random moments, go on each time, compare: 10 minutes on two quiet cores
	@$(BIN)/python -m tests.killing_runs

test-llm: .venv/dev  ## the loop with a real small language model on loopback: see README; not in CI
	@$(BIN)/python -m tests.llm

check: .venv/dev  ## formatter, linter and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

image: .venv/host  ## build the sandbox image that suits the engine
	@SANDBOX_BACKEND=docker $(BIN)/automodel setup

report: .venv/host  ## write the page of a run: make report RUN=runs/NAME; default: the newest
	@$(BIN)/automodel report $(RUN)

watch: .venv/host  ## serve that page on this machine, while the run goes on
	@$(BIN)/automodel watch $(RUN)

doctor: .venv/host  ## tell what was found on this machine, and what is missing
	@$(BIN)/automodel doctor

bench: .venv/dev  ## measure overhead, throughput and memory, side by side
	@$(BIN)/python -m tests.bench

clean:  ## remove the virtual environment and caches; runs, datasets and weights stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/host: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "AutoModel needs Python 3.11 or newer: make PYTHON=python3.11")'
	@echo "Installing AutoModel into .venv: once, minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/dev: .venv/host
	$(BIN)/pip install --quiet --editable '.[harness,dev]'
	@touch $@
