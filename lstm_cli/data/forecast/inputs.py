"""What a forecast starts from: the last window of each series and what is known of the steps ahead."""

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.data.times.calendar_features import calendar_features
from lstm_cli.data.times.formats import LAST_US, format_times
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file


def last_windows(dataset: Dataset, lookback: int) -> Windows:
    """For each series the window whose first target is the step after its last usable row."""
    table = dataset.series
    return Windows(
        dataset=dataset,
        lookback=lookback,
        origins=table.offset + table.count,
        series=np.arange(len(table.count)),
    )


def forecast_times(dataset: Dataset) -> np.ndarray:
    """[S, H] int64: the times of the forecast's steps, in microseconds; row numbers without a time column.

    Raises DataError where they are beyond the years that can be written.
    """
    schema, table = dataset.schema, dataset.series
    index = table.count[:, None] + np.arange(schema.horizon)
    times = schema.step.times(index, table.origin_us[:, None])
    # Below the first time of a series where the number is beyond 64 bits.
    beyond = (times[:, -1] > LAST_US) | (times[:, -1] < table.origin_us)
    if schema.time_name is not None and beyond.any():
        raise DataError(
            f"the forecast{_series_text(dataset, int(np.argmax(beyond)))} would reach beyond the year 9999",
            hint="give data of earlier times, or mend their times",
            rule="D801",
        )
    return times


def _series_text(dataset: Dataset, one: int) -> str:
    from lstm_cli.data.locations import series_text  # here: most forecasts have nothing to tell

    return series_text(dataset.series.names[one], dataset.schema.series_name)


def known_ahead_inputs(dataset: Dataset, source: str) -> np.ndarray:
    """[S, H, K] float32, scaled: the known-ahead inputs of the forecast's steps.

    Raises DataError, naming series, column and time, where a future covariate is missing.
    """
    schema, table = dataset.schema, dataset.series
    times = forecast_times(dataset)
    parts = []
    if schema.future:
        rows = (table.offset + table.count)[:, None] + np.arange(schema.horizon)
        inside = np.arange(schema.horizon) < table.ahead[:, None]
        rows = np.where(inside, rows, 0)
        first = len(schema.targets) + len(schema.past)
        there = dataset.measured[rows, first:] & inside[:, :, None]
        if not there.all():
            one, step, column = (int(place) for place in np.argwhere(~there)[0])
            raise _missing_covariate_error(dataset, source, one, step, schema.future[column], times)
        parts.append(dataset.values_scaled[rows, first:])
    if schema.calendar:
        flat = calendar_features(schema.step, times.reshape(-1))
        parts.append(flat.reshape(*times.shape, -1))
    if not parts:
        return np.zeros((*times.shape, 0), dtype=np.float32)
    return np.concatenate(parts, axis=2)


def _missing_covariate_error(
    dataset: Dataset, source: str, one: int, step: int, column: str, times: np.ndarray
) -> DataError:
    schema = dataset.schema
    when = (
        f"row {times[one, step] + 1}"
        if schema.time_name is None
        else format_times(times[one, step : step + 1], schema.time_format)[0]
    )
    of = _series_text(dataset, one)
    return DataError(
        f"the future covariate '{column}'{of} has no value at {when}, step {step + 1} of the forecast",
        hint=f"give rows with '{column}' for the {schema.horizon} steps after the last target",
        rule="D802",
        at=in_file(source),
    )
