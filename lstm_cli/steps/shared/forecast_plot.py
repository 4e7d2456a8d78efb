"""Plot of forecasts and measured values for `train` and `evaluate`."""

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.data.forecast.bounds import (
    Bounds,
    inverse_transform,
    inverse_transform_intervals,
    inverse_transform_truth,
)
from lstm_cli.evaluation import baseline_label, scoring
from lstm_cli.evaluation.quantiles.model import QuantileModel

PANELS = 4  # forecasts in the plot
INTERVAL_ENDS = (0.1, 0.9, 0.025, 0.975)  # of the 80 % and the 95 % interval


def forecast_picture(
    dataset: Dataset,
    windows: Windows,
    forecaster: scoring.Forecaster,
    bounds: Bounds,
    fitted: QuantileModel | None,
    *,
    season: int | None,
) -> bytes:
    """Return a PNG of four windows, spread over series, targets and time.

    Each panel shows the history, the measured values, the forecast with its prediction intervals, and a baseline.

    Args:
        dataset: prepared data.
        windows: windows to choose from.
        forecaster: scaled forecasts of the model and the baseline.
        bounds: limits of the forecast.
        fitted: quantiles of the model, or None.
        season: steps of the seasonal naive baseline; None: the baseline is naive.
    """
    from lstm_cli.plots.forecast import Panel, draw_forecast

    schema = dataset.schema
    baseline = "naive" if season is None else "seasonal_naive"
    panels = []
    for index, target in _panel_windows(windows, dataset.targets):
        batch, series = windows[index], int(windows.series[index])
        shown = min(batch.past.shape[1], max(2 * schema.horizon, 2 * schema.season), int(batch.mask.sum()))
        origin = int(windows.origins[index] - dataset.series.offset[series])
        times = _times(dataset, series, origin - shown, origin + schema.horizon)
        named = [name for name in (dataset.series.names[series], schema.targets[target]) if name]
        scaled = forecaster(batch)
        drawn = {
            name: inverse_transform(dataset, scaled[name], batch.series, bounds)[0, :, target]
            for name in ("model", baseline)
        }
        ends = (
            None
            if fitted is None
            else inverse_transform_intervals(
                dataset, fitted.quantiles(INTERVAL_ENDS, scaled["model"], batch), batch.series, bounds
            )[:, 0, :, target]
        )
        history = inverse_transform_truth(
            dataset, batch.past[:, -shown:, : dataset.targets], batch.series, bounds
        )
        truth = inverse_transform_truth(dataset, batch.target, batch.series, bounds)[0, :, target]
        panels.append(
            Panel(
                title=" · ".join([*named, f"from {str(times[shown])[:16].replace('T', ' ')}"]),
                times=times,
                history=history[0, :, target],
                truth=np.where(batch.observed[0, :, target], truth, np.nan),
                forecast=drawn["model"],
                baseline=drawn[baseline],
                baseline_name=baseline_label(baseline, season),
                interval_ends=ends,
            )
        )
    return draw_forecast(panels)


def _panel_windows(windows: Windows, targets: int) -> list[tuple[int, int]]:
    """Return the index of the window and the target of each panel, evenly spaced over series, targets and time."""
    series, first, count = np.unique(windows.series, return_index=True, return_counts=True)
    shown = []
    for panel in range(PANELS):
        pair = panel * len(series) * targets // PANELS
        group, target = divmod(pair, targets)
        share = (panel + 1) / PANELS  # the last panel shows the newest window
        shown.append((int(first[group] + round(share * (count[group] - 1))), target))
    return sorted(set(shown))


def _times(dataset: Dataset, series: int, first: int, last: int) -> np.ndarray:
    """Return the times as datetime64, whole numbers, or row numbers from 1 without a time column."""
    rows = np.arange(first, last)
    if dataset.schema.time_name is None:
        return rows + 1
    times = dataset.schema.step.times(rows, dataset.series.origin_us[series])
    if dataset.schema.time_format.is_integer:
        return times
    return dataset.schema.time_format.to_file_clock(times).astype("datetime64[us]")
