"""The run directory that the tests of this folder share."""

import shutil
import tempfile
from collections.abc import Iterator
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


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that another user may enter: pytest's own are closed to all but the one who runs it."""
    path = Path(tempfile.mkdtemp(prefix="lstm-test-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)
