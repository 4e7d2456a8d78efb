"""Every example in the help is run, in the order in which a person would type them."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

VERBS = ("prepare", "train", "tune", "evaluate", "quantize", "predict", "export", "verify", "config")
SAMPLE = Path(__file__).parents[2] / "sample_data" / "ETTh1.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place like the repository's root, with fewer rows in the sample so that training is short."""
    root = tmp_path_factory.mktemp("examples")
    (root / "sample_data").mkdir()
    (root / "runs").mkdir()
    with SAMPLE.open() as file:
        (root / "sample_data" / "ETTh1.csv").write_text(
            "".join(line for line, _ in zip(file, range(4000), strict=False))
        )
    return root


@pytest.mark.parametrize(
    "example", [example for verb in VERBS for example in import_module(f"lstm_cli.cli.{verb}").EXAMPLES]
)
def test_an_example_of_the_help_runs(folder: Path, example: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "LSTM_TRAIN_EPOCHS": "1", "LSTM_TRAIN_HIDDEN": "8"}
    environment |= {"LSTM_TUNE_EPOCHS": "1", "LSTM_TUNE_PARTS": "anchored"}
    if "stacked" in example:
        del environment["LSTM_TRAIN_HIDDEN"]
    done = subprocess.run(
        ["sh", "-c", example], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
