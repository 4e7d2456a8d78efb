"""Runs for the tests of `refresh`."""

import shutil
from pathlib import Path

import pytest
from small_ledger import until
from small_nights import FIRST
from small_steps import LINEAR, PREPARE, write_panel

from lstm_cli.events import ignore_events
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a panel with 210 days; a run begins with its first 130."""
    return write_panel(tmp_path_factory.mktemp("big") / "panel.csv", rows=210)


@pytest.fixture(scope="session")
def linear(big: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with a linear model, which trains in a moment. Tests must not change it."""
    folder = tmp_path_factory.mktemp("linear")
    run = folder / "run"
    prepare(until(big, FIRST, folder / "first.csv"), run, PREPARE, ignore_events)
    train(run, LINEAR, ignore_events)
    return run


@pytest.fixture
def run(linear: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(linear, tmp_path / "run"))
