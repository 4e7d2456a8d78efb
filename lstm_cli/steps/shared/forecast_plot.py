"""Panels of the plot of forecasts over measured windows, for `train` and `evaluate`."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.dataset.windows import SPLITS
from lstm_cli.data.forecast.bounds import Bounds, inverse_transform_truth
from lstm_cli.evaluation import baseline_label
from lstm_cli.evaluation.quantiles.intervals import LEVELS
from lstm_cli.evaluation.quantiles.model import QuantileModel
from lstm_cli.evaluation.scoring import Forecaster
from lstm_cli.evaluation.uncertainty import WindowErrors
from lstm_cli.evaluation.window_choice import names_of_windows
from lstm_cli.evaluation.window_forecasts import window_forecasts
from lstm_cli.plots.forecast import LONG_HORIZON, Band, Panel
from lstm_cli.plots.style import time_texts
from lstm_cli.wording import short_number

MIN_HISTORY = 12  # rows before a forecast, even if the horizon is one step
INTERVAL_ENDS = tuple(0.5 + side * level / 200 for level in sorted(LEVELS, reverse=True) for side in (-1, 1))


def window_panels(
    errors: WindowErrors,
    forecaster: Forecaster,
    bounds: Bounds,
    fitted: QuantileModel | None,
    *,
    split: str,
    season: int | None,
) -> list[Panel]:
    """Return a panel of the best, the median, the worst and the newest window, see `choose_windows`.

    Each panel shows measured rows, the forecast with its prediction intervals, and the naive or seasonal naive baseline
    of one target. With few windows there are fewer panels.

    Args:
        errors: errors of the model in the windows to choose from.
        forecaster: scaled forecasts of the model.
        bounds: limits of the forecast.
        fitted: quantiles of the model, or None.
        split: `val` or `test`, for the titles.
        season: steps of the seasonal naive baseline; None: the baseline is naive.
    """
    dataset = errors.windows.dataset
    targets = dataset.targets
    chosen = names_of_windows(
        {name: window * targets + target for name, (window, target) in errors.chosen_windows().items()}
    )
    panels = []
    for index, names in chosen.items():
        window, target = divmod(index, targets)
        forecasts = next(
            window_forecasts(
                errors.windows.select(np.array([window])),
                *(forecaster, bounds, fitted),
                season=season,
                probabilities=INTERVAL_ENDS,
            )
        )
        series, origin = int(forecasts.series[0]), int(forecasts.origin[0])
        first = max(0, origin - history_rows(dataset.schema))
        truth, forecast = forecasts.truth[0, :, target], forecasts.forecast[0, :, target]
        times = row_labels(
            dataset.schema,
            np.arange(first, origin + dataset.schema.horizon),
            dataset.series.origin_us[series],
        )
        panels.append(
            Panel(
                title=f"{_title(errors, names, window, target, split)}, {_mae_text(truth, forecast)}\n"
                + _place(dataset, series, times, origin - first),
                target=dataset.schema.targets[target],
                time_name=dataset.schema.time_name or "row",
                times=times,
                history=measured_rows(dataset, bounds, series, first, origin)[:, target],
                truth=truth,
                forecast=forecast,
                baseline=forecasts.baseline[0, :, target],
                baseline_name=baseline_label("naive" if season is None else "seasonal_naive", season),
                bands=interval_bands(sorted(LEVELS, reverse=True), forecasts.quantiles[:, 0, :, target]),
            )
        )
    return panels


def interval_bands(levels: Sequence[float], ends: np.ndarray, kind: str = "interval") -> list[Band]:
    """Return the prediction intervals of a panel, as many as there are ends.

    Args:
        levels: levels in percent, widest first.
        ends: [2 * levels, H] lower and upper end of each level; [0, H] without intervals.
        kind: what has the levels, for the legend.
    """
    pairs = zip(levels, ends[::2], ends[1::2], strict=False)
    return [Band(name=f"{level:g} % {kind}", low=low, high=high) for level, low, high in pairs]


def history_rows(schema: Schema) -> int:
    """Return the number of measured rows that are drawn before a forecast: at least two of the shortest season.

    A short horizon gets two horizons before it, and a long one half a horizon, so that its steps are not too close.
    """
    horizon = schema.horizon
    return max(horizon // 2 if horizon > LONG_HORIZON else 2 * horizon, 2 * schema.season, MIN_HISTORY)


def measured_rows(dataset: Dataset, bounds: Bounds, series: int, first: int, last: int) -> np.ndarray:
    """Return the targets [n, C] of rows of a series in the file's units, NaN where not measured.

    Args:
        dataset: scaled data.
        bounds: limits of the forecast, see `inverse_transform_truth`.
        series: index of the series.
        first: first row, counted from 0 in the series.
        last: row after the last one.
    """
    begin = int(dataset.series.offset[series])
    rows = slice(begin + first, begin + last)
    scaled = np.asarray(dataset.values_scaled[rows, : dataset.targets])[None]
    values = inverse_transform_truth(dataset, scaled, np.array([series]), bounds)[0]
    return np.where(dataset.measured[rows, : dataset.targets], values, np.nan)


def row_labels(schema: Schema, rows: np.ndarray, origin_us: int) -> np.ndarray:
    """Return the times of rows as datetime64 on the clock of the file, whole numbers, or row numbers from 1.

    Args:
        schema: step of the time grid, and format of the times.
        rows: [n] rows, counted from 0 in the series.
        origin_us: time of the first row of the series.
    """
    if schema.time_name is None:
        return rows + 1
    times = schema.step.times(rows, origin_us)
    if schema.time_format.is_integer:
        return times
    return schema.time_format.to_file_clock(times).astype("datetime64[us]")


def _title(errors: WindowErrors, names: str, window: int, target: int, split: str) -> str:
    """Return the name of a window, the number that it was chosen from, and its MASE if that decided the order."""
    dataset, count = errors.windows.dataset, len(errors.windows)
    kind = SPLITS[split]
    targets = f" x {dataset.targets} targets" if dataset.targets > 1 else ""
    title = (
        f"{names} of {count:,} {kind} windows{targets}" if count > 1 or targets else f"the only {kind} window"
    )
    if errors.has_scale and len(dataset.series.names) * dataset.targets > 1:
        title += f", MASE {short_number(errors.mean_errors()[window, target])}"
    return title


def _mae_text(truth: np.ndarray, forecast: np.ndarray) -> str:
    missed = np.abs(truth - forecast)
    return "nothing measured" if np.isnan(missed).all() else f"MAE {short_number(float(np.nanmean(missed)))}"


def _place(dataset: Dataset, series: int, times: np.ndarray, origin: int) -> str:
    """Return the name of a series, and the time of the first step of a forecast."""
    row = "row " if dataset.schema.time_name is None else ""
    name = dataset.series.names[series]
    return f"{name + ' ' if name else ''}from {row}{time_texts(times)[origin]}"
