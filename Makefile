# Set-up, tests and the main job. `make search` and `make test` do all that a fresh machine needs.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: venv test test-slow lint search clean

venv: $(VENV)/.installed

$(VENV)/.installed: requirements-lock.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --requirement requirements-lock.txt
	touch $@

search: venv
	$(RUN) -m experiments.search $(ARGS)

test: venv
	$(RUN) -m pytest -n 2 -m "not slow"

test-slow: venv
	$(RUN) -m pytest -n 2 -m slow

lint: venv
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
