"""Inputs of a forecast: the last window of each series and the known-ahead inputs of its steps."""

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.data.times.formats import LAST_US, show_time
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file


def last_windows(dataset: Dataset, lookback: int) -> Windows:
    """Return for each series the window whose first target is the step after its last usable row."""
    table = dataset.series
    return Windows(
        dataset=dataset,
        lookback=lookback,
        origins=table.offset + table.count,
        series=np.arange(len(table.count)),
    )


def forecast_times(dataset: Dataset) -> np.ndarray:
    """Return the times [S, H] int64 of the forecast steps, in microseconds; row numbers without a time column.

    Raises:
        DataError: if the times are after the year 9999.
    """
    schema, table = dataset.schema, dataset.series
    index = table.count[:, None] + np.arange(schema.horizon)
    times = schema.step.times(index, table.origin_us[:, None])
    # A time past 64 bits wraps to a value before the first time of its series.
    beyond = times[:, -1] < table.origin_us
    is_calendar = schema.time_name is not None and not schema.time_format.is_integer
    if is_calendar:
        beyond |= times[:, -1] > LAST_US
    if beyond.any():
        end = "the year 9999" if is_calendar else "the largest 64-bit number"
        raise DataError(
            f"the forecast{_series_text(dataset, int(np.argmax(beyond)))} would go past {end}",
            hint="correct the times in the file, or give data of earlier times",
            rule="D801",
        )
    return times


def _series_text(dataset: Dataset, series: int) -> str:
    from lstm_cli.data.locations import series_text  # lazy: most forecasts raise no error

    return series_text(dataset.series.names[series], dataset.schema.series_name)


def known_ahead_inputs(dataset: Dataset, source: str) -> np.ndarray:
    """Return the scaled known-ahead inputs [S, H, K] float32 of the forecast steps.

    Raises:
        DataError: if a future covariate is missing; the message names series, column and time.
    """
    schema, table = dataset.schema, dataset.series
    times = forecast_times(dataset)
    parts = []
    if schema.future:
        rows = (table.offset + table.count)[:, None] + np.arange(schema.horizon)
        inside = np.arange(schema.horizon) < table.ahead[:, None]
        rows = np.where(inside, rows, 0)
        first = len(schema.targets) + len(schema.past)
        known = dataset.measured[rows, first:] & inside[:, :, None]
        if not known.all():
            series, step, column = (int(position) for position in np.argwhere(~known)[0])
            raise _missing_covariate_error(dataset, source, series, step, schema.future[column], times)
        parts.append(dataset.values_scaled[rows, first:])
    if schema.calendar:
        flat = schema.calendar_inputs(times.reshape(-1))
        parts.append(flat.reshape(*times.shape, -1))
    if not parts:
        return np.zeros((*times.shape, 0), dtype=np.float32)
    return np.concatenate(parts, axis=2)


def _missing_covariate_error(
    dataset: Dataset, source: str, series: int, step: int, column: str, times: np.ndarray
) -> DataError:
    schema = dataset.schema
    time_text = (
        f"row {times[series, step] + 1}"
        if schema.time_name is None
        else show_time(times[series, step], schema.time_format)
    )
    series_text = _series_text(dataset, series)
    return DataError(
        f"missing value of future covariate '{column}'{series_text} at {time_text}, step {step + 1} of the forecast",
        hint=f"add rows with '{column}' for the {schema.horizon} steps after the last target",
        rule="D802",
        at=in_file(source),
    )
