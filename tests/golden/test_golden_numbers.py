"""The numbers of release 0.1.0 hold: its runs load and forecast the same, and its commands give the same numbers.

The folder `0.1.0` was written by golden_cases.py with that release. It is never written again. Texts may change,
numbers may not, apart from those in CHANGED, each with its reason.
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
LOADED = 1e-4  # relative: other processors add in another order
TRAINED = 0.02  # relative: a training makes such differences larger
INT8 = 0.05  # of the target's deviation: products of 8 bits are rounded by each kind of CPU in its own way
MACHINE = ("seconds", "megabytes", "latency_ms", "size", "threads", "run", "output", "picture", "importance")
# What a later release prints otherwise: case, verb and the beginning of a path.
CHANGED: dict[tuple[str, str], tuple[str, ...]] = {
    # `lookback` is that of `prepare`; what the model reads is `reads_rows`.
    ("panel", "train"): ("lookback",),
    # The seasonal naive baseline takes the best season, not the shortest.
    ("hourly", "train"): ("lookback", "val_baselines.seasonal_naive"),
    ("hourly", "evaluate"): ("baselines.seasonal_naive",),
}


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own with a copy of the golden runs, as the working directory of each case."""
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "golden"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


def table(path: Path) -> tuple[list[list[str]], np.ndarray]:
    """Read a forecast: its texts (header, times and series), and its numbers [rows, columns]."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    texts = [name for name in header if name in ("time", "day", "date", "shop")]
    first = len(texts)
    return [header, *(row[:first] for row in rows)], np.array([row[first:] for row in rows], dtype=float)


def figures(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number in a JSON value by its path, but for those that hang on the machine."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in MACHINE:
                yield from figures(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from figures(each, f"{path}[{place}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def differing(
    case: str, verb: str, ours: dict[str, Any], theirs: dict[str, Any], tolerance: float
) -> list[str]:
    """Return every number of 0.1.0 that is missing or further away than the tolerance."""
    left_out, found = CHANGED.get((case, verb), ()), dict(figures(ours))
    return [
        f"{verb}: {path} was {number}, is {found.get(path)}"
        for path, number in figures(theirs)
        if not path.startswith(left_out)
        and not math.isclose(found.get(path, math.nan), number, rel_tol=tolerance, abs_tol=1e-6)
    ]


def predict(folder: Path, case: str, *options: str) -> tuple[list[list[str]], np.ndarray]:
    """Forecast in the folder of a case, as golden_cases.py does, and read what was written."""
    assert run(["predict", "run", *CASES[case].commands["predict"], *options, "-o", "forecast.csv"]) == 0
    return table(folder / case / "forecast.csv")


@pytest.mark.parametrize("case", CASES)
def test_a_run_of_0_1_0_loads_and_forecasts_the_same(golden: Path, case: str, monkeypatch) -> None:
    monkeypatch.chdir(golden / case)
    assert run(["verify", "run"]) == 0
    expected, numbers = table(GOLDEN / case / "forecast.csv")
    texts, ours = predict(golden, case, "--ended", "include")  # 0.1.0 forecast every series
    assert texts == expected
    int8 = "int8" in CASES[case].commands["predict"]
    room = (INT8 if int8 else LOADED) * numbers.std(axis=0)
    assert (np.abs(ours - numbers) <= room).all()


@pytest.mark.parametrize("case", [case for case in CASES if "evaluate" in CASES[case].commands])
def test_a_run_of_0_1_0_gets_the_same_scores(golden: Path, case: str, monkeypatch, capfd) -> None:
    monkeypatch.chdir(golden / case)
    capfd.readouterr()
    assert run([*command("evaluate", CASES[case].commands["evaluate"]), "--force"]) == 0
    theirs = json.loads((GOLDEN / case / "evaluate.json").read_text())
    assert not differing(case, "evaluate", json.loads(capfd.readouterr().out), theirs, LOADED)


@pytest.mark.parametrize("case", ["panel", "hourly", "stacked"])
def test_the_commands_of_0_1_0_give_the_same_numbers(golden: Path, case: str, monkeypatch, capfd) -> None:
    shutil.rmtree(golden / case / "run")
    monkeypatch.chdir(golden / case)
    wrong: list[str] = []
    for verb, options in CASES[case].commands.items():
        capfd.readouterr()
        assert run(list(command(verb, options))) == 0, verb
        ours, theirs = (
            json.loads(capfd.readouterr().out),
            json.loads((GOLDEN / case / f"{verb}.json").read_text()),
        )
        wrong += differing(case, verb, ours, theirs, LOADED if verb == "prepare" else TRAINED)
    assert not wrong


def test_the_data_are_those_that_golden_cases_writes() -> None:
    for name, case in CASES.items():
        assert (GOLDEN / name / "data.csv").read_text() == case.data()
