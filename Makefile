# make demo   from a CSV to a forecast, in runs/demo
# make test   the whole test suite
# make test-gpu the tests that need a GPU, on the first one
# make faults the kills, refused calls, full disks and overlaps of docs/reliability.md, many of each (an hour)
# make fuzz   2,000 files with bytes changed at random, through the reader of prepare
# make lint   ruff and mypy
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-gpu fuzz faults lint clean

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/demo.sh

test: $(READY)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-gpu: $(READY)
	CUDA_VISIBLE_DEVICES=0 $(BIN)/pytest tests/training/test_recorded.py

fuzz: $(READY)
	$(BIN)/python tests/data/mutations.py 2000

faults: $(READY)
	LSTM_FAULTS=full $(BIN)/pytest -s tests/faults

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Made anew when what it is made from changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is not there or older than 3.11" >&2; echo "hint: name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
