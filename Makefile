# Everything happens in .venv; the stamp files there make a second call instant.

PYTHON ?= $(shell python3.11 -V >/dev/null 2>&1 && echo python3.11 || echo python3)
BIN := .venv/bin

# Always constrained: a torch of pip's choice can bring gigabytes of CUDA with it.
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

# Two workers with one thread each: with more they would fight over the same cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format docs bench bench-quick bench-envs clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

demo: .venv/.installed  ## Install the package and run the quickstart
	$(BIN)/python examples/quickstart.py

test: .venv/.installed-dev  ## Run the tests, except the slow ones
	$(PYTEST) -m "not slow"

test-all: .venv/.installed-dev  ## Run every test
	$(PYTEST)

lint: .venv/.installed-dev  ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/.installed-dev  ## Tidy the imports and the layout of the code
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

docs: .venv/.installed-dev  ## Build the documentation into docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --keep-going --jobs auto docs docs/_build/html

bench-envs: .venv/.installed-dev  ## Create the environments of the libraries that we compare with
	$(BIN)/python -m benchmarks.suite envs

bench-quick: .venv/.installed-dev  ## Measure beside them in ten minutes, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks.suite run --quick $(if $(DATA),--data $(DATA))

bench: .venv/.installed-dev  ## The same thoroughly, in hours
	$(BIN)/python -m benchmarks.suite run $(if $(DATA),--data $(DATA))

clean:  ## Remove the environment and everything that was built
	rm -rf .venv .bench build dist .mypy_cache .pytest_cache .ruff_cache
	rm -rf docs/_build docs/_examples docs/api docs/auto_examples
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into .venv, which takes some minutes."
	$(INSTALL) ".[all]"
	touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into .venv, with what tests and docs need, which takes some minutes."
	$(INSTALL) ".[all,dev]"
	touch .venv/.installed $@
