# Everything a developer does, one target each. `make` alone lists them.

PYTHON   ?= python3
VENV     ?= .venv
BIN      := $(VENV)/bin
CONTRACT ?= ../shared/contract/check_contract.py
SPEC     ?= ../shared/spec

# pip may hide its report on new versions; everything else it has to say is worth seeing.
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help venv example test check format-check lint types contract-check format protos protos-check openapi \
        openapi-check bench coverage-of-spec clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.dev ## Make .venv with everything for developing

example: $(VENV)/.example ## Start the example application on the embedded kernel
	$(BIN)/python -m example_app

test: $(VENV)/.dev ## Run all tests (ARGS="-k append" narrows them down)
	$(BIN)/python -m pytest $(ARGS)

check: format-check lint types contract-check protos-check openapi-check ## Format, lint, types, contract, generated files

format-check: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy over all our code, pyright over the public API
	$(BIN)/mypy
	$(BIN)/pyright

# The recorded contract lies beside the repository, not in it. CI must have it; others may do without.
contract-check: $(VENV)/.dev ## Compare protos/ with the recorded wire contract
	@if [ -f "$(CONTRACT)" ]; then \
	    $(BIN)/python "$(CONTRACT)" protos --strict --presence; \
	elif [ -n "$$CI" ]; then \
	    echo "contract-check: $(CONTRACT) is missing" >&2; exit 1; \
	else \
	    echo "contract-check: skipped, there is no $(CONTRACT); say where it is with CONTRACT=..."; \
	fi

format: $(VENV)/.dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

protos: ## Generate chronicle/contracts from protos/
	$(PYTHON) tools/generate_contracts.py

protos-check: ## Fail if chronicle/contracts is not what protos/ gives
	$(PYTHON) tools/generate_contracts.py --check

openapi: $(VENV)/.dev ## Write docs/openapi.json, the admin API
	$(BIN)/python -m tools.export_openapi

openapi-check: $(VENV)/.dev ## Fail if docs/openapi.json is not what the code gives
	$(BIN)/python -m tools.export_openapi --check

bench: $(VENV)/.dev ## Run the benchmarks (ARGS="--help" lists the options)
	$(BIN)/python -m benchmarks $(ARGS)

coverage-of-spec: $(VENV)/.dev ## Which rows of the specification the tests show
	$(BIN)/python -m tests.conformance.coverage "$(SPEC)"

clean: ## Remove environments, caches and build output
	rm -rf $(VENV) .venv-protos .mypy_cache .pytest_cache .ruff_cache .hypothesis .bench build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp per set of extras, renewed when pyproject.toml changes.

$(BIN)/python:
	@echo "Making $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.example: pyproject.toml | $(BIN)/python
	@echo "Installing the example application ..."
	@$(PIP) install --quiet --editable '.[example]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing everything for developing; the first time takes a minute or two ..."
	@$(PIP) install --quiet --editable '.[dev,cli,example,bench]'
	@touch $@ $(VENV)/.example
