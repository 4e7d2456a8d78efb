"""Origins in the hour that the clock repeats in autumn, of a run with --tz."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_steps import LINEAR

from lstm_cli.config import EvaluateConfig, PredictConfig, PrepareConfig
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

FIRST, SECOND = "2020-10-25T02:00:00+02:00", "2020-10-25T02:00:00+01:00"
AMBIGUOUS = "2020-10-25 02:00:00"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a file of local hours in Berlin, whose test rows hold the repeated hour, and a run of it."""
    folder = tmp_path_factory.mktemp("repeated")
    times = pd.date_range("2020-10-08", "2020-10-27", freq="h", tz="Europe/Berlin")
    rng = np.random.default_rng(2)
    numbers = 50 + 10 * np.sin(np.arange(len(times)) * np.pi / 12) + rng.normal(size=len(times))
    lines = [f"{time:%Y-%m-%d %H:%M:%S},{y:.2f}" for time, y in zip(times, numbers, strict=True)]
    (folder / "data.csv").write_text("\n".join(["time,y", *lines]) + "\n")
    config = PrepareConfig(target=("y",), horizon=3, lookback=24, season=(24,), tz="Europe/Berlin")
    prepare(str(folder / "data.csv"), folder / "run", config, ignore_events)
    train(folder / "run", replace(LINEAR, log_transform="off"), ignore_events)
    return folder / "data.csv", folder / "run"


def forecast(run: Path, new: Path | None, output: Path, origin: str | None) -> list[list[str]]:
    config = PredictConfig(output=str(output), threads=1, intervals=False, origin=origin)
    predict(run, None if new is None else str(new), config, ignore_events)
    with output.open(newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_each_origin_of_the_table_is_one_window_and_an_origin_of_predict(
    case: tuple[Path, Path], tmp_path: Path
) -> None:
    _, run = case
    report = evaluate(run, EvaluateConfig(threads=1, forecasts=str(tmp_path / "f.csv")), ignore_events)
    table = pd.read_csv(tmp_path / "f.csv")
    windows = dict(list(table.groupby("origin")))
    assert len(windows) == report.windows
    assert all(len(window) == 3 for window in windows.values())
    assert {FIRST, SECOND} <= set(windows)
    for origin in (FIRST, SECOND):
        rows = forecast(run, None, tmp_path / "p.csv", origin)
        numbers = [float(number) for _, number in rows]
        np.testing.assert_allclose(numbers, windows[origin]["forecast"], rtol=1e-5)
        local = [text[:19].replace("T", " ") for text in windows[origin]["time"]]
        assert local == [time for time, _ in rows]


@pytest.mark.parametrize(
    ("origin", "passes"),
    [(FIRST, 1), (SECOND, 2), ("2020-10-25 02:00:00+0200", 1), ("time:2020-10-25T01:00:00Z", 2)],
)
def test_an_offset_names_one_pass(case: tuple[Path, Path], tmp_path: Path, origin: str, passes: int) -> None:
    data, run = case
    lines = data.read_text().splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines, start=1) if line.startswith(AMBIGUOUS)]
    (tmp_path / "cut.csv").write_text("".join(lines[: ends[passes - 1]]))
    expected = forecast(run, tmp_path / "cut.csv", tmp_path / "a.csv", None)
    assert expected[0][0] == (AMBIGUOUS if passes == 1 else "2020-10-25 03:00:00")
    for new in (None, data):
        assert forecast(run, new, tmp_path / "b.csv", origin) == expected


def test_a_repeated_time_without_an_offset_is_refused(case: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is ambiguous: the clock of Europe/Berlin shows it twice") as caught:
        forecast(case[1], None, tmp_path / "f.csv", AMBIGUOUS)
    assert caught.value.hint == f"use --origin {FIRST} or --origin {SECOND}"
    assert forecast(case[1], None, tmp_path / "f.csv", "2020-10-25")[0][0] == "2020-10-26 00:00:00"


def test_a_skipped_time_is_not_a_row(case: tuple[Path, Path], tmp_path: Path) -> None:
    lines = [f"2020-03-{day:02d} {hour:02d}:00:00,{hour}" for day in (27, 28, 29) for hour in range(24)]
    lines.remove("2020-03-29 02:00:00,2")
    (tmp_path / "spring.csv").write_text("\n".join(["time,y", *lines]) + "\n")
    with pytest.raises(
        DataError, match="is not a row: the nearest rows with a target are 2020-03-29 01:00:00"
    ):
        forecast(case[1], tmp_path / "spring.csv", tmp_path / "f.csv", "2020-03-29 02:00:00")


def test_the_nearest_rows_are_named_so_that_the_option_takes_them(
    case: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="is not a row") as caught:
        forecast(case[1], None, tmp_path / "f.csv", "2020-10-25T02:30:00+02:00")
    assert caught.value.hint == f"use --origin '{FIRST}'"
