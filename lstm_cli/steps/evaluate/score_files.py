"""Files that `evaluate` writes: tables of scores, and a plot of some forecasts."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_cli.evaluation import BASELINES, metrics
from lstm_cli.evaluation.quantiles import intervals
from lstm_cli.rundir import ArtifactFolder, Run, replace_files
from lstm_cli.steps.shared.report_json import COMPARISON_KEYS
from lstm_cli.tasks.records import FORECAST

PICTURE = "forecasts.png"
ERRORS = "origin_errors.npy"
COPIED = (  # by -o: those for people
    "scores.json",
    *(name for name in FORECAST.files["scores"] if name != ERRORS),
)
LEVEL_FIELDS, LOSS_FIELDS = ("coverage", "width", "width_scaled"), ("wql", "wis", "wis_scaled")
INTERVAL_COLUMNS = (
    *(f"{name}_{level}" for name in LEVEL_FIELDS for level in intervals.LEVELS),
    *LOSS_FIELDS,
)
SCORES_FIELDS = (
    *(
        "model",
        "precision",
        "split",
        "windows",
        "metrics",
        "parts",
        "baselines",
        *COMPARISON_KEYS,
        "backtest",
    ),
    *LEVEL_FIELDS,
    *LOSS_FIELDS,
)


def write_scores(
    folder: ArtifactFolder,
    report: Mapping[str, Any],
    picture: bytes,
    errors: np.ndarray,
    rankings: Mapping[str, dict[str, Any]],
) -> None:
    """Write the tables, the errors by origin and the plot.

    Args:
        folder: artifact folder of the scores.
        report: object that --json prints.
        picture: PNG of some forecasts.
        errors: [T, 2] errors of model and baseline from each origin, see `OriginErrors`.
        rankings: baselines of each series, see `comparisons_of_series`.
    """
    folder.write_bytes(PICTURE, picture)
    folder.write_array(ERRORS, errors)
    steps = [(row["step"], _flat(row)) for row in report["per_step"]]
    folder.write_bytes("per_step.csv", _table("step", steps))
    folder.write_bytes("per_target.csv", _table("target", list(report["per_target"].items())))
    per_series = [
        (name, _flat({**scores, **rankings[name]})) for name, scores in report["per_series"].items()
    ]
    columns = (*metrics.NAMES, "baseline", "baseline_mase", "ratio")
    folder.write_bytes("per_series.csv", _table("series", per_series, columns))
    folder.write_json("scores.json", {name: report[name] for name in SCORES_FIELDS if name in report})


def copy_scores(run: Run, folder: str | None) -> None:
    """Copy the score files of the run to `folder`; None copies nothing. Raise OutputError if writing fails."""
    if folder is not None:
        scores = run.artifact("scores")
        replace_files(folder, {name: scores.bytes(name) for name in scores.files if name != ERRORS})


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with a column for each level and baseline, such as coverage_80 and seasonal_naive_width_95."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if not isinstance(value, Mapping):
            flat[name] = value
            continue
        prefix = "" if name == "baselines" else f"{name}_"
        flat |= {f"{prefix}{key}": figure for key, figure in _flat(value).items()}
    return flat


def _table(
    name: str, rows: Sequence[tuple[Any, Mapping[str, Any]]], columns: Sequence[str] = metrics.NAMES
) -> bytes:
    from lstm_cli.data.spreadsheet_safety import escape_formula

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    of_intervals = [
        *INTERVAL_COLUMNS,
        *(f"{name}_{column}" for name in BASELINES for column in INTERVAL_COLUMNS),
    ]
    columns = [*columns, *(column for column in of_intervals if column in rows[0][1])]
    writer.writerow([name, *columns])
    for key, scores in rows:
        writer.writerow(
            [escape_formula(key) if isinstance(key, str) else key, *(scores[column] for column in columns)]
        )
    return text.getvalue().encode()
