# Set-up, tests and the main job. `make search` and `make test` do all that a fresh machine needs.

PYTHON ?= python3
VENV ?= .venv
LOCK ?= requirements-lock.txt
TESTS ?= tests
RUN := $(VENV)/bin/python
CORE := tests/dsl tests/optimizers tests/conformance
EXPORTS := $(patsubst %,tests/exporters/%_test.py,keras optax torch)
ADDONS := tests/addons tests/evaluation tests/experiments/rosenbrock tests/models tests/training tests/translation
COMPILE := uv pip compile --quiet --universal --python-version 3.10 --no-emit-index-url --no-header --no-annotate
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: venv test test-slow test-core test-backends test-addons coverage lint bazel package search lock clean

venv: $(VENV)/.installed

$(VENV)/.installed: $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	touch $@

search: venv
	$(RUN) -m experiments.search $(ARGS)

test: venv
	$(RUN) -m pytest -n 2 -m "not slow" $(TESTS) $(ARGS)

coverage:
	$(MAKE) test ARGS="--cov=nos_tf --cov-report=term:skip-covered"

test-slow: venv
	$(RUN) -m pytest -n 2 -m slow $(TESTS)

# The language and the optimizers; for another Python: make test-core PYTHON=python3.13 VENV=.venv-3.13
test-core:
	$(MAKE) test TESTS="$(CORE)"

# The optimizers on Keras' other backends, in an environment without TensorFlow; Python 3.11 or newer.
test-backends:
	for backend in jax torch; do \
	  KERAS_BACKEND=$$backend $(MAKE) $(if $(SLOW),test-slow,test) VENV=.venv-backends LOCK=requirements-backends-lock.txt \
	    TESTS="tests/backends $(EXPORTS)" || exit 1; \
	done

# The extra [addons], with the oldest versions that pyproject.toml allows; Python 3.10 or 3.11.
test-addons:
	$(MAKE) test VENV=.venv-addons LOCK=requirements-addons-lock.txt TESTS="$(CORE) $(wildcard $(ADDONS))"

lint: venv
	$(VENV)/bin/pre-commit run --all-files

# Bazel does not see what changes within the virtual environment, so it starts from nothing.
BAZEL_TESTS ?= //...
bazel: venv
	test -n "$$(bazel --version)"
	root="$$(mktemp -d)" && export PATH="$(CURDIR)/$(VENV)/bin:$$PATH" && \
	  bazel --output_user_root="$$root" test $(BAZEL_TESTS) --jobs=2 && \
	  bazel --output_user_root="$$root" run //experiments:search -- --trials=5 --epochs=1 --test_seeds=1; \
	  code=$$?; bazel --output_user_root="$$root" shutdown; chmod -R u+w "$$root" && rm -rf "$$root"; exit $$code

# What users install: its content, and ten steps of training in an environment that holds nothing else.
package: venv
	rm -rf dist build .venv-package
	$(RUN) -m build --no-isolation
	$(RUN) -m tools.package_content dist
	$(PYTHON) -m venv .venv-package
	.venv-package/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) dist/*.whl
	.venv-package/bin/python tools/package_smoke.py

# All but the backends' (see requirements-backends.in). Keeps what is locked already; ARGS=--upgrade takes the newest. The tool is https://docs.astral.sh/uv/.
lock:
	$(COMPILE) --extra dev --extra optuna --extra ray --extra tensorboard \
	  -o requirements-lock.txt $(ARGS) pyproject.toml
	$(COMPILE) --resolution lowest-direct --extra addons --extra dev --extra tensorboard \
	  -o requirements-addons-lock.txt $(ARGS) pyproject.toml

clean:
	rm -rf .venv* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage
