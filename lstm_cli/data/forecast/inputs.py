"""Inputs of a forecast: the last window of each series and the known-ahead inputs of its steps."""

import numpy as np

from lstm_cli.data.category_names import file_columns
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, derived_inputs
from lstm_cli.data.dataset.short_series import ShortSeries
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


def whole_horizons(schema: Schema, steps: int) -> int:
    """Return the steps of a forecast rounded up to whole horizons, because the model forecasts whole ones."""
    return -(-steps // schema.horizon) * schema.horizon


def forecast_times(schema: Schema, series: SeriesTable | ShortSeries, steps: int) -> np.ndarray:
    """Return the times [S, steps] int64 of the forecast in microseconds; row numbers without a time column.

    Args:
        schema: step of the time grid.
        series: first time and rows of each series.
        steps: steps of the forecast.

    Raises:
        DataError: if the times are after the year 9999.
    """
    times = _step_times(schema, series, steps)
    # A time past 64 bits wraps to a value before the first time of its series.
    beyond = times[:, -1] < series.origin_us
    is_calendar = schema.time_name is not None and not schema.time_format.is_integer
    if is_calendar:
        beyond |= times[:, -1] > LAST_US
    if beyond.any():
        end = "the year 9999" if is_calendar else "the largest 64-bit number"
        of_series = _series_text(schema, series.names[int(np.argmax(beyond))])
        raise DataError(
            f"the forecast{of_series} would go past {end}",
            hint="correct the times in the file, or give data of earlier times",
            rule="D801",
        )
    return times


def _step_times(schema: Schema, series: SeriesTable | ShortSeries, steps: int) -> np.ndarray:
    return schema.step.times(series.count[:, None] + np.arange(steps), series.origin_us[:, None])


def _series_text(schema: Schema, name: str) -> str:
    from lstm_cli.data.locations import series_text  # lazy: most forecasts raise no error

    return series_text(name, schema.series_name)


def known_ahead_inputs(
    dataset: Dataset, source: str, *, steps: int, filled: int, own_file: bool = False
) -> np.ndarray:
    """Return the scaled known-ahead inputs [S, filled, K] float32 of the forecast steps.

    A model forecasts whole horizons, so it may need more steps than the forecast has. In these, a covariate that is
    missing keeps its last value.

    Args:
        dataset: scaled rows, with the rows ahead.
        source: name of the file of the covariates in messages.
        steps: steps of the forecast, whose covariates must be known.
        filled: steps of the result, at least `steps`.
        own_file: the file is that of --future-data.

    Raises:
        DataError: if a future covariate is missing; the message names series, column and time.
    """
    schema = dataset.schema
    parts = []
    if schema.future:
        values, known = covariates_ahead(dataset, filled)
        if not known[:, :steps].all():
            first = tuple(int(position) for position in np.argwhere(~known[:, :steps])[0])
            complete = int(np.argmin(known[:, :steps].all(axis=(0, 2))))
            raise _missing_covariate_error(
                dataset, source, *first, steps=steps, complete=complete, own_file=own_file
            )
        for step in range(steps, filled):
            values[:, step] = np.where(known[:, step], values[:, step], values[:, step - 1])
        parts.append(values)
    if schema.derived:
        times = _step_times(schema, dataset.series, filled)
        parts.append(derived_inputs(dataset, times, np.arange(len(times))))
    if not parts:
        return np.zeros((len(dataset.series.names), filled, 0), dtype=np.float32)
    return np.concatenate(parts, axis=2)


def covariates_ahead(dataset: Dataset, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled future covariates [S, steps, future] of the forecast steps, and which of them are known."""
    schema, table = dataset.schema, dataset.series
    rows = (table.offset + table.count)[:, None] + np.arange(steps)
    inside = np.arange(steps) < table.ahead[:, None]
    rows = np.where(inside, rows, 0)
    first = len(schema.targets) + len(schema.past)
    return dataset.values_scaled[rows, first:], dataset.measured[rows, first:] & inside[:, :, None]


def _missing_covariate_error(
    dataset: Dataset,
    source: str,
    series: int,
    step: int,
    column: int,
    *,
    steps: int,
    complete: int,
    own_file: bool,
) -> DataError:
    """Return the error for a missing covariate; complete: first steps whose covariates are known."""
    schema = dataset.schema
    name = file_columns(schema.future[column : column + 1], schema.categories)[0]
    time = _step_times(schema, dataset.series, step + 1)[series, step:]
    time_text = (
        f"row {int(time[0]) + 1}" if schema.time_name is None else show_time(time[0], schema.time_format)
    )
    of_series = _series_text(schema, dataset.series.names[series])
    needed = f"rows with '{name}' for the {steps} steps after the last target"
    hint = f"add {needed}, or give them to 'lstm predict' with --future-data"
    if own_file:
        fewer = f", or use --horizon {complete}" if complete else ""
        hint = f"the file of --future-data needs {needed} of each series{fewer}"
    return DataError(
        f"missing value of future covariate '{name}'{of_series} at {time_text}, step {step + 1} of the forecast",
        hint=hint,
        rule="D802",
        at=in_file(source),
        flags=("--future-data",),
    )
