"""Tests that run all examples of the help, in a realistic order."""

import os
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from fake_steps import VERBS

from lstm_cli.cli.main import run

SAMPLE = Path(__file__).parents[2] / "sample_data" / "ETTh1.csv"
# One epoch and a small network keep training short.
SHORT = {"LSTM_TRAIN_EPOCHS": "1", "LSTM_TUNE_EPOCHS": "1", "LSTM_TUNE_PARTS": "anchored"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder like the repository root, with fewer sample rows so that training is short."""
    root = tmp_path_factory.mktemp("examples")
    (root / "sample_data").mkdir()
    (root / "runs").mkdir()
    shutil.copy(SAMPLE.with_name("gestures.csv"), root / "sample_data")
    with SAMPLE.open() as file:
        (root / "sample_data" / "ETTh1.csv").write_text(
            "".join(line for line, _ in zip(file, range(2400), strict=False))
        )
    return root


@pytest.mark.usefixtures("signals_as_they_were")
@pytest.mark.parametrize(
    "example",
    [example for verb in VERBS for example in import_module(f"lstm_cli.cli.commands.{verb}").EXAMPLES],
)
def test_help_example_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], example: str
) -> None:
    """Plain `lstm` commands run in this process, because torch is already imported here."""
    monkeypatch.chdir(folder)
    for name, value in SHORT.items():
        monkeypatch.setenv(name, value)
    if "stacked" not in example:
        monkeypatch.setenv("LSTM_TRAIN_HIDDEN", "8")
    words = shlex.split(example)
    if words[1] == "serve":  # it would only end with a signal
        Path("tokens.txt").write_text("token\n")
        words.append("--dry-run")
    if words[1] == "score" and not Path("runs/load/ledger").exists():
        record_a_forecast()
    if words[0] == "lstm" and not {"|", ">"} & set(words):
        code, stderr = run(words[1:]), capsys.readouterr().err
    else:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", example],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=1200,
        )
        code, stderr = done.returncode, done.stderr
    # The model is poor, so a condition can be true.
    assert code == 0 or (code == 5 and words[1] == "score" and "--fail-if" in words), stderr
    assert "Traceback" not in stderr


def record_a_forecast() -> None:
    """Record a forecast of rows that the sample data have, so that it has come true."""
    rows = Path("sample_data/ETTh1.csv").read_text().splitlines()[:2301]
    Path("older.csv").write_text("\n".join(rows) + "\n")
    assert run(["predict", "runs/load", "older.csv", "--record", "-o", "forecast.csv"]) == 0
