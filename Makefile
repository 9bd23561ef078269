# `make demo` and `make test` work on a new machine; `make` alone lists all commands.
#
# PYTHON=python3.12   the interpreter that .venv is created with
# PROCESSES=1         how many processes run the tests; one more than processors by default
# LATEST=1            the newest releases of all dependencies instead of the locked ones

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# One stamp for each set of versions: packages installed for another set are out of date. The newest
# releases are looked up once a day.
ifeq ($(LATEST),1)
TODAY ?= $(shell date +%F)
VERSIONS := latest-$(TODAY)
UPGRADE := --upgrade --upgrade-strategy eager
else
VERSIONS := locked
CONSTRAINTS := .ci/constraints.txt
# Also for the tools that build a package: newer versions of pip read the second name for those.
export PIP_CONSTRAINT := $(CONSTRAINTS)
export PIP_BUILD_CONSTRAINT := $(CONSTRAINTS)
endif
STAMP := $(VENV)/.installed-$(VERSIONS)
TEST_STAMP := $(VENV)/.installed-test-$(VERSIONS)
# Tests start Python hundreds of times. Some images set this, and then the package is compiled each time.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := setup.cfg pyproject.toml $(CONSTRAINTS)
PIP_INSTALL = $(BIN)/python -m pip install --quiet $(UPGRADE) --editable

# Tests often wait for browsers and servers, so one process more than processors is not too many.
PROCESSES ?= $(shell expr $$(nproc) + 1)
PYTEST = $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist worksteal

.PHONY: help demo test instants check explore lint plugin package screenshots bench soak lock programs install-test interpreter clean

help:
	@echo "make COMMAND, where COMMAND is one of:"
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile | while IFS=: read -r command text; do \
		printf '  %-12s%s\n' "$$command" "$$text"; done

demo: $(STAMP) ## serve a page with every widget, fed by a simulated API (PORT=9000: on another port)
	exec $(BIN)/cabinet-widgets demo $(if $(PORT),--port $(PORT))

test: programs lint ## all checks and tests; installs the programs that they need
	$(PYTEST)

check: lint ## ruff, mypy and the tests that need no other program, with fewer examples
	$(PYTEST) --hypothesis-profile=quick -m "not programs"

explore: programs $(TEST_STAMP) ## run the random tests with new examples, and ten times as many
	$(PYTEST) --hypothesis-profile=explore -m hypothesis

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A Saturday night, the last minute of a Sunday, the first day of a month, 29 February, both changes
# of the clocks in Paris, midnight on New Year's Day, and now.
INSTANTS := 2026-11-28T03:00:00Z 2026-11-29T23:59:00Z 2027-03-01T00:10:00Z 2028-02-29T12:00:00Z \
	2027-03-28T01:00:00Z 2026-10-25T01:00:00Z 2027-01-01T00:00:00Z now

instants: programs $(TEST_STAMP) ## run the tests that depend on the time, at eight instants
	for instant in $(INSTANTS); do \
		echo "Tests that depend on the time, at $$instant:"; \
		$(PYTEST) --quiet --hypothesis-profile=quick -m instant --instant $$instant || exit 1; \
	done

plugin: $(BIN)/python ## pack the WordPress plugin as dist/cabinet-widgets.zip
	$(BIN)/python .ci/plugin_zip.py

package: $(BIN)/python ## build the source archive and the wheel of the last commit in dist/
	$(BIN)/python -m pip install --quiet build twine
	.ci/package $(BIN)/python
	$(BIN)/python -m twine check --strict dist/*.whl dist/*.tar.gz

screenshots: programs $(TEST_STAMP) ## take the pictures in docs/gallery again
	PYTHONPATH=tests $(BIN)/python .ci/gallery.py

bench: programs $(TEST_STAMP) ## measure the speed; needs an idle machine for five minutes
	PYTHONPATH=tests $(BIN)/python -m bench

SECONDS ?= 3600
WORKERS ?= 2
CACHE ?= FileSystemCache

soak: programs $(TEST_STAMP) ## run the service for an hour while its API fails (SECONDS=60: a minute; CACHE=RedisCache)
	PYTHONPATH=tests $(BIN)/python -m soak --seconds $(SECONDS) --workers $(WORKERS) --cache $(CACHE)

lock: $(BIN)/python ## lock the newest releases of all dependencies in .ci/constraints.txt
	@echo "Looking up the newest releases that work with each other, on Python 3.11 and later."
	@env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT $(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-annotate \
		--custom-compile-command "make lock" --extra test --output-file .ci/constraints.txt setup.cfg
	@echo "Locked in .ci/constraints.txt. Run make test before you commit it."

clean: ## remove .venv and everything else that was created here
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# What the commands above need.

# Runs first, so that the list of programs that have to be installed by hand is complete and early.
programs: interpreter
	@echo "Looking for the programs that the tests need; missing ones are installed or listed."
	@PYTHON="$(PYTHON)" bash tests/install.sh

install-test: $(TEST_STAMP)

interpreter:
	@$(PYTHON) -c '' 2> /dev/null || { \
		echo "There is no interpreter $(PYTHON). Install Python 3.11 or later, or name it: make PYTHON=python3.11"; exit 1; }

$(BIN)/python: | interpreter
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed; name it with: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { \
		test $$(id -u) -eq 0 || { echo "Python's venv module is missing. Run: sudo apt-get install python3-venv"; exit 1; }; \
		apt-get update -qq && apt-get install -y -qq python3-venv; }
	@echo "Creating a virtual environment in $(VENV)."
	@$(PYTHON) -m venv $(VENV)

$(STAMP): $(SOURCES) | $(BIN)/python
	@echo "Installing Cabinet Widgets and its dependencies into $(VENV); this takes half a minute."
	@rm -f $(VENV)/.installed*
	@$(PIP_INSTALL) .
	@touch $@

$(TEST_STAMP): $(SOURCES) | $(BIN)/python
	@echo "Installing Cabinet Widgets and what its tests need into $(VENV); this takes a minute."
	@rm -f $(VENV)/.installed*
	@$(PIP_INSTALL) '.[test]'
	@touch $(STAMP) $@
