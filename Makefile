# Every target makes .venv by itself; a second call reuses it.
PYTHON ?= python3
# What is imported compiles itself; compiling everything would double the time of the set-up.
PIP_FLAGS := --quiet --disable-pip-version-check --require-hashes --no-compile
LOCK_FLAGS := pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --quiet
BIN := .venv/bin
DEMO_PORT ?= 8321
VENDURE := tests/stores/vendure/server
FAULTS ?= short
# Where a machine forbids compiled files, every process would compile all of its packages anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo tour test test-stores lint bench faults lock clean messages pages

help:  ## Say what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.venv/.runtime: requirements/runtime.txt
	@echo "Setting up .venv (once; packages are checked against their hashes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install $(PIP_FLAGS) -r requirements/runtime.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@$(BIN)/python -c "from bot.bootstrap.warming import rehearse, rehearse_trials; rehearse(); rehearse_trials()"
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	@echo "Adding the tools for development ..."
	@$(BIN)/pip install $(PIP_FLAGS) -r requirements/dev.txt
	@touch $@

.venv/.bench: requirements/bench.txt .venv/.dev
	@echo "Adding what benchmarks are compared with ..."
	@$(BIN)/pip install $(PIP_FLAGS) -r requirements/bench.txt
	@touch $@

demo: .venv/.runtime  ## Run the main job on a real year of sales, with no account and no server
	@$(BIN)/stocktide demo --port $(DEMO_PORT)

tour: .venv/.runtime  ## The same without a browser: prints and checks every step
	@$(BIN)/stocktide demo --tour

test: lint  ## Type and layer checks, then every test
	@$(BIN)/pytest -n 3 --dist loadgroup

test-stores: .venv/.dev $(VENDURE)/node_modules/.package-lock.json  ## Try the connectors against real stores; needs Node.js
	@$(BIN)/pytest -m "real_store or real_tryton" tests/stores

# npm writes this file last. No script of a package runs.
$(VENDURE)/node_modules/.package-lock.json: $(VENDURE)/package-lock.json
	@command -v npm >/dev/null || { echo "The real Vendure needs Node.js 20 or newer with npm: install both and call again."; exit 1; }
	@echo "Setting up a real Vendure for the tests (once) ..."
	@cd $(VENDURE) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

lint: .venv/.dev  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.bench  ## Benchmarks; writes docs/benchmarks.md
	@$(BIN)/python -m tests.bench

faults: .venv/.dev  ## Inject faults and count; FAULTS=long takes hours; writes docs/reliability.md
	@FAULTS=$(FAULTS) $(BIN)/python -m tests.faults

pages: .venv/.dev  ## Write the generated pages anew: settings, importing, the Slack manifest
	@$(BIN)/python -m deploy.settings_page
	@$(BIN)/python -m deploy.importing_page
	@$(BIN)/python -m deploy.manifest

messages: .venv/.dev  ## Collect translatable sentences into the catalogs
	@$(BIN)/python -m deploy.messages

lock:  ## Pin every package with its hashes
	@test -x .venv/lock/bin/uv || { $(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv; }
	@.venv/lock/bin/uv $(LOCK_FLAGS) --extra dev -o requirements/dev.txt
	@.venv/lock/bin/uv $(LOCK_FLAGS) -c requirements/dev.txt -o requirements/runtime.txt
	@.venv/lock/bin/uv $(LOCK_FLAGS) --extra dev --extra bench -c requirements/dev.txt -o requirements/bench.txt

clean:  ## Remove what the targets made
	rm -rf $(VENDURE)/node_modules .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache var
