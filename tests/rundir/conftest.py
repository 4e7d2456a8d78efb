"""Fixtures of the tests of the run directory."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_run import prepare, train


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run directory with prepared data and a trained model."""
    path = tmp_path / "runs" / "load"
    prepare(path)
    train(path)
    return path


@pytest.fixture
def public() -> Iterator[Path]:
    """Yield a folder that other users can enter, unlike the folders of pytest."""
    path = Path(tempfile.mkdtemp(prefix="lstm-test-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)
