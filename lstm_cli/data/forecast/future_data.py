"""Known-ahead covariates in a file of their own, joined to the last rows of a dataset by series and time."""

from dataclasses import replace
from typing import BinaryIO

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.forecast.far_values import find_far_values
from lstm_cli.data.forecast.new_data import new_text_settings, require_same_clock, training_ranges
from lstm_cli.data.forecast.series_names import SeriesIndex
from lstm_cli.data.grid.local_times import localize
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.resample import require_resample_packages, resample_table
from lstm_cli.data.locations import series_text
from lstm_cli.data.quality.overflow import float32_overflow_error, refuse_overflow
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.formats import show_time
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file

# Findings about targets. A missing covariate is an error of its own, but only where the forecast needs it.
_ABOUT_TARGETS = ("D512", "D513", "D516")


def add_future_data(
    dataset: Dataset, source: str, *, steps: int, text: TextSettings, stdin: BinaryIO | None
) -> tuple[Dataset, tuple[Finding, ...]]:
    """Return the dataset with the covariates of a file in the rows after its last targets, and the findings.

    A value of the file replaces one of the dataset. Rows of other series, and rows that the forecast does not need, are
    ignored.

    Args:
        dataset: scaled rows up to the forecast.
        source: path of the file, or `-` for standard input.
        steps: steps that the model reads, whole horizons; later rows are ignored.
        text: settings of how text is read; those of the run are the defaults.
        stdin: standard input.

    Raises:
        DataError: the file cannot be read, or its times are not on the time grid of the dataset.
    """
    schema = dataset.schema
    require_resample_packages(schema.grid)
    table = read_table(
        source,
        future=schema.future_columns,
        categories={
            name: words for name, words in schema.categories.items() if name in schema.future_columns
        },
        time=schema.time_columns,
        series=schema.series_columns,
        text=new_text_settings(schema, text),
        plain_numbers_ok=True,
        range_of=None if text.has_number_format else training_ranges(dataset),
        units=schema.units,
        stdin=stdin,
        no_target=True,
        like=schema.time_format,
    )
    require_same_clock(table, schema)
    table = localize(table, schema.grid, like=schema.time_format)
    origin_us = int(dataset.series.origin_us[0])
    table = resample_table(table, schema.grid, step=schema.step, origin_us=origin_us)
    refuse_overflow(table)
    # The covariates take the place of targets, because the grid of a series ends with its last target.
    covariates = replace(table, targets=table.future, future=())
    grid = to_regular_grid(covariates, replace(schema.grid, freq=None), step=schema.step)
    joined = _join(dataset, table, grid, steps)
    first = len(schema.columns) - len(schema.future)
    findings = [
        finding for finding in (*table.findings, *grid.findings) if finding.rule not in _ABOUT_TARGETS
    ]
    far = find_far_values(table, schema, dataset.series.names, dataset.scaler, dataset.training, first=first)
    return joined, (*findings, *far)


def _join(dataset: Dataset, table: Table, grid: Grid, steps: int) -> Dataset:
    """Return the dataset with the covariates of a grid in the first `steps` rows ahead."""
    series, index = dataset.series, SeriesIndex(grid.names)
    begins = np.cumsum(grid.counts) - grid.counts
    values, measured, ahead = [], [], []
    for number, (name, rows) in enumerate(zip(series.names, series.row_slices, strict=True)):
        end = rows.start + int(series.count[number])
        known = np.full((steps, len(dataset.schema.columns)), np.nan)
        found = index.find(name)
        if found is not None:
            begin = int(begins[found])
            covariates = grid.values_between(begin, begin + int(grid.counts[found]))
            _write_steps(known, covariates, _first_step(dataset, number, table, grid, found))
        held = rows.stop - end
        length = max(held, steps)
        scaled = np.repeat(dataset.values_scaled[end - 1 : end], length, axis=0)
        is_measured = np.zeros(scaled.shape, dtype=bool)
        scaled[:held], is_measured[:held] = (
            dataset.values_scaled[end : rows.stop],
            dataset.measured[end : rows.stop],
        )
        given = ~np.isnan(known)
        scaled[:steps][given] = _scale(dataset, number, table, known)[given]
        is_measured[:steps] |= given
        values += [dataset.values_scaled[rows.start : end], scaled]
        measured += [dataset.measured[rows.start : end], is_measured]
        ahead.append(length)
    new_ahead = np.array(ahead, dtype=np.int64)
    lengths = series.count + new_ahead
    return replace(
        dataset,
        series=replace(series, ahead=new_ahead, offset=np.cumsum(lengths) - lengths),
        values_scaled=np.concatenate(values),
        measured=np.concatenate(measured),
    )


def _write_steps(known: np.ndarray, covariates: np.ndarray, first: int) -> None:
    """Write covariates [n, future] into the last columns of known [steps, columns], from step `first` on."""
    begin, end = max(first, 0), min(first + len(covariates), len(known))
    if begin < end:
        known[begin:end, known.shape[1] - covariates.shape[1] :] = covariates[begin - first : end - first]


def _first_step(dataset: Dataset, number: int, table: Table, grid: Grid, found: int) -> int:
    """Return the step of the forecast, from 0, of the first row of a series of the file.

    The step is negative for a row before the last target. Without a time column, the first row of the file is the first
    step.

    Args:
        dataset: rows up to the forecast.
        number: index of the series in the dataset.
        table: rows of the file.
        grid: time grid of the file.
        found: index of the series in the grid.
    """
    schema, series = dataset.schema, dataset.series
    if not schema.time_columns:
        return 0
    origin = grid.origin_us[found : found + 1]
    steps, fits = schema.step.index(origin, series.origin_us[number])
    if not fits.all():
        time = show_time(origin[0], schema.time_format)
        raise DataError(
            f"{time}{series_text(series.names[number], schema.series_name)} is not on the time grid of the targets "
            f"({schema.step.name})",
            hint="give covariates at the times of the forecast",
            rule="D812",
            at=in_file(table.source),
            flags=("--future-data",),
        )
    return int(steps[0]) - int(series.count[number])


def _scale(dataset: Dataset, number: int, table: Table, rows: np.ndarray) -> np.ndarray:
    """Return rows [steps, columns] of a series scaled, as float32. Raise DataError for a value that is too large."""
    with np.errstate(over="ignore"):
        scaled: np.ndarray = dataset.scaler.transform(rows, number).astype(np.float32)
    infinite = np.isinf(scaled).any(axis=0)[len(dataset.schema.columns) - len(dataset.schema.future) :]
    if infinite.any():
        raise float32_overflow_error(table, int(np.argmax(infinite)), dataset.scaler.kind)
    return scaled
