"""Tests of the recipes with the real programs, DVC, Snakemake and espeak-ng: `make recipes`.

The name of this file keeps pytest from collecting it, because these programs are in a separate environment.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hourly_load import SCORES, write_load

RECIPES = Path(__file__).parents[2] / "recipes"
STEPS = ["prepare", "train", "evaluate", "predict"]


class Recipe:
    """Folder with a recipe and a small CSV file, in which programs run."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = Path(shutil.copytree(RECIPES / name, folder / name))
        write_load(self.folder / "load.csv")
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("LSTM_", "GIT_"))
        }
        self.environment = variables | {
            "HOME": str(folder),
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "LSTM_TRAIN_PARTS": "linear",
            "LSTM_TRAIN_REFIT": "0",
        }

    def run(self, *arguments: str, code: int | None = 0) -> str:
        """Run a program and return its output. code: expected exit code; None: any code except 0."""
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code if code is not None else done.returncode, done.stdout
        return done.stdout

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert text.count(old) == 1
        (self.folder / file).write_text(text.replace(old, new))

    def numbers(self) -> dict[str, str]:
        """Return the name of the numbered folder of each artifact."""
        return {
            name: next((self.folder / "run" / name).iterdir()).name for name in ("data", "model", "scores")
        }

    def require_outputs(self) -> None:
        """Check the copies of the scores, and the forecast."""
        assert {path.name for path in (self.folder / "scores").iterdir()} >= SCORES
        newest = next((self.folder / "run" / "scores").iterdir())
        for name in SCORES:
            assert (self.folder / "scores" / name).read_bytes() == (newest / name).read_bytes()
        assert json.loads((self.folder / "scores" / "scores.json").read_text())["metrics"]["mase"] < 1
        assert len((self.folder / "forecast.csv").read_text().splitlines()) == 25


@pytest.fixture
def dvc(tmp_path: Path) -> Recipe:
    recipe = Recipe(tmp_path, "dvc")
    recipe.run("git", "init", "-q", ".")
    recipe.run("dvc", "init", "-q")
    return recipe


def test_dvc(dvc: Recipe) -> None:
    def executed() -> list[str]:
        marks = ("Running stage '", "Stage '")
        lines = [line for line in dvc.run("dvc", "repro").splitlines() if line.startswith(marks)]
        stages = [line.split("'")[1] for line in lines]
        assert stages == STEPS
        return [stage for stage, line in zip(stages, lines, strict=True) if line.startswith("Running")]

    assert executed() == STEPS
    dvc.require_outputs()
    assert executed() == []
    assert "mase" in dvc.run("dvc", "metrics", "show")
    dvc.run("dvc", "plots", "show")
    # DVC has deleted the outputs when it runs a stage whose scores are up to date.
    dvc.run("dvc", "repro", "--force", "--single-item", "evaluate")
    dvc.require_outputs()
    write_load(dvc.folder / "load.csv", hours=424)
    assert executed() == STEPS
    assert set(dvc.numbers().values()) == {"0002"}
    dvc.require_outputs()
    assert executed() == []
    dvc.edit("lstm.toml", "seed = 0", "seed = 1")
    assert executed()[0] == "train"
    shutil.rmtree(dvc.folder / "run")
    assert executed()[:2] == ["prepare", "train"]
    assert executed() == []


def test_dvc_makes_no_forecast_after_a_failed_gate(dvc: Recipe) -> None:
    dvc.edit("lstm.toml", "mase>=1", "mase>0")
    assert "exited with 5" in dvc.run("dvc", "repro", code=None)
    assert (dvc.folder / "scores" / "scores.json").exists()
    assert not (dvc.folder / "forecast.csv").exists()
    dvc.edit("lstm.toml", "mase>0", "mase>=1")
    dvc.run("dvc", "repro")
    dvc.require_outputs()
    assert dvc.numbers()["scores"] == "0001"


@pytest.fixture
def snakemake(tmp_path: Path) -> Recipe:
    return Recipe(tmp_path, "snakemake")


NOTHING = "Nothing to be done"
RULES = ["prepare", "train", "evaluate", "gate", "predict"]


def test_snakemake(snakemake: Recipe) -> None:
    def executed() -> list[str]:
        output = snakemake.run("snakemake", "--cores", "2")
        rules = [name for name in RULES if f"rule {name}:" in output]
        assert (NOTHING in output) == (not rules)
        return rules

    assert executed() == RULES
    snakemake.require_outputs()
    assert executed() == []
    (snakemake.folder / "load.csv").touch()
    assert executed() == []
    # Snakemake has deleted the outputs when it runs a rule whose scores are up to date.
    snakemake.run("snakemake", "--cores", "2", "--forcerun", "evaluate")
    snakemake.require_outputs()
    assert set(snakemake.numbers().values()) == {"0001"}
    write_load(snakemake.folder / "load.csv", hours=424)
    assert executed() == RULES
    assert set(snakemake.numbers().values()) == {"0002"}
    snakemake.require_outputs()
    assert executed() == []


def test_snakemake_makes_no_forecast_after_a_failed_gate(snakemake: Recipe) -> None:
    snakemake.edit("Snakefile", "--fail-if 'mase>=1'", "--fail-if 'mase>0'")
    assert "not good enough" in snakemake.run("snakemake", "--cores", "2", code=None)
    assert {path.name for path in (snakemake.folder / "scores").iterdir()} >= SCORES
    assert not (snakemake.folder / "forecast.csv").exists()
    snakemake.edit("Snakefile", "--fail-if 'mase>0'", "--fail-if 'mase>=1'")
    snakemake.run("snakemake", "--cores", "2")
    snakemake.require_outputs()


@pytest.fixture
def speech(tmp_path: Path) -> Recipe:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    recipe = Recipe(tmp_path, "speech")
    for name in ("LSTM_TRAIN_PARTS", "LSTM_TRAIN_REFIT"):  # of a forecast
        del recipe.environment[name]
    return recipe


DIGITS = ("--speakers", "10", "--accents", "2")
COLUMNS = ("--sequence", "file", "--label", "label", "--group", "speaker", "--time", "ms")


def test_spoken_digits(speech: Recipe) -> None:
    for folder, options in (("digits", ()), ("again", ()), ("other", ("--seed", "1"))):
        speech.run("python", "spoken_digits.py", folder, *DIGITS, *options)
    digits, again, other = (
        {str(path.relative_to(speech.folder / name)): path.read_bytes() for path in recordings}
        for name in ("digits", "again", "other")
        for recordings in [sorted((speech.folder / name).rglob("*.wav"))]
    )
    assert len(digits) == 200
    assert digits == again
    assert set(digits.values()).isdisjoint(other.values())
    assert "not empty" in speech.run("python", "spoken_digits.py", "digits", code=1)
    speech.run("python", "log_mel.py", "digits", "-o", "digits.parquet")
    speech.run("lstm", "prepare", "digits.parquet", "run", *COLUMNS)
    speech.run("lstm", "train", "run", "--model", "stacked", "--pooling", "mean", "--epochs", "5")
    speech.run("lstm", "evaluate", "run", "--fail-if", "accuracy<0.6")
    one = sorted((speech.folder / "digits" / "7").iterdir())[0]
    pipe = f"python log_mel.py {one} | lstm predict run -"
    assert f"{one},7," in speech.run("bash", "-o", "pipefail", "-c", pipe)


def test_a_reader_that_ends_early_ends_log_mel(speech: Recipe) -> None:
    speech.run("python", "spoken_digits.py", "digits", *DIGITS)
    pipe = "python log_mel.py digits | head -1; exit ${PIPESTATUS[0]}"
    assert speech.run("bash", "-c", pipe, code=141).startswith("file,label,speaker,ms,m01,")
