"""Tests that runs of release 0.1.0 load, and that forecasts and commands give the same numbers.

Release 0.1.0 wrote the folder `0.1.0` with golden_cases.py. It must not be written again. Texts can change, but numbers
cannot, except those in CHANGED.
"""

import csv
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_cases import CASES, command

from lstm_cli.cli.main import run

GOLDEN = Path(__file__).parent / "0.1.0"
LOADED = 1e-4  # relative; other processors add in a different order
TRAINED = 0.02  # relative; training amplifies such differences
INT8 = 0.05  # of the deviation of the target; CPUs round int8 products differently
MACHINE_KEYS = (
    "seconds",
    "megabytes",
    "latency_ms",
    "size",
    "threads",
    "run",
    "output",
    "picture",
    "importance",
)


def quantile_scores(horizon: int) -> tuple[str, ...]:
    """Return the paths of all scores of quantiles.

    The quantiles are learned, asymmetric and different for each window. They were symmetric. WQL is the mean over .1 to
    .9. It was the mean over .025, .1, .5, .9 and .975.
    """
    names = ("wql", "coverage", "width")
    return (*names, *(f"per_step[{step}].{name}" for step in range(horizon) for name in names))


# Numbers that later releases changed: (case, verb) -> beginnings of paths.
CHANGED: dict[tuple[str, str], tuple[str, ...]] = {
    # `lookback` is the one of `prepare`; the rows that the model reads are `reads_rows`.
    # The linear forecast averages fewer regressions, so its share of the model changed. MASE did not.
    ("panel", "train"): ("lookback", "linear", "weights"),
    ("panel", "tune"): ("best.metrics.mae",),
    ("panel", "evaluate"): quantile_scores(7),
    ("stacked", "train"): ("linear",),
    # The seasonal naive baseline takes the best season, not the shortest.
    ("hourly", "train"): ("lookback", "val_baselines.seasonal_naive", "linear"),
    ("hourly", "evaluate"): ("baselines.seasonal_naive", *quantile_scores(6)),
    ("stacked", "evaluate"): quantile_scores(4),
}


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a copy of the golden runs."""
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "golden"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


def table(path: Path) -> tuple[list[list[str]], np.ndarray]:
    """Read a forecast and return its texts (header, times and series), and its numbers [rows, columns]."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    texts = [name for name in header if name in ("time", "day", "date", "shop")]
    first = len(texts)
    return [header, *(row[:first] for row in rows)], np.array([row[first:] for row in rows], dtype=float)


def numbers_by_path(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield path and value of all numbers in a JSON value, except those that depend on the machine."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in MACHINE_KEYS:
                yield from numbers_by_path(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from numbers_by_path(each, f"{path}[{index}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def find_differences(
    case: str, verb: str, actual: dict[str, Any], expected: dict[str, Any], tolerance: float
) -> list[str]:
    """Return a line for each number of 0.1.0 that is missing or differs by more than the tolerance."""
    ignored, numbers = CHANGED.get((case, verb), ()), dict(numbers_by_path(actual))
    return [
        f"{verb}: {path} was {number}, is {numbers.get(path)}"
        for path, number in numbers_by_path(expected)
        if not path.startswith(ignored)
        and not math.isclose(numbers.get(path, math.nan), number, rel_tol=tolerance, abs_tol=1e-6)
    ]


def predict(folder: Path, case: str, *options: str) -> tuple[list[list[str]], np.ndarray]:
    """Forecast in the folder of a case, as golden_cases.py does, and read the forecast."""
    assert run(["predict", "run", *CASES[case].commands["predict"], *options, "-o", "forecast.csv"]) == 0
    return table(folder / case / "forecast.csv")


@pytest.mark.parametrize("case", CASES)
def test_a_run_of_0_1_0_loads_and_gives_the_same_forecast(golden: Path, case: str, monkeypatch) -> None:
    monkeypatch.chdir(golden / case)
    assert run(["verify", "run"]) == 0
    expected, numbers = table(GOLDEN / case / "forecast.csv")
    texts, actual = predict(golden, case, "--ended", "include")  # 0.1.0 forecast every series
    assert texts == expected
    int8 = "int8" in CASES[case].commands["predict"]
    tolerance = (INT8 if int8 else LOADED) * numbers.std(axis=0)
    assert (np.abs(actual - numbers) <= tolerance).all()


@pytest.mark.parametrize("case", [case for case in CASES if "evaluate" in CASES[case].commands])
def test_a_run_of_0_1_0_gives_the_same_scores(golden: Path, case: str, monkeypatch, capfd) -> None:
    monkeypatch.chdir(golden / case)
    capfd.readouterr()
    assert run([*command("evaluate", CASES[case].commands["evaluate"]), "--force"]) == 0
    expected = json.loads((GOLDEN / case / "evaluate.json").read_text())
    assert not find_differences(case, "evaluate", json.loads(capfd.readouterr().out), expected, LOADED)


@pytest.mark.parametrize("case", ["panel", "hourly", "stacked"])
def test_the_commands_of_0_1_0_give_the_same_numbers(golden: Path, case: str, monkeypatch, capfd) -> None:
    shutil.rmtree(golden / case / "run")
    monkeypatch.chdir(golden / case)
    differences: list[str] = []
    for verb, options in CASES[case].commands.items():
        capfd.readouterr()
        assert run(list(command(verb, options))) == 0, verb
        actual, expected = (
            json.loads(capfd.readouterr().out),
            json.loads((GOLDEN / case / f"{verb}.json").read_text()),
        )
        differences += find_differences(
            case, verb, actual, expected, LOADED if verb == "prepare" else TRAINED
        )
    assert differences == []


def test_the_data_files_are_up_to_date() -> None:
    for name, case in CASES.items():
        assert (GOLDEN / name / "data.csv").read_text() == case.data()


def test_the_backtest_of_a_run_of_0_1_0(golden: Path) -> None:
    """Check settings with null or one name where there can be several now."""
    from lstm_cli.rundir import open_run
    from lstm_cli.steps.evaluate.backtest import backtest_recipe

    for case, series in (("hourly", ()), ("panel", ("shop",))):
        with open_run(golden / case / "run") as opened:
            assert backtest_recipe(opened).prepare.series == series
