"""Fixtures of runs of text for the tests of `evaluate` and `predict`."""

import shutil
from pathlib import Path

import pytest
from small_text_run import make_text_run


@pytest.fixture(scope="session")
def text_run_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of text with a model. Tests must not change it."""
    return make_text_run(tmp_path_factory.mktemp("text"))


@pytest.fixture
def text_run(text_run_made_once: Path, tmp_path: Path) -> Path:
    """Return a copy of a run of text with a model."""
    return Path(shutil.copytree(text_run_made_once, tmp_path / "run"))
