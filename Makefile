# Two commands on a new machine: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := demo-lab
BENCH := bench-lab
BASE ?= docker.io/library/python:3.12-slim
IMAGE ?= localhost/datalab:$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' datalab/__init__.py)
PODMAN ?= podman
BUILD_FLAGS ?= --isolation=chroot

.PHONY: help venv demo up test lint types imports unit long fuzz bench vendor wheel-test release-check image image-test pins docs \
	site dev clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

venv: $(STAMP) ## Create the virtual environment in .venv; a package that is not the pinned one, byte for byte, is refused

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --no-deps --require-hashes --only-binary :all: --requirement constraints.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
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
	$(BIN)/pytest -m "not long and not repeated" --numprocesses 2 --dist loadfile

long: venv ## What takes longer: kills and races, every page in a browser, many random files
	$(BIN)/pytest -m long --numprocesses 2 --dist loadfile
	$(BIN)/pytest tests/conformance --hypothesis-profile=long --numprocesses 2 --timeout=1800

fuzz: venv ## Compare with the slow reference model, with many examples
	$(BIN)/pytest tests/conformance --hypothesis-profile=thorough --timeout=3600

bench: venv ## Measure speed and memory against the floor (minutes; 12 GB of disk)
	$(BIN)/python -m benchmarks.preflight --directory $(BENCH)
	$(BIN)/python -m benchmarks.growth --directory $(BENCH)

vendor: venv ## Compare with the vendor's Python package, installed in its own environment: names, signatures, calls, results
	test -x .venv-vendor/bin/python || $(PYTHON) -m venv .venv-vendor
	.venv-vendor/bin/python -m pip install --quiet --disable-pip-version-check decentriq-platform
	$(BIN)/python -m scripts.vendor .venv-vendor/bin/python

wheel-test: venv ## Install the wheel without the checkout, and bring labs to Ready with it
	$(BIN)/pytest -m long tests/wheel

release-check: venv ## Check a release: wheel, sdist, metadata, README, and homes that earlier versions wrote
	$(BIN)/pytest tests/wheel/test_release.py tests/upgrade

image: venv ## Build the container image from BASE (BUILD_FLAGS: more for `podman build`; PODMAN=docker BUILD_FLAGS= for Docker)
	rm -rf build/image
	$(BIN)/uv build --wheel --no-build-isolation --offline --quiet --python $(BIN)/python --out-dir build/image
	$(BIN)/uv pip compile pyproject.toml --extra kubernetes --constraint constraints.txt --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --quiet --output-file build/image/requirements.txt
	$(PODMAN) build $(BUILD_FLAGS) --build-arg BASE=$(BASE) --file deploy/Containerfile --tag $(IMAGE) build/image

image-test: ## Run a preflight of a sample in the image; needs buildah
	deploy/try.sh $(IMAGE)

pins: venv ## Write constraints.txt: every version and hash that pyproject.toml leads to; versions that still fit stay
	UV_CUSTOM_COMPILE_COMMAND='make pins' $(BIN)/uv pip compile pyproject.toml --extra dev --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --quiet --output-file constraints.txt

docs: venv ## Write docs/cli.md, docs/codes.md and docs/settings.md from the program
	$(BIN)/python -m datalab_dagster.cli.reference docs

site: venv ## Build the documentation into site/; a broken link fails
	$(BIN)/mkdocs build --strict --quiet

dev: venv ## Open the asset graph in Dagster's UI, reloading code that changes
	VIRTUAL_ENV=$(CURDIR)/.venv DAGSTER_DISABLE_TELEMETRY=1 $(BIN)/dg dev

clean: ## Remove generated files, but not the virtual environment
	rm -rf $(DEMO) $(BENCH) .pytest_cache .mypy_cache .ruff_cache .hypothesis site
