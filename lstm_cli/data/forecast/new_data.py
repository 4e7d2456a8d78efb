"""New data under a run's schema: read with the same rules, laid on the same grid, scaled by the same scaler."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO
from unicodedata import normalize

import numpy as np

from lstm_cli.data.build.write import scale_and_fill
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, TrainingStatistics
from lstm_cli.data.dataset.ended_series import newest_time
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.dataset.windows import required_history
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.sorting import in_series_text, location_formatter
from lstm_cli.data.locations import quote_name, quote_names
from lstm_cli.data.quality.missing import count_cells, find_missing
from lstm_cli.data.quality.overflow import float32_overflow_error, refuse_overflow
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.text import count_noun, did_you_mean

MAX_RANGES_OUTSIDE = 1  # times the range of the training values outside of it: told
MAX_SCALES_OUTSIDE = 100  # times a covariate's scale away from its centre: told


@dataclass(frozen=True, kw_only=True)
class ModelSchema:
    """What a model knows of its data."""

    schema: Schema
    series: SeriesTable
    scaler: Scaler
    training: TrainingStatistics
    rows_read: int  # that the model reads before a forecast, padded where they are fewer


def read_new_data(
    source: str, model: ModelSchema, *, encoding: str | None, delimiter: str | None, stdin: BinaryIO | None
) -> tuple[Dataset, tuple[Finding, ...]]:
    """Return a dataset of the new rows, every one of them before the forecast, and the findings.

    Raises DataError for missing columns, another step, an unknown series or too few rows.
    """
    schema = model.schema
    table = read_table(
        source,
        targets=schema.targets,
        past=schema.past,
        future=schema.future,
        time=schema.time_name,
        series=schema.series_name,
        encoding=encoding,
        delimiter=delimiter or schema.delimiter or None,
        stdin=stdin,
        like=schema.time_format,
    )
    _require_same_clock(table, schema)
    refuse_overflow(table)
    grid = to_regular_grid(table, freq=None, start=None, end=None, step=schema.step)
    places = _series_indices(table.source, grid, model)
    keep, short = _find_short_series(table.source, grid, model, places)
    lengths = grid.counts + grid.ahead
    offset = np.cumsum(lengths) - lengths
    missing = find_missing(count_cells(table, grid, offset), table, grid, schema, schema.missing)
    timed = schema.time_name is not None
    schema = replace(schema, newest_us=newest_time(schema.step, grid.origin_us, grid.counts, timed=timed))
    scaler = model.scaler.select(places[keep])
    chosen = np.flatnonzero(keep)
    pieces = [grid.values[offset[one] : offset[one] + lengths[one]] for one in chosen]
    counts, lengths = grid.counts[keep], lengths[keep]
    return (
        Dataset(
            schema=schema,
            series=SeriesTable(
                names=tuple(grid.names[one] for one in chosen),
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
            training=model.training.select(places[keep]),
        ),
        (*table.findings, *grid.findings, *short, *missing, *_find_far_values(table, model)),
    )


def _require_same_clock(table: Table, schema: Schema) -> None:
    """Raises DataError where times have offsets from UTC and those of the run have none, or the other way round."""
    here, there = table.time_format.has_offset, schema.time_format.has_offset
    if schema.time_name is None or table.time_name is None or here == there:
        return
    how = ("with", "without") if here else ("without", "with")
    raise DataError(
        f"the times are written {how[0]} an offset from UTC, and those that the model learnt from {how[1]}",
        hint=f"write them {how[1]} one, or prepare a run from these data",
        rule="D803",
        at=location_formatter(table).at(table.lines[0]),
    )


def _scale(table: Table, pieces: list[np.ndarray], scaler: Scaler, schema: Schema) -> np.ndarray:
    """[T, F] float32. Raises DataError for a value that is too large for it."""
    with np.errstate(over="ignore"):
        values = scale_and_fill(pieces, scaler, schema)
    infinite = ~np.isfinite(values).all(axis=0)
    if infinite.any():
        raise float32_overflow_error(table, int(np.argmax(infinite)), scaler.kind)
    return values


def _series_indices(source: str, grid: Grid, known: ModelSchema) -> np.ndarray:
    """[S] where each new series stands among the known ones."""
    if known.schema.series_name is None:
        return np.zeros(len(grid.names), dtype=np.int64)
    at = _index_by_name(known)
    unknown = [name for name in grid.names if _find_index(name, at) is None]
    if unknown:
        raise DataError(
            f"the model knows no series {quote_names(unknown, 1)}",
            hint=did_you_mean(unknown[0][:200], at, quoted=quote_name)
            or "prepare and train with data that hold it",
            rule="D804",
            at=in_file(source),
        )
    return np.array([_find_index(name, at) for name in grid.names])


def _index_by_name(known: ModelSchema) -> dict[str, int]:
    """Where each series stands, by its name, and by that in composed letters where it is nobody else's."""
    places = {name: place for place, name in enumerate(known.series.names)}
    for place, name in enumerate(known.series.names):
        places.setdefault(normalize("NFC", name), place)
    return places


def _find_index(name: str, at: Mapping[str, int]) -> int | None:
    return at.get(name, at.get(normalize("NFC", name)))


def _find_short_series(
    source: str, grid: Grid, known: ModelSchema, places: np.ndarray
) -> tuple[np.ndarray, list[Finding]]:
    """Return the series with enough rows for a window, [S] bool, and a finding about the others.

    Raises DataError where no series has enough.
    """
    need = required_history(known.schema, known.series, known.schema.lookback)[places]
    keep = grid.counts >= need
    if not keep.any():
        longest = int(np.argmax(grid.counts - need))
        raise DataError(
            f"{grid.counts[longest]} rows are too few, a forecast looks back {need[longest]:,} steps at "
            f"least (lookback), and this model reads {known.rows_read:,} rows",
            hint="give more of the rows before the forecast",
            rule="D805",
            at=in_file(source),
        )
    found = []
    if not keep.all():
        listed = ", ".join(quote_name(grid.names[one]) for one in np.flatnonzero(~keep)[:5])
        count = int((~keep).sum())
        found = [
            Finding.at(
                in_file(source),
                "D806",
                f"{count} series with too few rows for a forecast left out: {listed} "
                "(no flag: give more of their rows)",
                count=count,
            )
        ]
    return keep, found


def _find_far_values(table: Table, known: ModelSchema) -> Iterator[Finding]:
    """Yield a finding for each column with values far outside of what training saw, at the first of them."""
    if known.schema.series_name is None:
        place = np.zeros(len(table.lines), dtype=np.int64)
    else:
        at = _index_by_name(known)
        place = np.array([_find_index(name, at) or 0 for name in table.series_names])[table.series]
    least, greatest = known.training.least, known.training.greatest
    scaler, targets = known.scaler, len(table.targets)
    for column, name in enumerate(table.columns):
        if column < targets:
            low, high = least[:, column], greatest[:, column]
            width = np.where(high > low, high - low, np.maximum(np.abs(high), np.abs(low)))
            low, high = low - MAX_RANGES_OUTSIDE * width, high + MAX_RANGES_OUTSIDE * width
        elif scaler.kind == "none":
            continue
        else:
            room = MAX_SCALES_OUTSIDE * scaler.scale[:, column]
            low, high = scaler.center[:, column] - room, scaler.center[:, column] + room
        values = table.values[:, column]
        far = (values > high[place]) | (values < low[place])
        if far.any():
            row = int(np.argmax(far))
            count = int(far.sum())
            yield Finding.at(
                location_formatter(table).at(table.lines[row], name),
                "D807",
                f"{values[row]:.15g} lies far outside of what training saw{in_series_text(table, table.series[row])}, "
                f"{count_noun(count, 'such value')} (no flag: check the unit of the column)",
                count=count,
            )
