"""Trained runs and their models in memory, made once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from served_runs import KINDS, make_run

from lstm_cli.serving.model import ServedModel


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the run of a kind. Tests must not change it."""
    return cache(lambda kind: make_run(KINDS[kind], tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="session")
def served(run_of: Callable[[str], Path]) -> Callable[[str], ServedModel]:
    """Return a function that gives the served model of a kind."""
    return cache(lambda kind: ServedModel.load(run_of(kind), threads=1))
