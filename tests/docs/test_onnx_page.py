"""Tests that run the Python program of docs/how-to/use-the-onnx-file.md, with the exported files only."""

import ast
import csv
import io
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fenced import blocks
from small_steps import PREPARE, TRAIN, write_panel

from lstm_cli.config import ExportConfig, PredictConfig, PrepareConfig
from lstm_cli.data.frequency.calendar_features import PARTS, SHARE_TEXTS
from lstm_cli.events import ignore_events
from lstm_cli.steps.export import export
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

PAGE = "how-to/use-the-onnx-file.md"
PROGRAM = blocks(PAGE, "python")[0]
ALLOWED = {"csv", "json", "math", "sys", "numpy", "onnxruntime"}


def write_visits(path: Path) -> None:
    """Write 1,200 hours of a count with a daily season, which varies more by day, and of a covariate."""
    rng = np.random.default_rng(3)
    lines = ["time,visits,rain"]
    for hour in range(1200):
        time = str(np.datetime64("2023-12-20T00:00") + np.timedelta64(hour, "h")).replace("T", " ")
        rain = rng.normal()
        level = 40 + 30 * np.sin(2 * np.pi * hour / 24) + 4 * rain
        lines.append(f"{time},{max(0, round(level + rng.normal(0, 2 + level / 10)))},{rain:.3f}")
    path.write_text("\n".join(lines) + "\n")


HOURS = PrepareConfig(target=("visits",), past=("rain",), calendar=True, horizon=12, lookback=96)
CASES: dict[str, tuple[Callable[[Path], object], PrepareConfig]] = {
    "days": (lambda path: write_panel(path, rows=260), PREPARE),
    "hours": (write_visits, HOURS),
}


def run_program(folder: Path) -> list[dict[str, str]]:
    """Run the program in a folder with the CSV file and the exported files, without lstm on its path."""
    (folder / "forecast.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-I", "forecast.py", "data.csv", "model.onnx"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def require_same(found: list[dict[str, str]], expected: list[dict[str, str]], numbers: list[str]) -> None:
    """Compare two forecasts: numbers to 1e-5 of their size, all other cells as text."""
    assert len(found) == len(expected)
    for own, row in zip(found, expected, strict=True):
        assert list(own) == list(row)
        assert {name: own[name] for name in own if name not in numbers} == {
            name: row[name] for name in row if name not in numbers
        }
        for name in numbers:
            assert float(own[name]) == pytest.approx(float(row[name]), rel=1e-5, abs=1e-5), name


@pytest.mark.parametrize("model", ["segment", "stacked"])
@pytest.mark.parametrize("case", CASES)
def test_the_program_forecasts_as_predict_does(tmp_path: Path, case: str, model: str) -> None:
    write, settings = CASES[case]
    run, folder = tmp_path / "run", tmp_path / "elsewhere"
    folder.mkdir()
    write(folder / "data.csv")
    prepare(str(folder / "data.csv"), run, settings, ignore_events)
    train(run, replace(TRAIN, model=model, epochs=2), ignore_events)
    export(run, ExportConfig(output=str(folder / "model.onnx")), ignore_events)
    predict(run, None, PredictConfig(output=str(tmp_path / "forecast.csv")), ignore_events)
    shutil.move(run, tmp_path / "away")
    about = json.loads((folder / "model.onnx.json").read_text())
    with (tmp_path / "forecast.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    (target,) = settings.target
    numbers = [target, *(f"{target}_{side}{level}" for level in (80, 95) for side in ("lo", "hi"))]
    require_same(run_program(folder), expected, numbers)
    # The case is worth its name only with these.
    assert about["intervals"]["network"] is not None
    assert about["calendar"]
    assert about["bounds"]["counts"][target] == (case == "hours")
    assert ("cycle_profile" in about["intervals"]["features"]) == (case == "hours")


def test_the_program_pads_a_short_series(tmp_path: Path) -> None:
    """Shop B has 50 rows, fewer than the lookback of 60."""
    run = tmp_path / "run"
    lines = write_panel(tmp_path / "data.csv", rows=120).read_text().splitlines()
    kept = [line for line in lines if ",B," not in line or line[:10] > "2024-03-10"]
    (tmp_path / "data.csv").write_text("\n".join(kept) + "\n")
    prepare(str(tmp_path / "data.csv"), run, replace(PREPARE, lookback=60, pad=True), ignore_events)
    train(run, TRAIN, ignore_events)
    export(run, ExportConfig(output=str(tmp_path / "model.onnx")), ignore_events)
    predict(run, None, PredictConfig(output=str(tmp_path / "forecast.csv")), ignore_events)
    with (tmp_path / "forecast.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    assert {row["shop"] for row in expected} == {"A", "B"}
    numbers = [name for name in expected[0] if name.startswith("sales")]
    require_same(run_program(tmp_path), expected, numbers)


def test_the_program_imports_nothing_else() -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(PROGRAM))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    assert imported == ALLOWED


@pytest.mark.parametrize("part", PARTS)
def test_the_calendar_of_the_program(part: str) -> None:
    """Each part of the calendar, in leap years and others, before 1970 and after."""
    tree = ast.parse(PROGRAM)
    function = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "calendar_input"
    )
    names: dict[str, Any] = {"np": np, "math": math}
    exec(compile(ast.Module([function], []), PAGE, "exec"), names)
    times = np.random.default_rng(0).integers(-(10**9), 4 * 10**9, 200) * 1_000_000 + 250_000
    edges = ["2024-02-29T23:59:59", "2023-12-31T00:00:00", "1900-03-01T12:30:00", "2000-01-01T00:00:00"]
    times = np.concatenate([times, np.array(edges, dtype="datetime64[us]").astype(np.int64)])
    expected = np.sin(2 * np.pi * PARTS[part](times)) / 2, np.cos(2 * np.pi * PARTS[part](times)) / 2
    for side, values in zip(("sin", "cos"), expected, strict=True):
        own = [names["calendar_input"](f"{part}_{side}", time) for time in times.astype("datetime64[us]")]
        np.testing.assert_allclose(own, values, atol=1e-9)


def test_every_part_of_the_calendar_has_its_words() -> None:
    assert SHARE_TEXTS.keys() == PARTS.keys()
