"""Series on a grid become a dataset: splits, seasons, lookback, scaler and fill, each choice with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.drop_outliers import dropped_outlier_findings, find_outliers_to_drop
from lstm_cli.data.build.splits import SplitSize, parse_split_size, split_rows
from lstm_cli.data.chunks import RowSlices
from lstm_cli.data.dataset.dataset import Schema, SeriesTable, TrainingStatistics, training_statistics
from lstm_cli.data.dataset.dropped_outliers import NO_DROPPED_OUTLIERS, DroppedOutliers
from lstm_cli.data.dataset.ended_series import ended_series_finding, find_ended_series, newest_time
from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.dataset.scaling import Scaler, fit_scaler
from lstm_cli.data.dataset.windows import require_windows
from lstm_cli.data.grid.regular_grid import Grid, GridRows
from lstm_cli.data.grid.time_range import parse_time_range
from lstm_cli.data.locations import quote_names
from lstm_cli.data.quality.missing import count_cells, find_missing, usable_rows
from lstm_cli.data.quality.overflow import find_constant_training, refuse_overflow, warn_float32_collapse
from lstm_cli.data.quality.seasonality import (
    automatic_lookback,
    confirm_seasons,
    find_season,
    lookback_reason,
)
from lstm_cli.data.reading.decimals import column_decimals
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times import frequency as grids
from lstm_cli.data.times.calendar_features import calendar_feature_names
from lstm_cli.data.times.formats import format_times
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding, in_file


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """All of a dataset but its values, which are too many to be held, and what was found on the way to it."""

    schema: Schema
    series: SeriesTable
    scaler: Scaler
    training: TrainingStatistics
    rows: int  # usable rows of the file
    target_sum: float  # of the first target over them, in the file's units
    filled: int  # cells of usable rows that were filled
    season_reason: str
    lookback_reason: str
    ended: tuple[str, ...]  # names of the series that ended, see data/dataset/ended_series.py
    findings: tuple[Finding, ...]
    grid: Grid  # the values as the file has them, without those that were dropped
    dropped: DroppedOutliers  # outliers that --outliers drop emptied

    def windows(self, source: str, *, test_wanted: bool) -> dict[str, int]:
        """Return how many windows each split has. Raises DataError where one that is wanted has none."""
        measured = usable_rows(self.grid, self.schema) if self.filled else None
        return require_windows(self.schema, self.series, source, test_wanted=test_wanted, measured=measured)


@dataclass(frozen=True, kw_only=True)
class _SplitGrid:
    """A grid with its splits and the outliers dropped from it; every array is [S]."""

    grid: Grid
    offset: np.ndarray
    train_end: np.ndarray
    val_end: np.ndarray
    dropped: DroppedOutliers = NO_DROPPED_OUTLIERS

    def without_outliers(self, table: Table, seasons: Sequence[Sequence[int]]) -> "_SplitGrid":
        """Return the same series, their outliers emptied as `find_dropped` finds them."""
        dropped = find_outliers_to_drop(table, self.grid, self.train_end, self.val_end, seasons)
        return replace(self, grid=replace(self.grid, emptied=dropped.cells), dropped=dropped)

    def training(self, columns: int) -> list[GridRows]:
        """The training rows of each series, the first so many columns."""
        return self._first_rows(self.train_end, columns)

    def all_rows(self, columns: int) -> list[GridRows]:
        """All rows of each series, the first so many columns."""
        return self._first_rows(self.grid.counts + self.grid.ahead, columns)

    def _first_rows(self, rows: np.ndarray, columns: int) -> list[GridRows]:
        """The first `rows` [S] rows of each series."""
        return [
            GridRows(grid=self.grid, begin=begin, shape=(count, columns))
            for begin, count in zip(self.offset.tolist(), rows.tolist(), strict=True)
        ]


def assemble(table: Table, grid: Grid, config: PrepareConfig) -> Assembled:
    """Settles splits, seasons and lookback, and fits the scaler; `write.py` then scales and fills the values.

    Raises DataError where the rows cannot satisfy the options, UsageError where no rows could.
    """
    refuse_overflow(table)
    targets = len(table.targets)
    known = grids.usual_seasons(grid.step) if config.season == "auto" else ()
    horizon = config.horizon or (min(known) if known else 1)
    try:
        laid, _ = _split_grid(table, grid, config, horizon)
    except DataError:
        if config.horizon is not None:
            raise
        laid, _ = _split_grid(table, grid, config, 1)  # too short for a season: one step ahead, if anything
    judged_by, season_reason = _choose_season_passes(table, laid, config)
    seasons = judged_by[-1]
    if config.horizon is None:
        horizon = min(seasons, default=1)
    laid, findings = _split_grid(table, grid, config, horizon)
    if config.outliers == "drop":
        laid = laid.without_outliers(table, judged_by)
        findings += dropped_outlier_findings(laid.dropped, table, laid.grid, config.missing)
    rows = int(np.median(laid.train_end))
    lookback, reason = config.lookback, "given"
    if lookback is None:
        lookback = automatic_lookback(rows=rows, horizon=horizon, seasons=seasons)
        reason = lookback_reason(rows=rows, horizon=horizon, seasons=seasons)
    schema = Schema(
        targets=table.targets,
        past=table.past,
        future=table.future,
        calendar=calendar_feature_names(grid.step) if config.calendar else (),
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
        decimals=tuple(column_decimals(table.values[:, column]) for column in range(targets)),
        newest_us=None
        if len(laid.grid.names) == len(grid.names)
        else newest_time(grid.step, grid.origin_us, grid.counts, timed=table.time_name is not None),
    )
    if config.calendar and not schema.calendar:
        findings.append(
            Finding(
                rule="D611",
                text=f"--calendar adds nothing: nothing of the calendar varies with the step {grid.step.name}",
                source=table.source,
                flags=("--calendar",),
            )
        )
    return _fit(table, laid, schema, config, season_reason, reason, findings)


def _choose_season_passes(
    table: Table, laid: _SplitGrid, config: PrepareConfig
) -> tuple[list[tuple[int, ...]], str]:
    """Return the seasons of the training rows, with --outliers drop also those without outliers; why the last ones."""
    targets = len(table.targets)
    seasons, reason = choose_seasons(laid.training(targets), laid.grid.step, config)
    if config.outliers == "keep":
        return [seasons], reason
    rest = laid.without_outliers(table, [seasons])  # spikes hide a season
    shown, reason = choose_seasons(rest.training(targets), laid.grid.step, config)
    return [seasons, shown], reason


def _split_grid(
    table: Table, grid: Grid, config: PrepareConfig, horizon: int
) -> tuple[_SplitGrid, list[Finding]]:
    """Return the splits, without the series that are too short for them, and findings that name those."""
    findings: list[Finding] = []
    val, test = parse_split_size("--val", config.val), parse_split_size("--test", config.test)
    if val.rows == 0:
        raise UsageError(
            "--val 0 leaves nothing to validate on",
            hint="training stops by validation: give --val 0.1",
            flag="--val",
        )

    def rows_before(text: str) -> np.ndarray:
        if table.time_name is None:
            raise DataError(
                f"{table.source} has no times for the date '{text}' to speak of",
                hint="give --val and --test as shares or numbers of steps",
                rule="D612",
                flags=(
                    "--val",
                    "--test",
                ),
            )
        flag = "--test" if text == test.date else "--val"
        first, _ = parse_time_range(flag, text, table.time_format)
        return np.clip(grid.step.rows_before(first, grid.origin_us), 0, grid.counts)

    panel = PanelTimes.from_grids(grid.step, grid.origin_us, grid.counts, timed=table.time_name is not None)
    if panel is None and len(grid.names) > 1:
        findings += _find_unshared_times(table, val, test)
    train_end, val_end = split_rows(
        grid.counts, val=val, test=test, horizon=horizon, rows_before=rows_before, panel=panel
    )
    lengths = grid.counts + grid.ahead
    # Without a training window a series of a panel has no scale to speak of, and would spoil the others' scores.
    keep = train_end >= (horizon + 1 if len(grid.names) > 1 else 1)
    if config.lookback is not None and not config.pad:
        keep &= grid.counts >= config.lookback + horizon
    # A series has a measured target among its training rows, since it begins with one.
    if not keep.any():
        raise _too_short_error(table, config, int(grid.counts.max()), horizon)
    if not keep.all():
        skipped = np.flatnonzero(~keep)
        left_out = quote_names([grid.names[one] for one in skipped])
        in_all = f" and {config.lookback + horizon} in all" if config.lookback and not config.pad else ""
        findings.append(
            Finding.at(
                in_file(table.source),
                "D613",
                f"{len(skipped)} series too short for the splits and horizon {horizon} left out: {left_out}; each "
                f"needs {horizon + 1} rows before validation begins{_validation_start_text(table, grid, train_end)}"
                f"{in_all} (--horizon, --lookback, --val and --test decide)",
                count=len(skipped),
                flags=("--horizon", "--lookback", "--val", "--test"),
            )
        )
        grid, train_end, val_end = _select_series(grid, keep, lengths), train_end[keep], val_end[keep]
        lengths = grid.counts + grid.ahead
    laid = _SplitGrid(grid=grid, offset=np.cumsum(lengths) - lengths, train_end=train_end, val_end=val_end)
    return laid, findings


def _find_unshared_times(table: Table, val: SplitSize, test: SplitSize) -> list[Finding]:
    """Return a finding where a panel has no common times, so that no one time can divide it by a share."""
    if all(share.date is not None or share.rows == 0 for share in (val, test)):
        return []
    flags = ("--time",) if table.time_name is None else ("--val", "--test")
    text = (
        "without a time column each series is split by its own rows, so one series may be tested on times that "
        "another was trained on (--time names the column)"
        if table.time_name is None
        else "no two series share a time, so each is split by its own rows and may be tested on times that another "
        "was trained on (dates for --val and --test divide all at one time)"
    )
    return [Finding.at(in_file(table.source), "D615", text, flags=flags)]


def _validation_start_text(table: Table, grid: Grid, train_end: np.ndarray) -> str:
    """When the validation rows of a panel begin, as a phrase; empty where no series has any, or there are no times."""
    inside = np.flatnonzero((train_end > 0) & (train_end < grid.counts))
    if table.time_name is None or not len(inside):
        return ""
    begins = grid.step.times(train_end[inside], grid.origin_us[inside])
    return f" ({format_times(begins[[int(begins.argmin())]], table.time_format)[0]})"


def _too_short_error(table: Table, config: PrepareConfig, rows: int, horizon: int) -> DataError:
    lookback = f"--lookback {config.lookback}, " if config.lookback is not None else ""
    return DataError(
        f"{rows} usable rows{' in the longest series' if table.series_name else ''} are too few for "
        f"{lookback}--horizon {horizon}, --val {config.val} and --test {config.test}",
        hint="shorten them, give more rows, or use --pad" if lookback else "shorten them, or give more rows",
        rule="D614",
        at=in_file(table.source),
        flags=(
            "--horizon",
            "--val",
            "--test",
            "--pad",
        ),
    )


def _select_series(grid: Grid, keep: np.ndarray, lengths: np.ndarray) -> Grid:
    rows = np.repeat(keep, lengths)
    row_index = (
        np.flatnonzero(rows) + grid.row_index.start
        if isinstance(grid.row_index, slice)
        else grid.row_index[rows]
    )
    return replace(
        grid,
        names=tuple(name for name, kept in zip(grid.names, keep, strict=True) if kept),
        origin_us=grid.origin_us[keep],
        counts=grid.counts[keep],
        ahead=grid.ahead[keep],
        at=at,
        rows_read=grid.rows_read[keep],
    )


def choose_seasons(
    training: Sequence[RowSlices], step: grids.Step, config: PrepareConfig
) -> tuple[tuple[int, ...], str]:
    """Return the seasons and the reason: as --season gives them, else as the training rows confirm them.

    training: for each series its target columns [T, C], NaN where not measured.
    """
    if config.season == "none":
        return (), "none, as --season says"
    if isinstance(config.season, tuple):
        return tuple(sorted(set(config.season))), "given by --season"
    known = grids.usual_seasons(step)
    found = confirm_seasons(known, training) if known else find_season(training)
    if found:
        seen = ", ".join(f"{value:.2f} at {lag}" for lag, value in found.items())
        return tuple(found), f"{grids.frequency_label(step) if known else 'found'}, autocorrelation {seen}"
    if known:
        return (
            (),
            f"the training rows of {grids.frequency_label(step)} do not confirm {' or '.join(map(str, known))}",
        )
    return (), f"none known for step {step.name}, none found"


def _fit(
    table: Table,
    laid: _SplitGrid,
    schema: Schema,
    config: PrepareConfig,
    season_reason: str,
    lookback_reason: str,
    findings: Sequence[Finding],
) -> Assembled:
    grid, targets = laid.grid, len(schema.targets)
    training = laid.training(len(schema.columns))
    of_targets = laid.training(targets)
    scaler = fit_scaler(config.scaler, training)
    standard = scaler if config.scaler == "standard" else fit_scaler("standard", of_targets)
    series = SeriesTable(
        names=grid.names,
        origin_us=grid.origin_us,
        offset=laid.offset,
        count=grid.counts,
        ahead=grid.ahead,
        train_end=laid.train_end,
        val_end=laid.val_end,
    )
    counted = count_cells(table, replace(grid, emptied=None), laid.offset)  # as the file has them
    missing = find_missing(counted, table, grid, schema, config.missing)
    filled = counted.missing + len(laid.dropped.values)
    ended = find_ended_series(schema, series)
    training_of = training_statistics(of_targets, schema.season, standard.scale[:, :targets])
    return Assembled(
        grid=grid,
        dropped=laid.dropped,
        schema=schema,
        series=series,
        scaler=scaler,
        training=training_of,
        rows=int(grid.rows_read.sum()),
        target_sum=fsum(counted.sums),
        filled=filled,
        season_reason=season_reason,
        lookback_reason=lookback_reason,
        ended=ended.names,
        findings=(
            *findings,
            *missing,
            *ended_series_finding(ended, table.source, schema.horizon),
            *warn_float32_collapse(schema, series.names, training_of, scaler, table.source),
            *find_constant_training(
                schema,
                series.names,
                training_of,
                rows=laid.train_end,
                whole=laid.all_rows(targets),
                source=table.source,
            ),
        ),
    )
