# make demo         run the five steps from a CSV file to a forecast, in runs/demo
# make demo-classify  run the steps from labelled sequences to predictions, in runs/gestures
# make demo-text    run the steps from a book to new text, in runs/book
# make test         run all tests; installs the packages for developers
# make test-gpu     run the tests that need a GPU, on the first GPU
# make faults       run the fault tests of docs/explanation/reliability.md with many repetitions (an hour),
#                   change the graphs and the JSON of a run at random,
#                   and compare the ONNX graphs of 2,000 random networks with torch
# make year         simulate a year of nights on ETTh1, in runs/year (an hour or more); started again, it continues
# make fuzz         read 2,000 files with randomly changed bytes, as `lstm prepare` does
# make test-lowest  run all steps with the lowest versions in pyproject.toml, in .venv-lowest
# make recipes      test the recipes with DVC, Snakemake and espeak-ng, in .venv-recipes
# make test-light   test the light install in a new environment
# make lint         run ruff and mypy
# make docs         write the generated pages of docs/reference
# make sizes        print the lines of code of each package
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
LOWEST := .venv-lowest
RECIPES := .venv-recipes
INSTALL := pip install --quiet --disable-pip-version-check

.PHONY: demo demo-classify demo-text test test-gpu test-lowest test-light recipes fuzz faults year lint docs sizes clean

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/demo.sh

demo-classify: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/demo_classify.sh

demo-text: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/demo_text.sh

test: $(DEV)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-gpu: $(DEV)
	CUDA_VISIBLE_DEVICES=0 $(BIN)/pytest tests/training/loop/test_cuda_graph.py

test-lowest: $(LOWEST)/.ready
	$(LOWEST)/bin/pytest tests/lowest/end_to_end.py

# lstm and python come from .venv, dvc and snakemake from .venv-recipes.
recipes: $(DEV) $(RECIPES)/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH:$(CURDIR)/$(RECIPES)/bin" $(BIN)/pytest tests/recipes/end_to_end.py

test-light: $(DEV)
	$(BIN)/pytest tests/light/install.py

fuzz: $(DEV)
	$(BIN)/python tests/data/reading/mutations.py 2000

faults: $(DEV)
	LSTM_FAULTS=full $(BIN)/pytest -s tests/faults tests/export/graph/every_option.py

# time-machine changes the date of each night.
year: $(DEV)
	$(BIN)/$(INSTALL) time-machine==3.6.0
	$(BIN)/python benchmarks/year.py runs/year

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(DEV)
	$(BIN)/python tests/reference_pages.py
	$(BIN)/python tests/nightly_page.py

# It needs no package.
sizes:
	@$(PYTHON) tests/package_sizes.py

# Only the package, for the demo. It is installed again if one of these files changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) not found or older than Python 3.11" >&2; echo "hint: choose another Python: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(INSTALL) --constraint constraints.txt torch
	$(BIN)/$(INSTALL) --constraint constraints.txt --config-settings editable_mode=compat --editable .
	@touch $@

# The extras and the packages for tests and linters, in the same environment.
$(DEV): $(READY)
	$(BIN)/$(INSTALL) --constraint constraints.txt --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

# All of these have wheels for Python 3.11 and 3.12.
$(LOWEST)/.ready: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/$(INSTALL) --constraint constraints-lowest.txt --config-settings editable_mode=compat --editable . pytest hypothesis
	@touch $@

$(RECIPES)/.ready: recipes/requirements.txt
	$(PYTHON) -m venv $(RECIPES)
	$(RECIPES)/bin/$(INSTALL) --requirement recipes/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST) $(RECIPES) .pytest_cache .mypy_cache .ruff_cache .hypothesis
