# Two commands to remember: `make demo` shows what it does, `make test` proves it. Each does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
LOCK := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -q
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install -q
PINNED := $(INSTALL) --require-hashes --only-binary :all: -r

CLUSTER := .cache/cluster

.PHONY: help demo test cluster postgresql promtool check format golden lock bench clean

help:  ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@echo "[1/2] making a Python environment in $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "runner-bridge needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo 'not there'). Name another one: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/2] installing the pinned libraries"
	@$(PINNED) requirements/run.txt
	@# A plain path, not an import hook: the hook would cost each start ten milliseconds.
	@$(INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@echo "[+] installing what tests and checks need"
	@$(PINNED) requirements/dev.txt
	@touch $@

demo: $(VENV)/run.stamp  ## a day in a minute on a pretend cluster; stays until Ctrl-C, ONCE=1 ends
	@$(BIN)/runner-bridge demo $(if $(ONCE),--once)

cluster: $(VENV)/dev.stamp  ## the real API server of the tests, built once (about five minutes)
	@$(BIN)/python tests/cluster/build.py $(CLUSTER)

postgresql:  ## the real PostgreSQL server of the tests, from the distribution
	@command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "[+] installing PostgreSQL"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else echo "[!] no PostgreSQL here: the ledger is tested on SQLite alone. Install it (Debian: postgresql)."; fi

promtool:  ## the real promtool of the tests, from the distribution
	@command -v promtool >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "[+] installing promtool"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null; \
	  else echo "[!] no promtool here: nobody looks at the form of the metrics. Install it (Debian: prometheus)."; fi

test: $(VENV)/dev.stamp cluster postgresql promtool  ## all tests, with the coverage promise of core and render
	@$(BIN)/pytest -n auto --dist loadgroup --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report --include='runner_bridge/core/*,runner_bridge/render/*' --fail-under=100

check: $(VENV)/dev.stamp  ## format, lint, types, arrows
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/dev.stamp  ## put the code into its one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

golden: $(VENV)/dev.stamp  ## rewrite golden files and generated pages; review the diff
	@$(BIN)/pytest -q --update-golden

lock: $(VENV)/dev.stamp  ## pin the newest libraries again, with their hashes
	@$(INSTALL) uv
	@$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) -o requirements/run.txt
	@$(BIN)/uv pip compile pyproject.toml --group build --group test --group lint --group bench $(LOCK) -o requirements/dev.txt

bench: $(VENV)/dev.stamp  ## the promises on speed, peers in the same run
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:  ## remove everything that was set up
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
