"""New data with the schema of a run: read by the same rules, on the same grid, with the same scaler."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO
from unicodedata import normalize

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.build.write import scale_and_fill
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, TrainingStatistics
from lstm_cli.data.dataset.ended_series import newest_time
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.dataset.windows import required_history
from lstm_cli.data.grid.local_times import localize
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.resample import require_resample_packages, resample_table
from lstm_cli.data.grid.sorting import in_series_text, location_formatter
from lstm_cli.data.locations import quote_name, quote_names
from lstm_cli.data.quality.missing import count_cells, find_missing
from lstm_cli.data.quality.overflow import float32_overflow_error, refuse_overflow
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.reading.wide.layout import WideRequest
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file, warnings_of
from lstm_cli.text import count_noun, did_you_mean

MAX_RANGES_OUTSIDE = 1  # warn about targets this many training ranges outside of the training range
MAX_SCALES_OUTSIDE = 100  # warn about covariates this many scales away from their centre


@dataclass(frozen=True, kw_only=True)
class ModelSchema:
    """Schema, series, scaler and statistics that a model was trained with."""

    schema: Schema
    series: SeriesTable
    scaler: Scaler
    training: TrainingStatistics
    rows_read: int  # rows that the model reads before a forecast; fewer rows are padded


def read_new_data(
    source: str, model: ModelSchema, *, text: TextSettings, stdin: BinaryIO | None
) -> tuple[Dataset, tuple[Finding, ...]]:
    """Return a dataset of the new rows, all of them before the forecast, and the findings.

    Args:
        source: path of the file, or `-` for standard input.
        model: schema of the model.
        text: settings of how text is read; those of the run are the defaults.
        stdin: standard input.

    Raises:
        DataError: for missing columns, another frequency, an unknown series or too few rows.
    """
    schema = model.schema
    require_resample_packages(schema.grid)
    table = read_table(
        source,
        targets=schema.targets,
        past=schema.past,
        future=schema.future,
        time=schema.time_columns,
        series=schema.series_columns,
        wide=_wide_request(schema),
        text=_text_settings(schema, text),
        plain_numbers_ok=not text.has_number_format,
        stdin=stdin,
        like=schema.time_format,
    )
    _require_same_clock(table, schema)
    table = localize(table, schema.grid, like=schema.time_format)
    table = resample_table(table, schema.grid, step=schema.step)
    refuse_overflow(table)
    grid = to_regular_grid(table, replace(schema.grid, freq=None), step=schema.step)
    indices = _series_indices(table.source, grid, model)
    keep, short = _find_short_series(table.source, grid, model, indices)
    lengths = grid.counts + grid.ahead
    offset = np.cumsum(lengths) - lengths
    missing = find_missing(count_cells(table, grid, offset), table, grid, schema, schema.missing)
    timed = schema.time_name is not None
    newest = newest_time(grid.step, grid.origin_us, grid.counts, timed=timed)
    schema = replace(schema, step=grid.step, newest_us=newest)
    scaler = model.scaler.select(indices[keep])
    chosen = np.flatnonzero(keep)
    pieces = [grid.values[offset[index] : offset[index] + lengths[index]] for index in chosen]
    counts, lengths = grid.counts[keep], lengths[keep]
    return (
        Dataset(
            schema=schema,
            series=SeriesTable(
                names=tuple(grid.names[index] for index in chosen),
                origin_us=grid.origin_us[keep],
                offset=np.cumsum(lengths) - lengths,
                count=counts,
                ahead=grid.ahead[keep],
                train_end=counts,
                val_end=counts,
            ),
            values_scaled=_scale(table, pieces, scaler, schema),
            measured=~np.isnan(np.concatenate(pieces)),
            scaler=scaler,
            training=model.training.select(indices[keep]),
        ),
        (*warnings_of(table.findings), *grid.findings, *short, *missing, *_find_far_values(table, model)),
    )


def _wide_request(schema: Schema) -> WideRequest | None:
    """Return which columns of a wide file to read; None if the run's file was long."""
    if not schema.wide:
        return None
    time = () if schema.dated_header else schema.time_columns
    return WideRequest(series=schema.id_columns, time=time, dated=schema.dated_header, from_model=True)


def _text_settings(schema: Schema, text: TextSettings) -> TextSettings:
    """Return how to read new data: as given, else as the run's data were read."""
    merged = text.over(schema.text)
    if text.dayfirst is not None and text.time_format is None:
        merged = replace(merged, time_format=None)  # the order is given, so the run's format does not hold
    return replace(merged, delimiter=merged.delimiter or schema.delimiter or None)


def _require_same_clock(table: Table, schema: Schema) -> None:
    """Raise DataError if times have UTC offsets but those of the run do not, or the reverse."""
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


def _series_indices(source: str, grid: Grid, model: ModelSchema) -> np.ndarray:
    """Return the index [S] of each new series among the series of the model."""
    if model.schema.series_name is None:
        return np.zeros(len(grid.names), dtype=np.int64)
    index_by_name = _index_by_name(model)
    unknown = [name for name in grid.names if _find_index(name, index_by_name) is None]
    if unknown:
        raise DataError(
            f"unknown series {quote_names(unknown, 1)}: the model was not trained on it",
            hint=did_you_mean(unknown[0][:200], index_by_name, quoted=quote_name)
            or "prepare and train with data that contain it",
            rule="D804",
            at=in_file(source),
        )
    return np.array([_find_index(name, index_by_name) for name in grid.names])


def _index_by_name(model: ModelSchema) -> dict[str, int]:
    """Return the index of each series by its name, also by the NFC form of the name if no other series has it."""
    indices = {name: index for index, name in enumerate(model.series.names)}
    for index, name in enumerate(model.series.names):
        indices.setdefault(normalize("NFC", name), index)
    return indices


def _find_index(name: str, index_by_name: Mapping[str, int]) -> int | None:
    return index_by_name.get(name, index_by_name.get(normalize("NFC", name)))


def _find_short_series(
    source: str, grid: Grid, model: ModelSchema, indices: np.ndarray
) -> tuple[np.ndarray, list[Finding]]:
    """Return the series [S] with enough rows for a window, as bool, and a finding about the others.

    Raise DataError if no series has enough rows.
    """
    required = required_history(model.schema, model.series, model.schema.lookback)[indices]
    keep = grid.counts >= required
    if not keep.any():
        longest = int(np.argmax(grid.counts - required))
        raise DataError(
            f"the data are too short: {grid.counts[longest]} rows, but a forecast needs at least {required[longest]:,} "
            f"rows (lookback). This model reads {model.rows_read:,} rows",
            hint="add more rows before the forecast",
            rule="D805",
            at=in_file(source),
        )
    findings = []
    if not keep.all():
        listed = ", ".join(quote_name(grid.names[index]) for index in np.flatnonzero(~keep)[:5])
        count = int((~keep).sum())
        findings = [
            Finding.at(
                in_file(source),
                "D806",
                f"{count} series left out, too short for a forecast: {listed} "
                "(no option for this; add more of their rows)",
                count=count,
            )
        ]
    return keep, findings


def _find_far_values(table: Table, model: ModelSchema) -> Iterator[Finding]:
    """Yield a finding for each column with values far outside of the training range, at the first such value."""
    if model.schema.series_name is None:
        series_index = np.zeros(len(table.lines), dtype=np.int64)
    else:
        index_by_name = _index_by_name(model)
        series_index = np.array([_find_index(name, index_by_name) or 0 for name in table.series_names])[
            table.series
        ]
    minimum, maximum = model.training.least, model.training.greatest
    scaler, targets = model.scaler, len(table.targets)
    for column, name in enumerate(table.columns):
        if column < targets:
            low, high = minimum[:, column], maximum[:, column]
            width = np.where(high > low, high - low, np.maximum(np.abs(high), np.abs(low)))
            low, high = low - MAX_RANGES_OUTSIDE * width, high + MAX_RANGES_OUTSIDE * width
        elif scaler.kind == "none":
            continue
        else:
            margin = MAX_SCALES_OUTSIDE * scaler.scale[:, column]
            low, high = scaler.center[:, column] - margin, scaler.center[:, column] + margin
        values = table.values[:, column]
        far = (values > high[series_index]) | (values < low[series_index])
        if far.any():
            row = int(np.argmax(far))
            count = int(far.sum())
            yield Finding.at(
                location_formatter(table).at(table.lines[row], name),
                "D807",
                f"{values[row]:.15g} is far outside of the training range{in_series_text(table, table.series[row])}, "
                f"{count_noun(count, 'such value')} (no option for this; check the unit of the column)",
                count=count,
            )
