# `make help` lists the targets. Each makes .venv and installs the package when setup.cfg changed.
PYTHON ?= python3
CONFIG ?= $(notdir $(firstword $(wildcard configs/lntl.yaml) configs/attractiveness.yaml))
ARGS ?=
BIN := .venv/bin

# Debian's python3 alone has venv but not pip; this is the installer that pip's authors publish.
GET_PIP := 'import urllib.request; exec(urllib.request.urlopen("https://bootstrap.pypa.io/get-pip.py").read())'

.PHONY: train test test-fast lint help
.DEFAULT_GOAL := help

train: .venv/installed ## Train CONFIG (a file of configs/) on the synthetic faces; ARGS adds options
	$(BIN)/python recipes/train.py --config $(CONFIG) $(ARGS)

# One thread a worker: the workers take the cores. Bytecode is written whatever the environment says: rewriting
# the assertions of all tests anew takes each worker ten seconds.
test: .venv/installed ## Run the tests on all cores; FACE_DATA_ROOT adds those on real faces, ARGS adds pytest options
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-fast: ## Run the tests that are not marked slow, for every commit
	@$(MAKE) test ARGS='-m "not slow" $(ARGS)'

lint: .venv/installed ## Check style (ruff), types (mypy) and who imports whom (import-linter)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  e.g.  make train CONFIG=baseline.yaml ARGS="--trainer.max_epochs 1"'

# The stamp is written last, so an interrupted installation is taken up again.
.venv/installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo 'error: $(PYTHON) is older than Python 3.10; try: make PYTHON=python3.12'; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || \
	  { echo '$(PYTHON) comes without pip: getting it from its authors'; \
	    $(PYTHON) -m venv --clear --without-pip .venv && $(BIN)/python -c $(GET_PIP) --quiet; } || \
	  { rm -rf .venv; echo 'error: cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv'; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
