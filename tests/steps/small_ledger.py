"""Forecasts of the small panel from earlier days, and what came true."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.predict import predict
from lstm_cli.steps.predict.report import PredictReport

RECORD = PredictConfig(record=True, threads=1)


def rows_of(panel: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(panel.read_text())))


def write_rows(path: Path, rows: list[dict[str, str]]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def until(panel: Path, day: str, path: Path) -> str:
    """Write the panel as it was on a day: later rows have only the known-ahead covariate."""
    rows = [row if row["day"] <= day else row | {"sales": "", "price": ""} for row in rows_of(panel)]
    return write_rows(path, rows)


def record(run: Path, panel: Path, *days: str, config: PredictConfig = RECORD) -> list[PredictReport]:
    """Record the forecast of each day."""
    folder = run.parent
    config = replace(config, output=str(folder / "forecast.csv"))
    return [predict(run, until(panel, day, folder / "new.csv"), config, ignore_events) for day in days]


def broken_rows(panel: Path, day: str, path: Path) -> str:
    """Write the panel with sales that no model can forecast from a day on."""
    rows = rows_of(panel)
    rng = np.random.default_rng(0)
    for row in rows:
        if row["sales"] and row["day"] >= day:
            row["sales"] = str(float(row["sales"]) * rng.uniform(0.2, 3))
    return write_rows(path, rows)
