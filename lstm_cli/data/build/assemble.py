"""Assembly of a dataset from series on a grid: splits, seasons, lookback and scaler, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.choose_holidays import choose_holidays
from lstm_cli.data.build.drop_outliers import dropped_outlier_findings, find_outliers_to_drop
from lstm_cli.data.build.scale_static import constant_static_findings, static_scaling
from lstm_cli.data.build.short_series import find_short_series
from lstm_cli.data.build.splits import SplitSize, parse_split_size, split_rows
from lstm_cli.data.build.unseen_categories import drop_unseen_categories
from lstm_cli.data.chunks import RowSlices
from lstm_cli.data.dataset.dataset import Schema, SeriesTable, TrainingStatistics, training_statistics
from lstm_cli.data.dataset.dropped_outliers import NO_DROPPED_OUTLIERS, DroppedOutliers
from lstm_cli.data.dataset.ended_series import ended_series_finding, find_ended_series, newest_time
from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.dataset.scaling import Scaler, fit_scaler
from lstm_cli.data.dataset.short_series import ShortSeries
from lstm_cli.data.dataset.windows import require_windows
from lstm_cli.data.frequency import step as grids
from lstm_cli.data.frequency.calendar_features import calendar_feature_names
from lstm_cli.data.grid.regular_grid import Grid, GridSeries
from lstm_cli.data.grid.time_range import parse_time_range
from lstm_cli.data.locations import quote_name, quote_names
from lstm_cli.data.numbers.decimals import column_decimals
from lstm_cli.data.quality.missing import count_cells, find_missing, refuse_missing_categories, usable_rows
from lstm_cli.data.quality.overflow import find_constant_training, refuse_overflow, warn_float32_collapse
from lstm_cli.data.quality.seasonality import (
    automatic_lookback,
    confirm_seasons,
    find_season,
    lookback_reason,
)
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import show_time
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding, in_file


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """Dataset without its values, which do not fit in memory, and the findings made on the way."""

    schema: Schema
    series: SeriesTable
    scaler: Scaler
    training: TrainingStatistics
    rows: int  # usable rows of the file, over all series
    target_sum: float  # of the first target over the usable rows, in the file's units
    filled: int  # imputed cells of usable rows
    season_reason: str
    lookback_reason: str
    ended: tuple[str, ...]  # names of the ended series, see data/dataset/ended_series.py
    findings: tuple[Finding, ...]
    table: Table  # rows of the file, without the categories that no training row has
    grid: Grid  # the values in the file's units, without the dropped outliers
    dropped: DroppedOutliers  # outliers that --outliers drop set to missing
    short: ShortSeries  # series that are too short for training

    def windows(self, source: str, *, test_wanted: bool) -> dict[str, int]:
        """Return the number of windows of each split. Raise DataError if a required split has none."""
        measured = usable_rows(self.grid, self.schema) if self.filled else None
        return require_windows(self.schema, self.series, source, test_wanted=test_wanted, measured=measured)


@dataclass(frozen=True, kw_only=True)
class _SplitGrid:
    """Grid with its splits and the outliers dropped from it. The splits are [S]."""

    grid: Grid
    offset: np.ndarray
    train_end: np.ndarray
    val_end: np.ndarray
    whole: Grid  # with the series that are too short
    kept: np.ndarray  # bool, of the series of `whole`
    dropped: DroppedOutliers = NO_DROPPED_OUTLIERS

    def without_outliers(self, table: Table, seasons: Sequence[Sequence[int]]) -> "_SplitGrid":
        """Return the same series with their outliers set to missing, as `find_outliers_to_drop` finds them."""
        dropped = find_outliers_to_drop(table, self.grid, self.train_end, self.val_end, seasons)
        return replace(self, grid=replace(self.grid, emptied=dropped.cells), dropped=dropped)

    def training(self, columns: int) -> GridSeries:
        """Return the training rows of each series, first `columns` columns."""
        return GridSeries(grid=self.grid, begins=self.offset, lengths=self.train_end, columns=columns)

    def all_rows(self, columns: int) -> GridSeries:
        """Return all rows of each series, first `columns` columns."""
        lengths = self.grid.counts + self.grid.ahead
        return GridSeries(grid=self.grid, begins=self.offset, lengths=lengths, columns=columns)


def assemble(table: Table, grid: Grid, config: PrepareConfig) -> Assembled:
    """Return a dataset without values: choose splits, seasons and lookback, and fit the scaler.

    `write.py` scales and imputes the values later.

    Args:
        table: rows of the file.
        grid: time grid of the table.
        config: settings of `prepare`.

    Raises:
        DataError: if the rows cannot satisfy the settings.
        UsageError: if no rows could satisfy the settings.
    """
    refuse_overflow(table)
    targets = len(table.targets)
    usual = grids.usual_seasons(grid.step) if config.season == "auto" else ()
    horizon = config.horizon or (min(usual) if usual else 1)
    try:
        split_grid, _ = _split_grid(table, grid, config, horizon)
    except DataError:
        if config.horizon is not None:
            raise
        split_grid, _ = _split_grid(table, grid, config, 1)  # too short for a season: try one step ahead
    season_passes, season_reason = _choose_season_passes(table, split_grid, config)
    seasons = season_passes[-1]
    if config.horizon is None:
        horizon = min(seasons, default=1)
    split_grid, findings = _split_grid(table, grid, config, horizon)
    if config.outliers == "drop":
        split_grid = split_grid.without_outliers(table, season_passes)
        findings += dropped_outlier_findings(split_grid.dropped, table, split_grid.grid, config.missing)
    refuse_missing_categories(table, config.missing)
    table = replace(table, values=split_grid.grid.cells)  # those of --duplicates
    table, unseen = drop_unseen_categories(table, split_grid.training(len(table.columns)))
    split_grid = replace(split_grid, grid=replace(split_grid.grid, cells=table.values))
    findings += unseen
    holidays, useless = choose_holidays(
        config.holidays, split_grid.grid, split_grid.train_end, targets, table.source
    )
    findings += useless
    rows = int(np.median(split_grid.train_end))
    lookback, reason = config.lookback, "given"
    if lookback is None:
        lookback = automatic_lookback(rows=rows, horizon=horizon, seasons=seasons)
        reason = lookback_reason(rows=rows, horizon=horizon, seasons=seasons)
    schema = Schema(
        targets=table.targets,
        past=table.past,
        future=table.future,
        categories={**table.categories, **table.static.categories},
        holidays=holidays,
        static=table.static.names,
        calendar=calendar_feature_names(grid.step) if config.calendar else (),
        time_columns=table.time_columns,
        time_format=table.time_format,
        series_columns=table.series_columns,
        delimiter=table.delimiter,
        step=grid.step,
        horizon=horizon,
        lookback=lookback,
        lookback_fixed=config.lookback is not None,
        pad=config.pad,
        seasons=seasons,
        missing=config.missing,
        text=config.text_settings,
        grid=config.grid,
        units=table.units,
        wide=table.wide is not None,
        id_columns=() if table.wide is None else table.wide.id_names,
        dated_header=table.wide is not None and table.wide.dated,
        decimals=tuple(column_decimals(table.values[:, column]) for column in range(targets)),
        newest_us=None
        if len(split_grid.grid.names) == len(grid.names)
        else newest_time(grid.step, grid.origin_us, grid.counts, timed=table.time_name is not None),
    )
    if config.calendar and not schema.calendar:
        findings.append(
            Finding(
                rule="D611",
                text=f"--calendar adds nothing, because {_no_calendar_reason(table, grid)}",
                source=table.source,
                flags=("--calendar",),
            )
        )
    return _fit(table, split_grid, schema, config, season_reason, reason, findings)


def _no_calendar_reason(table: Table, grid: Grid) -> str:
    if table.time_format.is_integer:
        return f"the times in {quote_name(table.time_columns[0])} are whole numbers, which have no calendar"
    return f"no calendar feature varies at frequency {grid.step.name}"


def _choose_season_passes(
    table: Table, split_grid: _SplitGrid, config: PrepareConfig
) -> tuple[list[tuple[int, ...]], str]:
    """Return the seasons of the training rows and the reason; with --outliers drop also those without outliers."""
    targets = len(table.targets)
    seasons, reason = choose_seasons(split_grid.training(targets), split_grid.grid.step, config)
    if config.outliers == "keep":
        return [seasons], reason
    cleaned = split_grid.without_outliers(table, [seasons])  # spikes can hide a season
    cleaned_seasons, reason = choose_seasons(cleaned.training(targets), split_grid.grid.step, config)
    return [seasons, cleaned_seasons], reason


def _split_grid(
    table: Table, grid: Grid, config: PrepareConfig, horizon: int
) -> tuple[_SplitGrid, list[Finding]]:
    """Return the splits without the series that are too short, and findings about those series."""
    findings: list[Finding] = []
    val, test = parse_split_size("--val", config.val), parse_split_size("--test", config.test)
    if val.rows == 0:
        raise UsageError(
            "--val 0 leaves no validation rows",
            hint="use --val 0.1; early stopping needs validation rows",
            flag="--val",
        )

    def rows_before(text: str) -> np.ndarray:
        if table.time_name is None:
            raise DataError(
                f"a time column is missing in {table.source}, so the date '{text}' cannot be used",
                hint="use shares or numbers of steps for --val and --test",
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
    # A series of a panel without a training window has no reliable scale and would distort the scores of the others.
    keep = train_end >= (horizon + 1 if len(grid.names) > 1 else 1)
    if config.lookback is not None and not config.pad:
        keep &= grid.counts >= config.lookback + horizon
    # The training rows of a series hold a measured target, because its first row does.
    if not keep.any():
        raise _too_short_error(table, config, int(grid.counts.max()), horizon)
    if not keep.all():
        skipped = np.flatnonzero(~keep)
        left_out = quote_names([grid.names[one] for one in skipped])
        in_total = f" and {config.lookback + horizon} in total" if config.lookback and not config.pad else ""
        findings.append(
            Finding.at(
                in_file(table.source),
                "D613",
                f"{len(skipped)} series left out, too short for the splits and horizon {horizon}: {left_out}. "
                f"lstm predict gives them the baseline. Each series needs {horizon + 1} rows before validation begins"
                f"{_validation_start_text(table, grid, train_end)}"
                f"{in_total} (change --horizon, --lookback, --val or --test)",
                count=len(skipped),
                flags=("--horizon", "--lookback", "--val", "--test"),
            )
        )
        train_end, val_end = train_end[keep], val_end[keep]
    kept_grid = grid if keep.all() else _select_series(grid, keep, lengths)
    lengths = lengths[keep]
    split_grid = _SplitGrid(
        grid=kept_grid,
        offset=np.cumsum(lengths) - lengths,
        train_end=train_end,
        val_end=val_end,
        whole=grid,
        kept=keep,
    )
    return split_grid, findings


def _find_unshared_times(table: Table, val: SplitSize, test: SplitSize) -> list[Finding]:
    """Return a finding if a panel has no common times, so that no single time can divide it by a share."""
    if all(share.date is not None or share.rows == 0 for share in (val, test)):
        return []
    flags = ("--time",) if table.time_name is None else ("--val", "--test")
    text = (
        "no time column found, so each series is split by its own rows. One series may be tested on times that "
        "another was trained on (use --time to name the column)"
        if table.time_name is None
        else "no two series share a time, so each series is split by its own rows. It may be tested on times that "
        "another was trained on (use dates for --val and --test to split all series at one time)"
    )
    return [Finding.at(in_file(table.source), "D615", text, flags=flags)]


def _validation_start_text(table: Table, grid: Grid, train_end: np.ndarray) -> str:
    """Return the time at which validation begins, in brackets; empty without validation rows or times."""
    inside = np.flatnonzero((train_end > 0) & (train_end < grid.counts))
    if table.time_name is None or not len(inside):
        return ""
    begins = grid.step.times(train_end[inside], grid.origin_us[inside])
    return f" ({show_time(begins.min(), table.time_format)})"


def _too_short_error(table: Table, config: PrepareConfig, rows: int, horizon: int) -> DataError:
    lookback = f"--lookback {config.lookback}, " if config.lookback is not None else ""
    return DataError(
        f"the data are too short: {rows} usable rows{' in the longest series' if table.series_name else ''} "
        f"for {lookback}--horizon {horizon}, --val {config.val} and --test {config.test}",
        hint="reduce these values, add rows, or use --pad"
        if lookback
        else "reduce these values, or add rows",
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
        row_index=row_index,
        rows_read=grid.rows_read[keep],
    )


def choose_seasons(
    training: Sequence[RowSlices], step: grids.Step, config: PrepareConfig
) -> tuple[tuple[int, ...], str]:
    """Return the seasons and the reason: as given by --season, or as the training rows confirm them.

    Args:
        training: for each series its target columns [T, C], NaN where not measured.
        step: step of the time grid.
        config: settings of `prepare`.
    """
    if config.season == "none":
        return (), "none (--season none)"
    if isinstance(config.season, tuple):
        return tuple(sorted(set(config.season))), "given by --season"
    usual = grids.usual_seasons(step)
    confirmed = confirm_seasons(usual, training) if usual else find_season(training)
    if confirmed:
        values = ", ".join(f"{value:.2f} at {lag}" for lag, value in confirmed.items())
        return tuple(
            confirmed
        ), f"{grids.frequency_label(step) if usual else 'found'}, autocorrelation {values}"
    if usual:
        return (
            (),
            f"the training rows of {grids.frequency_label(step)} do not confirm {' or '.join(map(str, usual))}",
        )
    return (), f"none usual at frequency {step.name}, none found"


def _fit(
    table: Table,
    split_grid: _SplitGrid,
    schema: Schema,
    config: PrepareConfig,
    season_reason: str,
    lookback_reason: str,
    findings: Sequence[Finding],
) -> Assembled:
    grid, targets = split_grid.grid, len(schema.targets)
    training = split_grid.training(len(schema.columns))
    target_training = split_grid.training(targets)
    scaler = fit_scaler(config.scaler, training, indicators=schema.indicators)
    standard = scaler if config.scaler == "standard" else fit_scaler("standard", target_training)
    series = SeriesTable(
        names=grid.names,
        origin_us=grid.origin_us,
        offset=split_grid.offset,
        count=grid.counts,
        ahead=grid.ahead,
        train_end=split_grid.train_end,
        val_end=split_grid.val_end,
        static=table.static.of_series(table.series_names, grid.names),
    )
    schema = replace(schema, static_scaling=static_scaling(table.static, series.static))
    counts = count_cells(table, replace(grid, emptied=None), split_grid.offset)  # as the file has them
    missing = find_missing(counts, table, grid, schema, config.missing)
    filled = counts.missing + len(split_grid.dropped.values)
    ended = find_ended_series(schema, grid.names, grid.origin_us, grid.counts)
    statistics = training_statistics(target_training, schema.season, standard.scale[:, :targets])
    return Assembled(
        table=table,
        grid=grid,
        dropped=split_grid.dropped,
        short=find_short_series(
            split_grid.whole, np.flatnonzero(~split_grid.kept), targets=targets, season=schema.season
        ),
        schema=schema,
        series=series,
        scaler=scaler,
        training=statistics,
        rows=int(grid.rows_read.sum()),
        target_sum=fsum(counts.sums),
        filled=filled,
        season_reason=season_reason,
        lookback_reason=lookback_reason,
        ended=ended.names,
        findings=(
            *findings,
            *missing,
            *constant_static_findings(table, series.static),
            *ended_series_finding(ended, table.source, schema.horizon),
            *warn_float32_collapse(schema, series.names, statistics, scaler, table.source),
            *find_constant_training(
                schema,
                series.names,
                statistics,
                rows=split_grid.train_end,
                whole=split_grid.all_rows(targets),
                source=table.source,
            ),
        ),
    )
