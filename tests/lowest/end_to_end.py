"""Tests of all steps with the lowest versions that pyproject.toml allows: `make test-lowest`.

The name of this file keeps pytest from collecting it, because these versions are in a separate environment.
"""

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas
import pytest

from lstm_cli.cli.main import run as lstm

ROOT = Path(__file__).parents[2]
FORMATS = {"onnx": "onnx", "pt2": "pt2", "torchscript": "pt", "safetensors": "safetensors", "npz": "npz"}
NETWORKS = ("segment", "stacked")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with 400 hours of the sample data, as CSV and as Parquet."""
    folder = tmp_path_factory.mktemp("lowest")
    table = pandas.read_csv(ROOT / "sample_data" / "ETTh1.csv", nrows=400)
    table.to_csv(folder / "load.csv", index=False)
    table.to_parquet(folder / "load.parquet")
    return folder


def run_lstm(*argv: object) -> None:
    assert lstm([str(argument) for argument in argv]) == 0


def test_the_lowest_versions_are_installed() -> None:
    """`tests/test_lowest_versions.py` compares the pins with pyproject.toml."""
    pins = dict(
        re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints-lowest.txt").read_text(), flags=re.MULTILINE)
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [line.partition(">")[0] for line in project["dependencies"]]
    assert {name: version(name).partition("+")[0] for name in names} == {name: pins[name] for name in names}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_data_are_checked_and_prepared(folder: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    source, run = folder / f"load.{suffix}", folder / suffix
    run_lstm("check", source, "--target", "OT", "--plot", folder / f"{suffix}.png")
    run_lstm("prepare", source, run, "--target", "OT", "--horizon", 6, "--lookback", 24)
    capfd.readouterr()
    run_lstm("prepare", source, run, "--target", "OT", "--horizon", 6, "--lookback", 24, "--json")
    assert json.loads(capfd.readouterr().out)["rows"] == 400


@pytest.mark.parametrize("model", NETWORKS)
def test_a_model_is_trained_and_exported(folder: Path, model: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = folder / model
    tiny = ["--epochs", 1, "--hidden", 4, "--threads", 1]
    run_lstm("prepare", folder / "load.csv", run, "--target", "OT", "--horizon", 6, "--lookback", 24)
    run_lstm("train", run, "--model", model, *tiny)
    run_lstm("evaluate", run, "--threads", 1)
    run_lstm("quantize", run, "--max-loss", "1000%")
    for precision in ("fp32", "int8"):
        capfd.readouterr()
        run_lstm("predict", run, "--precision", precision, "--threads", 1)
        rows = [line.split(",") for line in capfd.readouterr().out.splitlines()[1:]]
        assert len(rows) == 6
        assert np.isfinite([float(row[1]) for row in rows]).all()
    for to, suffix in FORMATS.items():
        run_lstm("export", run, "--to", to, "-o", folder / f"{model}.{suffix}")
    run_lstm("export", run, "--precision", "int8")
    run_lstm("verify", run)


def test_a_search_trains_its_winner(folder: Path) -> None:
    run = folder / "tuned"
    run_lstm("prepare", folder / "load.csv", run, "--target", "OT", "--horizon", 6, "--lookback", 24)
    run_lstm(
        "tune",
        run,
        "--effort",
        "fast",
        "--trials",
        2,
        "--epochs",
        1,
        "--space",
        "hidden=4..8",
        "--jobs",
        2,
        "--threads",
        1,
    )
    run_lstm("evaluate", run, "--backtest", 2, "--threads", 1)
