"""Series on a grid become a dataset: splits, seasons, lookback, scaler and fill, each choice with its reason."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data import grid as grids
from lstm_cli.data.bounds import moment
from lstm_cli.data.calendar import calendar_names
from lstm_cli.data.cells import named
from lstm_cli.data.dataset import Dataset, Schema, SeriesTable, training_statistics
from lstm_cli.data.filling import fill
from lstm_cli.data.limits import refuse_immense, tell_unseen, too_far
from lstm_cli.data.ordering import wording_of
from lstm_cli.data.scaling import Scaler, fit_scaler
from lstm_cli.data.seasonality import automatic_lookback, confirmed_seasons, found_season
from lstm_cli.data.series import NAMED, Grid
from lstm_cli.data.splits import parse_share, split_rows
from lstm_cli.data.table import Table
from lstm_cli.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """A dataset and what was found on the way to it."""

    dataset: Dataset
    rows: int  # usable rows of the file
    target_sum: float  # of the first target over them, in the file's units
    filled: int  # cells of usable rows that were filled
    season_reason: str
    lookback_reason: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Laid:
    """A grid with its splits; every array is [S]."""

    grid: Grid
    offset: np.ndarray
    train_end: np.ndarray
    val_end: np.ndarray

    def training(self, columns: int) -> list[np.ndarray]:
        """The training rows of each series, the first so many columns."""
        return [
            self.grid.values[begin : begin + rows, :columns]
            for begin, rows in zip(self.offset, self.train_end, strict=True)
        ]


def assemble(table: Table, grid: Grid, config: PrepareConfig) -> Assembled:
    """Settles splits, seasons and lookback, and scales and fills the values.

    Raises DataError where the rows cannot satisfy the options, UsageError where no rows could.
    """
    refuse_immense(table)
    targets = len(table.targets)
    warnings: list[str] = []
    known = grids.seasons(grid.step) if config.season == "auto" else ()
    horizon = config.horizon or (min(known) if known else 1)
    try:
        laid = _split(table, grid, config, horizon, [])
    except DataError:
        if config.horizon is not None:
            raise
        laid = _split(table, grid, config, 1, [])  # too short for a season: one step ahead, if anything
    seasons, season_reason = _seasons(laid.training(targets), grid.step, config)
    if config.horizon is None:
        horizon = min(seasons, default=1)
    laid = _split(table, grid, config, horizon, warnings)
    rows = int(np.median(laid.train_end))
    lookback, lookback_reason = config.lookback, "given"
    if lookback is None:
        lookback = automatic_lookback(rows=rows, horizon=horizon, seasons=seasons)
        of = (
            f"season{'s' if len(seasons) > 1 else ''} {' and '.join(map(str, seasons))}"
            if seasons
            else "no season"
        )
        lookback_reason = f"by rule from {of}, horizon {horizon} and {rows:,} training rows"
    schema = Schema(
        targets=table.targets,
        past=table.past,
        future=table.future,
        calendar=calendar_names(grid.step) if config.calendar else (),
        time_name=table.time_name,
        time_format=table.time_format,
        series_name=table.series_name,
        delimiter=table.delimiter,
        step=grid.step,
        horizon=horizon,
        lookback=lookback,
        lookback_fixed=config.lookback is not None,
        pad=config.pad,
        seasons=seasons,
        missing=config.missing,
    )
    if config.calendar and not schema.calendar:
        warnings.append(
            f"--calendar adds nothing: nothing of the calendar varies with the step {grid.step.name}"
        )
    return _scaled_and_filled(table, laid, schema, config, season_reason, lookback_reason, warnings)


def _split(table: Table, grid: Grid, config: PrepareConfig, horizon: int, warnings: list[str]) -> _Laid:
    """The splits, without the series that are too short for them; those are named in `warnings`."""
    val, test = parse_share("--val", config.val), parse_share("--test", config.test)
    if val.rows == 0:
        raise UsageError(
            "--val 0 leaves nothing to validate on", hint="training stops by validation: give --val 0.1"
        )

    def rows_before(text: str) -> np.ndarray:
        if table.time_name is None:
            raise DataError(
                f"{table.source} has no times for the date '{text}' to speak of",
                hint="give --val and --test as shares or numbers of steps",
            )
        flag = "--test" if text == test.date else "--val"
        first, _ = moment(flag, text, table.time_format)
        return np.clip(grid.step.rows_before(first, grid.origin_us), 0, grid.counts)

    train_end, val_end = split_rows(grid.counts, val=val, test=test, horizon=horizon, rows_before=rows_before)
    lengths = grid.counts + grid.ahead
    offset = np.cumsum(lengths) - lengths
    # Without a training window a series of a panel has no scale to speak of, and would spoil the others' scores.
    keep = train_end >= (horizon + 1 if len(grid.names) > 1 else 1)
    if config.lookback is not None and not config.pad:
        keep &= grid.counts >= config.lookback + horizon
    targets = len(table.targets)
    for one in np.flatnonzero(keep):
        keep[one] = ~np.isnan(grid.values[offset[one] : offset[one] + train_end[one], :targets]).all()
    if not keep.any():
        raise _too_short(table, config, int(grid.counts.max()), horizon)
    if not keep.all():
        skipped = np.flatnonzero(~keep)
        listed = ", ".join(named(grid.names[one]) for one in skipped[:NAMED])
        more = f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        warnings.append(
            f"{table.source}: {len(skipped)} series too short for the splits and horizon {horizon} left out: "
            f"{listed}{more} (--horizon, --lookback, --val and --test decide)"
        )
        grid, train_end, val_end = _without(grid, keep, lengths), train_end[keep], val_end[keep]
        lengths = grid.counts + grid.ahead
    return _Laid(grid=grid, offset=np.cumsum(lengths) - lengths, train_end=train_end, val_end=val_end)


def _too_short(table: Table, config: PrepareConfig, rows: int, horizon: int) -> DataError:
    lookback = f"--lookback {config.lookback}, " if config.lookback is not None else ""
    return DataError(
        f"{table.source}: {rows} usable rows{' in the longest series' if table.series_name else ''} are too few for "
        f"{lookback}--horizon {horizon}, --val {config.val} and --test {config.test}",
        hint="shorten them, give more rows, or use --pad" if lookback else "shorten them, or give more rows",
    )


def _without(grid: Grid, keep: np.ndarray, lengths: np.ndarray) -> Grid:
    return Grid(
        step=grid.step,
        names=tuple(name for name, kept in zip(grid.names, keep, strict=True) if kept),
        origin_us=grid.origin_us[keep],
        counts=grid.counts[keep],
        ahead=grid.ahead[keep],
        values=grid.values[np.repeat(keep, lengths)],
        rows_read=grid.rows_read[keep],
        warnings=grid.warnings,
    )


def _seasons(
    training: list[np.ndarray], step: grids.Step, config: PrepareConfig
) -> tuple[tuple[int, ...], str]:
    if config.season == "none":
        return (), "none, as --season says"
    if isinstance(config.season, tuple):
        return tuple(sorted(set(config.season))), "given by --season"
    known = grids.seasons(step)
    found = confirmed_seasons(known, training) if known else found_season(training)
    if found:
        seen = ", ".join(f"{value:.2f} at {lag}" for lag, value in found.items())
        return tuple(found), f"{grids.spoken(step) if known else 'found'}, autocorrelation {seen}"
    if known:
        return (), f"the training rows of {grids.spoken(step)} do not confirm {' or '.join(map(str, known))}"
    return (), f"none known for step {step.name}, none found"


def _scaled_and_filled(
    table: Table,
    laid: _Laid,
    schema: Schema,
    config: PrepareConfig,
    season_reason: str,
    lookback_reason: str,
    warnings: list[str],
) -> Assembled:
    grid, targets = laid.grid, len(schema.targets)
    training = laid.training(grid.values.shape[1])
    scaler = fit_scaler(config.scaler, training)
    deviation = fit_scaler("standard", [rows[:, :targets] for rows in training]).scale
    series = SeriesTable(
        names=grid.names,
        origin_us=grid.origin_us,
        offset=laid.offset,
        count=grid.counts,
        ahead=grid.ahead,
        train_end=laid.train_end,
        val_end=laid.val_end,
    )
    filled = tell_missing(table, grid, schema, laid.offset, config.missing, warnings)
    usable = _usable(laid.offset, grid.counts, len(grid.values))
    dataset = Dataset(
        schema=schema,
        series=series,
        values_scaled=_values(table, grid, scaler, laid.offset, schema),
        measured=~np.isnan(grid.values),
        scaler=scaler,
        training=training_statistics([rows[:, :targets] for rows in training], schema.season, deviation),
    )
    return Assembled(
        dataset=dataset,
        rows=int(grid.rows_read.sum()),
        target_sum=float(np.nansum(grid.values[usable, 0])),
        filled=filled,
        season_reason=season_reason,
        lookback_reason=lookback_reason,
        warnings=(*warnings, *tell_unseen(dataset, table.source)),
    )


def _values(table: Table, grid: Grid, scaler: Scaler, offset: np.ndarray, schema: Schema) -> np.ndarray:
    """[T, columns] float32, scaled and filled, series by series so that no copy of all of it is made twice."""
    values = np.empty(grid.values.shape, dtype=np.float32)
    for one, (begin, length) in enumerate(zip(offset, grid.counts + grid.ahead, strict=True)):
        rows = slice(begin, begin + length)
        with np.errstate(over="ignore"):
            values[rows] = fill(
                scaler.scaled(grid.values[rows], one), how=schema.missing, season=schema.season
            )
    infinite = ~np.isfinite(values).all(axis=0)
    if infinite.any():
        raise too_far(table, int(np.argmax(infinite)), scaler.kind)
    return values


def _usable(offset: np.ndarray, counts: np.ndarray, rows: int) -> np.ndarray:
    """[T] bool: the rows that are usable, not those ahead of them."""
    edges = np.zeros(rows + 1, dtype=np.int64)
    np.add.at(edges, offset, 1)
    np.add.at(edges, offset + counts, -1)
    return np.cumsum(edges)[:rows] > 0


def tell_missing(
    table: Table, grid: Grid, schema: Schema, offset: np.ndarray, how: str, warnings: list[str]
) -> int:
    """Counts the missing cells of the usable rows and tells those that are no holes of the grid.

    Raises DataError where `how` is `refuse` and there are any.
    """
    missing = np.isnan(grid.values) & _usable(offset, grid.counts, len(grid.values))[:, None]
    total = int(missing.sum())
    if not total:
        return 0
    row, column = (int(place) for place in np.argwhere(missing)[0])
    one = int(np.searchsorted(offset, row, side="right")) - 1
    time = wording_of(table).time(int(grid.step.times(np.asarray(row - offset[one]), grid.origin_us[one])))
    where = f"row {row - offset[one] + 1}" if table.time_name is None else time
    place = f"{named(schema.columns[column])} at {where}" + (
        f" in series {named(grid.names[one])}" if table.series_name else ""
    )
    if how == "refuse":
        raise DataError(
            f"{table.source}: {total:,} cells are missing, first {place}, and --missing refuse allows none",
            hint="fill them in the file, or choose --missing interpolate, last or season",
        )
    holes = int((grid.counts - grid.rows_read).sum()) * grid.values.shape[1]
    if total > holes:
        cells = "cell has" if total - holes == 1 else "cells have"
        warnings.append(
            f"{table.source}: {total - holes:,} {cells} no value, first {place}; filled by --missing {how}, "
            "never counted as truth"
        )
    return total
