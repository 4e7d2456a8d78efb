"""What `evaluate` leaves in the run: tables of its scores, and a picture of some forecasts."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_cli import intervals, metrics, scoring
from lstm_cli.baselines import label
from lstm_cli.data.clamp import Bounds, ends_in_units, in_units, truth_in_units
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import Windows
from lstm_cli.rundir import Folder, Run, replace_files
from lstm_cli.steps.scored import Subject

PICTURE = "forecasts.png"
PANELS = 4  # forecasts in the picture
HELD = ("coverage", "width", "width_scaled", "wql")  # how the intervals held
HELD_FLAT = tuple(f"{name}_{level}" for name in HELD[:3] for level in intervals.LEVELS) + HELD[3:]
COMPARED = ("baseline_season", "mase_season", "comparison", "comparisons")
WHOLE = (
    *("model", "precision", "split", "windows", "metrics", "parts", "baselines", *COMPARED, "backtest"),
    *HELD,
)


def write_scores(
    folder: Folder, report: Mapping[str, Any], subject: Subject, beside: Mapping[str, dict[str, Any]]
) -> None:
    """Write the tables and the picture. report: as --json prints it; beside: of each series, see `ranking`."""
    picture = forecast_picture(
        *(subject.dataset, subject.windows, subject.forecaster, subject.model.bounds, subject.intervals),
        season=subject.season,
    )
    folder.write_bytes(PICTURE, picture)
    steps = [(row["step"], _flat(row)) for row in report["per_step"]]
    folder.write_bytes("per_step.csv", _table("step", steps))
    folder.write_bytes("per_target.csv", _table("target", list(report["per_target"].items())))
    per_series = [(name, {**scores, **beside[name]}) for name, scores in report["per_series"].items()]
    columns = (*metrics.NAMES, "baseline", "baseline_mase", "ratio")
    folder.write_bytes("per_series.csv", _table("series", per_series, columns))
    folder.write_json("scores.json", {name: report[name] for name in WHOLE if name in report})


def copy_scores(run: Run, folder: str | None) -> None:
    """Copy the files of the run's scores into `folder`, byte by byte; None: no copies. Raises OutputError."""
    if folder is not None:
        scores = run.artifact("scores")
        replace_files(folder, {name: scores.bytes(name) for name in scores.files})


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `per_step` with a column for each level of the intervals: coverage_80, width_95 and so on."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= (
            {f"{name}_{level}": figure for level, figure in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
    return flat


def _table(
    name: str, rows: Sequence[tuple[Any, Mapping[str, Any]]], columns: Sequence[str] = metrics.NAMES
) -> bytes:
    from lstm_cli.data.formulas import safe_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [*columns, *(figure for figure in HELD_FLAT if figure in rows[0][1])]
    writer.writerow([name, *columns])
    for key, scores in rows:
        writer.writerow(
            [safe_text(key) if isinstance(key, str) else key, *(scores[column] for column in columns)]
        )
    return text.getvalue().encode()


def forecast_picture(
    dataset: Dataset,
    windows: Windows,
    forecaster: scoring.Forecaster,
    bounds: Bounds,
    fitted: intervals.Intervals | None,
    *,
    season: int | None,
) -> bytes:
    """Four windows, spread over series, targets and time: history, truth, forecast with its intervals, baseline.

    season: of the seasonal naive baseline; None: the baseline is naive.
    """
    from lstm_cli.pictures.forecast import Panel, draw_forecast

    schema = dataset.schema
    beside = "naive" if season is None else "seasonal_naive"
    panels = []
    for place, target in _shown(windows, dataset.targets):
        batch, one = windows[place], int(windows.series[place])
        shown = min(batch.past.shape[1], max(2 * schema.horizon, 2 * schema.season), int(batch.mask.sum()))
        origin = int(windows.origins[place] - dataset.series.offset[one])
        times = _times(dataset, one, origin - shown, origin + schema.horizon)
        named = [name for name in (dataset.series.names[one], schema.targets[target]) if name]
        scaled = forecaster(batch)
        drawn = {
            name: in_units(dataset, scaled[name], batch.series, bounds)[0, :, target]
            for name in ("model", beside)
        }
        ends = (
            None
            if fitted is None
            else ends_in_units(
                dataset, fitted.around(scaled["model"], batch.past, batch.mask), batch.series, bounds
            )[:, 0, :, target]
        )
        history = truth_in_units(dataset, batch.past[:, -shown:, : dataset.targets], batch.series, bounds)
        truth = truth_in_units(dataset, batch.target, batch.series, bounds)[0, :, target]
        panels.append(
            Panel(
                title=" · ".join([*named, f"from {str(times[shown])[:16].replace('T', ' ')}"]),
                times=times,
                history=history[0, :, target],
                truth=np.where(batch.observed[0, :, target], truth, np.nan),
                forecast=drawn["model"],
                baseline=drawn[beside],
                baseline_name=label(beside, season),
                ends=ends,
            )
        )
    return draw_forecast(panels)


def _shown(windows: Windows, targets: int) -> list[tuple[int, int]]:
    """Windows and targets of the picture's panels: evenly spaced over series and targets, and over time."""
    series, first, count = np.unique(windows.series, return_index=True, return_counts=True)
    shown = []
    for panel in range(PANELS):
        pair = panel * len(series) * targets // PANELS
        one, target = divmod(pair, targets)
        share = (panel + 1) / PANELS  # the last panel shows the newest window
        shown.append((int(first[one] + round(share * (count[one] - 1))), target))
    return sorted(set(shown))


def _times(dataset: Dataset, series: int, first: int, last: int) -> np.ndarray:
    """Row numbers, or datetime64 where the data have times."""
    rows = np.arange(first, last)
    if dataset.schema.time_name is None:
        return rows + 1
    return dataset.schema.step.times(rows, dataset.series.origin_us[series]).astype("datetime64[us]")
