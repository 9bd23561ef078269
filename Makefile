# `make demo` and `make test` are all that a new machine needs; the rest is for whoever works on this.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test

.PHONY: demo test plugin screenshots bench soak clean

demo: $(STAMP)
	exec $(BIN)/cabinet-widgets demo $(if $(PORT),--port $(PORT))

test: $(TEST_STAMP)
	bash tests/install.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name it with: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { \
		test $$(id -u) -eq 0 || { echo "Python's venv module is missing. Run: sudo apt-get install python3-venv"; exit 1; }; \
		apt-get update -qq && apt-get install -y -qq python3-venv; }
	@$(PYTHON) -m venv $(VENV)

$(STAMP): setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(TEST_STAMP): setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

plugin: $(VENV)/bin/python
	$(BIN)/python tests/wordpress/package.py

screenshots: $(TEST_STAMP)
	bash tests/install.sh
	$(BIN)/python tests/screenshots.py

bench: $(TEST_STAMP)
	bash tests/install.sh
	PYTHONPATH=tests $(BIN)/python -m bench

SECONDS ?= 3600

soak: $(TEST_STAMP)
	bash tests/install.sh
	PYTHONPATH=tests $(BIN)/python -m soak --seconds $(SECONDS)
