"""The run directory that the tests of this folder share."""

from pathlib import Path

import pytest
from small_run import prepare, train


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory with prepared data and a trained model."""
    path = tmp_path / "runs" / "load"
    prepare(path)
    train(path)
    return path
