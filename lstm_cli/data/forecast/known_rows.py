"""Rows that a forecast from an earlier origin knows: later targets and past covariates are hidden.

A series of a panel without a target at the origin is known up to its last target before the origin, as in a file that
ends there. Known-ahead covariates keep their later rows.
"""

from dataclasses import replace

import numpy as np

from lstm_cli.data.build.short_series import find_short_series
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.short_series import ShortSeries
from lstm_cli.data.forecast.bounds import restore_decimals
from lstm_cli.data.forecast.new_data import ModelSchema, required_rows, series_indices
from lstm_cli.data.forecast.origin import Origin
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.findings import Finding


def hide_later_rows(
    dataset: Dataset, short: ShortSeries, origin: Origin, model: ModelSchema, source: str
) -> tuple[Dataset, ShortSeries, list[Finding]]:
    """Return the data of a run as they were known at an origin, and findings.

    Args:
        dataset: scaled rows of the run.
        short: series of the run that are too short for the model. Only their last rows are stored, so a series with a
            row after the origin is left out.
        origin: last known row.
        model: schema of the model.
        source: name of the data in messages.

    Raises:
        DataError: the origin is not a row with a target, or too few rows are before it.
    """
    table, step = dataset.series, dataset.schema.step
    measured = np.asarray(dataset.measured[:, : dataset.targets].any(axis=1))
    lengths = table.count + table.ahead
    within = np.arange(len(measured)) - np.repeat(table.offset, lengths)
    series_of_row = np.repeat(np.arange(len(lengths)), lengths)
    usable = measured & (within < table.count[series_of_row])
    times = _row_times(dataset, usable)
    short_ends = step.times(short.count - 1, short.origin_us)
    origin.require_row(np.append(times, short_ends), _row_times(dataset, ~usable), source)

    counts = _known_counts(dataset, usable, origin)
    indices = series_indices(table.names, model)
    required = required_rows(table.names, counts, model, indices)
    modelled = (counts >= required) & (counts > 0)
    if not modelled.any():
        first_us = int(step.times(required - 1, table.origin_us).min())
        raise origin.too_few_rows_error(counts, required, times, first_us, source)
    known = counts > 0
    short_known = short_ends <= origin.last_us
    later = [name for name, is_known in zip(table.names, known, strict=True) if not is_known]
    later += [name for name, is_known in zip(short.names, short_known, strict=True) if not is_known]
    ends = step.times(counts[known] - 1, table.origin_us[known])
    names = (
        *(table.names[index] for index in np.flatnonzero(known)),
        *short.select(np.flatnonzero(short_known)).names,
    )
    findings = origin.findings(np.append(ends, short_ends[short_known]), names, later, source)
    further = _as_short_series(dataset, np.flatnonzero(known & ~modelled), counts)
    joined = _join_short_series(further, short.select(np.flatnonzero(short_known)))
    return _cut(dataset, np.flatnonzero(modelled), counts), joined, findings


def _row_times(dataset: Dataset, chosen: np.ndarray) -> np.ndarray:
    """Return the times [n] of the chosen rows [T]."""
    table = dataset.series
    times = [
        dataset.schema.step.times(np.flatnonzero(chosen[rows]), table.origin_us[index])
        for index, rows in enumerate(table.row_slices)
    ]
    return np.concatenate(times) if times else np.zeros(0, dtype=np.int64)


def _known_counts(dataset: Dataset, usable: np.ndarray, origin: Origin) -> np.ndarray:
    """Return the rows [S] of each series up to its last usable row (bool [T]) at or before the origin."""
    table = dataset.series
    rows = np.minimum(dataset.schema.step.rows_before(origin.last_us + 1, table.origin_us), table.count)
    latest = np.maximum.accumulate(np.where(usable, np.arange(len(usable)), -1))
    last = latest[table.offset + np.maximum(rows, 1) - 1]
    return np.where((rows > 0) & (last >= table.offset), last - table.offset + 1, 0)


def _cut(dataset: Dataset, chosen: np.ndarray, counts: np.ndarray) -> Dataset:
    """Return the chosen series with their known rows; the others are rows ahead.

    Args:
        dataset: dataset of all series.
        chosen: indices of the series.
        counts: [S] known rows of each series.
    """
    if len(chosen) < len(counts):
        dataset = dataset.select(chosen)
    table, known = dataset.series, counts[chosen]
    lengths = table.count + table.ahead
    hidden = np.arange(lengths.sum()) >= np.repeat(table.offset + known, lengths)
    measured = dataset.measured.copy()
    measured[hidden, : dataset.past_only_inputs] = False
    series = replace(
        table,
        count=known,
        ahead=lengths - known,
        train_end=np.minimum(table.train_end, known),
        val_end=np.minimum(table.val_end, known),
    )
    # The newest row of all series is at the origin.
    return replace(dataset, series=series, measured=measured, schema=replace(dataset.schema, newest_us=None))


def _as_short_series(dataset: Dataset, chosen: np.ndarray, counts: np.ndarray) -> ShortSeries:
    """Return the chosen series with their known rows as series that get the baseline; arguments as in `_cut`."""
    table, targets = dataset.series, dataset.targets
    cells = [np.zeros((0, targets))]
    for index in chosen.tolist():
        rows = slice(int(table.offset[index]), int(table.offset[index] + counts[index]))
        values = dataset.scaler.inverse_transform(dataset.values_scaled[rows, :targets], index)
        series = np.full(len(values), index)
        restored = restore_decimals(dataset, values[None, :, None], series)[0, :, 0]
        cells.append(np.where(dataset.measured[rows, :targets], restored, np.nan))
    grid = Grid(
        step=dataset.schema.step,
        names=tuple(table.names[index] for index in chosen),
        origin_us=table.origin_us[chosen],
        counts=counts[chosen],
        ahead=np.zeros(len(chosen), dtype=np.int64),
        cells=np.concatenate(cells),
        row_index=slice(0, int(counts[chosen].sum())),
        rows_read=counts[chosen],
        findings=(),
    )
    return find_short_series(grid, np.arange(len(chosen)), targets=targets, season=dataset.schema.season)


def _join_short_series(first: ShortSeries, second: ShortSeries) -> ShortSeries:
    return ShortSeries(
        names=(*first.names, *second.names),
        origin_us=np.append(first.origin_us, second.origin_us),
        count=np.append(first.count, second.count),
        tails=(*first.tails, *second.tails),
    )
