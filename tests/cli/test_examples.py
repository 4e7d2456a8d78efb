"""Every example in the help is run, in the order in which a person would type them."""

import os
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from fake_steps import VERBS

from lstm_cli.cli.main import run

SAMPLE = Path(__file__).parents[2] / "sample_data" / "ETTh1.csv"
# An epoch and a small network, so that training is short.
SHORT = {"LSTM_TRAIN_EPOCHS": "1", "LSTM_TUNE_EPOCHS": "1", "LSTM_TUNE_PARTS": "anchored"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place like the repository's root, with fewer rows in the sample so that training is short."""
    root = tmp_path_factory.mktemp("examples")
    (root / "sample_data").mkdir()
    (root / "runs").mkdir()
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
    """What is no more than `lstm` and its words is run in this process, which has loaded torch already."""
    monkeypatch.chdir(folder)
    for name, value in SHORT.items():
        monkeypatch.setenv(name, value)
    if "stacked" not in example:
        monkeypatch.setenv("LSTM_TRAIN_HIDDEN", "8")
    words = shlex.split(example)
    if words[0] == "lstm" and not {"|", ">"} & set(words):
        code, told = run(words[1:]), capsys.readouterr().err
    else:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", example],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )
        code, told = done.returncode, done.stderr
    assert code == 0, told
    assert "Traceback" not in told
