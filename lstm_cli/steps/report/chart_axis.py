"""X axis of the charts of a report: times on the clock of the file, whole numbers, or row numbers from 1."""

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.evaluation.window_forecasts import row_times
from lstm_cli.reporting.facts import Clock

MICROSECONDS = 1e6


def chart_x(dataset: Dataset, series: np.ndarray | int, rows: np.ndarray) -> np.ndarray:
    """Return the x of rows: seconds since 1970 on the clock of the file, whole numbers, or row numbers from 1.

    Args:
        dataset: prepared data.
        series: one series for rows [n], or a series for each row of rows [B, n].
        rows: rows of the series, counted from 0.
    """
    whole = np.atleast_2d(rows)
    times = row_times(dataset, np.atleast_1d(series), whole).reshape(np.shape(rows))
    if dataset.schema.time_name is None:
        return np.asarray(times + 1, dtype=np.float64)
    if dataset.schema.time_format.is_integer:
        return np.asarray(times, dtype=np.float64)
    local = dataset.schema.time_format.to_file_clock(times.ravel()).reshape(times.shape)
    return np.asarray(local / MICROSECONDS)


def chart_clock(dataset: Dataset) -> Clock:
    """Return the meaning of `chart_x`."""
    schema, longest = dataset.schema, int(np.argmax(dataset.series.count))
    x = chart_x(dataset, longest, np.arange(min(1_000, int(dataset.series.count[longest]))))
    return Clock(
        is_time=schema.time_name is not None and not schema.time_format.is_integer,
        step=float(np.median(np.diff(x))) if len(x) > 1 else 1.0,
        label=schema.time_name or "row",
    )
