# Two commands are enough: `make run` and `make test`. Both set up everything they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test fast check demo bench clean

help:  ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

run: $(VENV)/.installed  ## install, migrate, build the index and start on http://127.0.0.1:8000
	$(BIN)/hotline serve

test: $(VENV)/.tested  ## install what the tests need and run every check
	scripts/need-chromium
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist loadfile

fast: $(VENV)/.tested  ## the tests without browser and PostgreSQL
	$(BIN)/pytest -n 3 --dist loadfile -m "not browser and not postgres"

demo: $(VENV)/.installed  ## scripted visitors against the running server
	$(BIN)/hotline demo

bench: $(VENV)/.installed  ## the measured figures, beside their baselines
	$(BIN)/hotline bench

clean:  ## remove what was installed (never var/, which holds records)
	rm -rf $(VENV)

$(VENV)/bin/python:
	scripts/make-venv $(PYTHON) $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed
