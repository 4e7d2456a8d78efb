"""New data with the schema of a run: read by the same rules, on the same grid, with the same scaler."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.build.short_series import find_short_series
from lstm_cli.data.build.write import scale_and_fill
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, TrainingStatistics
from lstm_cli.data.dataset.ended_series import newest_time
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.dataset.short_series import NO_SHORT_SERIES, ShortSeries
from lstm_cli.data.dataset.windows import required_history
from lstm_cli.data.forecast.far_values import find_far_values
from lstm_cli.data.forecast.new_series import with_new_series
from lstm_cli.data.forecast.origin import Origin, known_table, measured_times, with_origin_findings
from lstm_cli.data.forecast.series_names import SeriesIndex
from lstm_cli.data.grid.local_times import localize
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.resample import require_resample_packages, resample_table
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.locations import quote_name
from lstm_cli.data.quality.missing import count_cells, find_missing, refuse_missing_categories
from lstm_cli.data.quality.overflow import float32_overflow_error, refuse_overflow
from lstm_cli.data.reading.columns.number_formats import RangeOf
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.reading.wide.layout import WideRequest
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file, warnings_of
from lstm_cli.wording import count_noun

USUAL_SCALES = 3  # a covariate is mostly at most this many scales away from its centre


@dataclass(frozen=True, kw_only=True)
class ModelSchema:
    """Schema, series, scaler and statistics that a model was trained with."""

    schema: Schema
    series: SeriesTable
    scaler: Scaler
    training: TrainingStatistics
    rows_read: int  # rows that the model reads before a forecast; fewer rows are padded
    short: ShortSeries = NO_SHORT_SERIES  # series of the run that were too short for training
    max_rows: int | None = None  # largest number of rows with gaps filled; None: as many as fit in memory


@dataclass(frozen=True, kw_only=True)
class NewData:
    """New rows, all of them before the forecast."""

    dataset: Dataset
    short: ShortSeries  # series with too few rows for the model
    findings: tuple[Finding, ...]


def read_new_data(
    source: str,
    model: ModelSchema,
    *,
    text: TextSettings,
    stdin: BinaryIO | None,
    origin: Origin | None = None,
    future_file_ok: bool = False,
) -> NewData:
    """Return the new rows. A series that the model does not know gets a scaling of its own.

    Args:
        source: path of the file, or `-` for standard input.
        model: schema of the model.
        text: settings of how text is read; those of the run are the defaults.
        stdin: standard input.
        origin: last row that the forecast knows; None: the last row of the file.
        future_file_ok: the command has --future-data for rows without targets; a hint names it.

    Raises:
        DataError: for missing columns, another frequency, too few rows, or an origin that is not a row.
    """
    schema = model.schema
    require_resample_packages(schema.grid)
    table = read_table(
        source,
        targets=schema.targets,
        past=schema.past_columns,
        future=schema.future_columns,
        categories=schema.categories,
        time=schema.time_columns,
        series=schema.series_columns,
        wide=wide_request(schema),
        static=schema.static_columns,
        text=new_text_settings(schema, text),
        plain_numbers_ok=True,
        range_of=None if text.has_number_format else training_ranges(model),
        units=schema.units,
        stdin=stdin,
        unmeasured_targets_ok=True,
        future_file_ok=future_file_ok,
        like=schema.time_format,
    )
    _require_targets(table, future_file_ok=future_file_ok)
    refuse_missing_categories(table, schema.missing)
    require_same_clock(table, schema)
    table = localize(table, schema.grid, like=schema.time_format)
    origin_us = int(model.series.origin_us[0])
    table = resample_table(table, schema.grid, step=schema.step, origin_us=origin_us)
    refuse_overflow(table)
    whole = table
    if origin is not None:
        table = known_table(table, origin)
    grid = to_regular_grid(table, replace(schema.grid, freq=None), step=schema.step, max_rows=model.max_rows)
    if origin is not None:
        grid = with_origin_findings(grid, whole, origin)
    indices = series_indices(grid.names, model)
    keep = _have_enough_rows(whole, grid, model, indices, origin)
    lengths = grid.counts + grid.ahead
    offset = np.cumsum(lengths) - lengths
    missing = find_missing(count_cells(table, grid, offset), table, grid, schema, schema.missing)
    timed = schema.time_name is not None
    newest = newest_time(grid.step, grid.origin_us, grid.counts, timed=timed)
    schema = replace(schema, step=grid.step, newest_us=newest)
    chosen = np.flatnonzero(keep)
    pieces = [grid.values[offset[index] : offset[index] + lengths[index]] for index in chosen.tolist()]
    counts, lengths = grid.counts[keep], lengths[keep]
    usable = [rows[:count] for rows, count in zip(pieces, counts, strict=True)]
    scaler, training = with_new_series(
        model.scaler, model.training, indices[keep], usable, season=schema.season
    )
    names = tuple(grid.names[index] for index in chosen)
    dataset = Dataset(
        schema=schema,
        series=SeriesTable(
            names=names,
            origin_us=grid.origin_us[keep],
            offset=np.cumsum(lengths) - lengths,
            count=counts,
            ahead=grid.ahead[keep],
            train_end=counts,
            val_end=counts,
            static=table.static.of_series(table.series_names, names),
        ),
        values_scaled=_scale(table, pieces, scaler, schema),
        measured=~np.isnan(np.concatenate([grid.values[:0], *pieces])),
        scaler=scaler,
        training=training,
    )
    far = find_far_values(table, schema, names, scaler, training)
    return NewData(
        dataset=dataset,
        short=find_short_series(
            grid, np.flatnonzero(~keep), targets=len(schema.targets), season=schema.season
        ),
        findings=(*warnings_of(table.findings), *grid.findings, *missing, *far),
    )


def training_ranges(model: "ModelSchema | Dataset") -> RangeOf:
    """Return a function of a column of the file that gives the range of its training values, None if unknown.

    That of a covariate is an estimate from its scaling.
    """
    schema, scaler = model.schema, model.scaler
    ranges = {
        name: (
            float(np.nanmin(model.training.least[:, index])),
            float(np.nanmax(model.training.greatest[:, index])),
        )
        for index, name in enumerate(schema.targets)
    }
    for index in range(len(schema.targets), len(schema.columns) if scaler.kind != "none" else 0):
        center, scale = scaler.center[:, index], scaler.scale[:, index]
        width = USUAL_SCALES * scale
        ranges[schema.columns[index]] = float((center - width).min()), float((center + width).max())
    target = ranges[schema.targets[0]]
    return lambda name: ranges.get(name, target if schema.wide else None)


def wide_request(schema: Schema) -> WideRequest | None:
    """Return which columns of a wide file to read; None if the run's file was long."""
    if not schema.wide:
        return None
    time = () if schema.dated_header else schema.time_columns
    return WideRequest(series=schema.id_columns, time=time, dated=schema.dated_header, from_model=True)


def _require_targets(table: Table, *, future_file_ok: bool) -> None:
    """Raise DataError if a target has no number, as in a file of the rows ahead."""
    for column, name in enumerate(table.targets):
        if not np.isnan(table.values[:, column]).all():
            continue
        hint = "give rows with targets; the model needs no rows after the last target"
        if table.future:
            hint = "give rows with targets before those after the last target"
        if table.future and future_file_ok:
            hint = f"if these are the rows after the last target, use --future-data {table.source} in place of NEW"
        raise DataError(
            f"column {quote_name(name)} is empty: none of its {len(table.lines):,} rows has a number",
            hint=hint,
            rule="D310",
            at=in_file(table.source),
        )


def new_text_settings(schema: Schema, text: TextSettings) -> TextSettings:
    """Return how to read new data: as given, else as the run's data were read.

    Args:
        schema: schema of the run.
        text: settings of `predict`.
    """
    merged = text.over(schema.text)
    if text.dayfirst is not None and text.time_format is None:
        merged = replace(merged, time_format=None)  # the order is given, so the run's format does not hold
    return replace(merged, delimiter=merged.delimiter or schema.delimiter or None)


def require_same_clock(table: Table, schema: Schema) -> None:
    """Raise DataError if times have UTC offsets but those of the run do not, or vice versa."""
    has_offset, run_has_offset = table.time_format.has_offset, schema.time_format.has_offset
    if schema.time_name is None or table.time_name is None or has_offset == run_has_offset:
        return
    how = ("with", "without") if has_offset else ("without", "with")
    raise DataError(
        f"the times are written {how[0]} a UTC offset, but those of the training data {how[1]} one",
        hint=f"write the times {how[1]} a UTC offset, or prepare a run from these data",
        rule="D803",
        at=location_formatter(table).at(table.lines[0]),
    )


def _scale(table: Table, pieces: list[np.ndarray], scaler: Scaler, schema: Schema) -> np.ndarray:
    """Return scaled values [T, F] float32. Raise DataError for a value that is too large for 32-bit floats."""
    with np.errstate(over="ignore"):
        values = scale_and_fill(pieces, scaler, schema)
    infinite = ~np.isfinite(values).all(axis=0)
    if infinite.any():
        raise float32_overflow_error(table, int(np.argmax(infinite)), scaler.kind)
    return values


def series_indices(names: Sequence[str], model: ModelSchema) -> np.ndarray:
    """Return the index [S] of each of some series among the series of the model; -1 for a new series."""
    if model.schema.series_name is None:
        return np.zeros(len(names), dtype=np.int64)
    index = SeriesIndex(model.series.names)
    found = [index.find(name) for name in names]
    return np.array([-1 if position is None else position for position in found])


def _have_enough_rows(
    table: Table, grid: Grid, model: ModelSchema, indices: np.ndarray, origin: Origin | None
) -> np.ndarray:
    """Return which series [S] have enough rows for a window, as bool; the others get the baseline.

    Args:
        table: rows of the file, also those after an origin.
        grid: time grid of the rows that the forecast knows.
        model: schema of the model.
        indices: [S] index of each series among those of the model; -1 for a new series.
        origin: last row that the forecast knows; None: the last row of the file.

    Raises:
        DataError: the run has one series, or there is an origin, and the rows are too few.
    """
    required = required_rows(grid.names, grid.counts, model, indices)
    keep: np.ndarray = grid.counts >= required
    if keep.any():
        return keep
    if origin is not None:
        first_us = int(grid.step.times(required - 1, grid.origin_us).min())
        raise origin.too_few_rows_error(grid.counts, required, measured_times(table), first_us, table.source)
    if model.schema.series_name is None:
        raise DataError(
            f"the data are too short: {count_noun(int(grid.counts[0]), 'row')}, but a forecast needs at least "
            f"{required[0]:,} rows (lookback). This model reads {model.rows_read:,} rows",
            hint="add more rows before the forecast",
            rule="D805",
            at=in_file(table.source),
        )
    return keep


def required_rows(
    names: Sequence[str], counts: np.ndarray, model: ModelSchema, indices: np.ndarray
) -> np.ndarray:
    """Return the rows [S] that the model needs of each series.

    Args:
        names: names of the series.
        counts: [S] rows that the forecast knows.
        model: schema of the model.
        indices: [S] index of each series among those of the model; -1 for a new series.
    """
    schema = model.schema
    series = model.series.select(indices)
    series = replace(series, train_end=np.where(indices < 0, counts, series.train_end))
    required = required_history(schema, series, schema.lookback)
    # The scaling of a new series is fitted on these rows, so they must show its level and its variation.
    season = min(2 * schema.season, schema.lookback) if schema.seasons else schema.lookback
    required = np.where(indices < 0, np.maximum(required, max(season, schema.horizon + 1)), required)
    # The rows of a series that the run left out as too short were too few, so the model needs more of them.
    index = SeriesIndex(model.short.names)
    for number in np.flatnonzero(indices < 0).tolist():
        left_out = index.find(names[number])
        if left_out is not None:
            more = max(int(model.short.count[left_out]) + 1, schema.lookback + schema.horizon)
            required[number] = max(required[number], more)
    return required
