# make demo   from a CSV to a forecast, in runs/demo
# make test   the whole test suite, with what developers need
# make test-gpu the tests that need a GPU, on the first one
# make faults the kills, refused calls, full disks and overlaps of docs/explanation/reliability.md, many of each (an hour)
# make fuzz   2,000 files with bytes changed at random, through the reader of prepare
# make test-lowest every step with the lowest versions that pyproject.toml allows, in .venv-lowest
# make recipes the recipes for DVC and Snakemake with the real programs, in .venv-recipes
# make test-light the light install of docs/start/install.md, in a fresh environment
# make lint   ruff and mypy
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
LOWEST := .venv-lowest
RECIPES := .venv-recipes
INSTALL := pip install --quiet --disable-pip-version-check

.PHONY: demo test test-gpu test-lowest test-light recipes fuzz faults lint clean

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/demo.sh

test: $(DEV)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-gpu: $(DEV)
	CUDA_VISIBLE_DEVICES=0 $(BIN)/pytest tests/training/loop/test_cuda_graph.py

test-lowest: $(LOWEST)/.ready
	$(LOWEST)/bin/pytest tests/lowest/walk.py

# lstm and python are those of .venv; dvc and snakemake are found behind them.
recipes: $(DEV) $(RECIPES)/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH:$(CURDIR)/$(RECIPES)/bin" $(BIN)/pytest tests/recipes/walk.py

test-light: $(DEV)
	$(BIN)/pytest tests/light/install.py

fuzz: $(DEV)
	$(BIN)/python tests/data/reading/mutations.py 2000

faults: $(DEV)
	LSTM_FAULTS=full $(BIN)/pytest -s tests/faults

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The package alone, for the demo. It is installed again when one of these files changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is not there or older than 3.11" >&2; echo "hint: name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(INSTALL) --constraint constraints.txt torch
	$(BIN)/$(INSTALL) --constraint constraints.txt --config-settings editable_mode=compat --editable .
	@touch $@

# The extras and what tests and linters need, in the same environment.
$(DEV): $(READY)
	$(BIN)/$(INSTALL) --constraint constraints.txt --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

# There are wheels of all of these for Python 3.11 and 3.12.
$(LOWEST)/.ready: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/$(INSTALL) --constraint constraints-lowest.txt --config-settings editable_mode=compat --editable . pytest
	@touch $@

$(RECIPES)/.ready: recipes/requirements.txt
	$(PYTHON) -m venv $(RECIPES)
	$(RECIPES)/bin/$(INSTALL) --requirement recipes/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST) $(RECIPES) .pytest_cache .mypy_cache .ruff_cache .hypothesis
