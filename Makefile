# Daicho 台帳. `make help` lists the targets; `make demo` and `make test` each set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo test image check bench soak servers docs lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

setup: $(STAMP) ## build .venv from the hashed lock (again only when the lock changes)

$(STAMP): requirements.lock pyproject.toml
	@echo "setup: building $(VENV) with $$($(PYTHON) --version) from requirements.lock (about half a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "setup: python3 is %d.%d; Daicho needs 3.11 or newer. Set PYTHON=/path/to/python3.11" % sys.version_info[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "setup: this python3 has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "setup: done; the command is $(BIN)/daicho"

demo: setup ## start everything with two emulated malls and show an order on its way (ONCE=1: check it and exit)
	@$(BIN)/daicho demo $(if $(ONCE),--once)

test: setup check ## check, then the whole suite; with `make image` all that CI runs
	@echo "test: the suite, two workers (PYTEST=... adds arguments)"
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --ignore=tests/style --ignore=tests/docs --ignore=tests/docker/test_image.py $(PYTEST)

image: setup ## build the container image without a daemon and run every part of it (needs `make servers`, and root)
	@echo "image: about two minutes the first time, then one"
	@$(BIN)/python -m pytest -q -n 0 -o faulthandler_timeout=600 tests/docker/test_image.py $(PYTEST)

check: setup ## ruff, mypy --strict, import contracts, house rules, documents
	@echo "check: ruff"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check . || { echo "check: see '$(BIN)/ruff check' and '$(BIN)/ruff format'"; exit 1; }
	@echo "check: mypy --strict"
	@$(BIN)/mypy --no-error-summary
	@echo "check: import contracts"
	@$(BIN)/lint-imports --no-logo >.import_linter_report 2>&1 || { cat .import_linter_report; exit 1; }
	@echo "check: house rules and documents"
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/style tests/docs

bench: setup ## measure the performance goals (docs/performance.md says how)
	@$(BIN)/python -m tests.bench $(BENCH)

soak: setup ## the tests of races, crashes, outages, large files, damaged files, any order of tellings and random worlds with TIMES (25) times the number: 1,000 worlds, 1 GB, hours
	@DAICHO_TEST_TIMES=$(or $(TIMES),25) $(BIN)/python -m pytest -q -n 2 --dist worksteal -o faulthandler_timeout=0 \
		tests/ledger/test_race.py tests/ledger/test_tail.py tests/ledger/test_crash.py tests/ledger/test_outages.py \
		tests/journeys/test_outages.py tests/api/test_large_files.py tests/adapters/test_forms.py tests/projections/test_any_doors.py tests/simulator $(PYTEST)

servers: ## fetch the Debian programs that some tests run against (as root by apt, else unpacked into .servers)
	@tests/servers/fetch

docs: setup ## write the generated documents again (commands, settings)
	@$(BIN)/python -m tests.docs.generated

lock: setup ## solve the versions again and write requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-emit-index-url --no-annotate --python-version 3.11 \
		--custom-compile-command "make lock" $(LOCK_FLAGS) --output-file requirements.lock pyproject.toml
	@echo "lock: requirements.lock names $$(grep -c '==' requirements.lock) packages"

clean: ## take away .venv and what tools left behind (never .daicho)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .import_linter_report .hypothesis
