# Two commands on a new machine: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEMO := demo-lab
BENCH := bench-lab

.PHONY: help venv demo up test lint types imports unit long fuzz bench vendor docs site dev clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

venv: $(STAMP) ## Create the virtual environment in .venv, with pinned packages

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: venv ## Walk through a synthetic lab: checked, uploaded, validated automatically, refreshed
	@bash demo.sh

up: venv ## Run a lab in .datalab until Ctrl-C
	@$(BIN)/datalab up

test: lint types imports site unit ## Everything that CI runs: lint, types, import rules, the site, all tests

lint: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: venv
	$(BIN)/mypy

imports: venv
	$(BIN)/lint-imports

unit: venv
	$(BIN)/pytest -m "not long" --numprocesses 2 --dist loadfile

long: venv ## What takes longer: kills and races, every page in a browser, many random files
	$(BIN)/pytest -m long --numprocesses 2 --dist loadfile
	$(BIN)/pytest tests/conformance --hypothesis-profile=long --numprocesses 2 --timeout=1800

fuzz: venv ## Compare with the slow reference model, with many examples
	$(BIN)/pytest tests/conformance --hypothesis-profile=thorough --timeout=3600

bench: venv ## Measure speed and memory against the floor (minutes; 4 GB of disk)
	$(BIN)/python -m benchmarks.preflight --lab $(BENCH)

vendor: venv ## Compare with the vendor's Python package, installed in its own environment: names, signatures, calls, results
	test -x .venv-vendor/bin/python || $(PYTHON) -m venv .venv-vendor
	.venv-vendor/bin/python -m pip install --quiet --disable-pip-version-check decentriq-platform
	$(BIN)/python -m scripts.vendor .venv-vendor/bin/python

docs: venv ## Write docs/cli.md, docs/codes.md and docs/settings.md from the program
	$(BIN)/python -m datalab_dagster.cli.reference docs

site: venv ## Build the documentation into site/; a broken link fails
	$(BIN)/mkdocs build --strict --quiet

dev: venv ## Open the asset graph in Dagster's UI, reloading code that changes
	$(BIN)/dagster dev

clean: ## Remove generated files, but not the virtual environment
	rm -rf $(DEMO) $(BENCH) .pytest_cache .mypy_cache .ruff_cache .hypothesis site
