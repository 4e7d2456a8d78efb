"""Regular time grid of a table, series by series: rows selected, sorted and merged, with gaps as missing rows.

All functions work on all series at once: rows sorted by series and time, and the first row of each series.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lstm_cli.config.text import PLAIN_GRID, GridSettings
from lstm_cli.data.chunks import SeriesRows, chunks_with_series, series_starts
from lstm_cli.data.frequency.infer import first_in_file
from lstm_cli.data.frequency.row_clock import RowClock
from lstm_cli.data.frequency.step import Step, parse_freq
from lstm_cli.data.grid.duplicates import combine_duplicates
from lstm_cli.data.grid.frequency_check import choose_grid_rows
from lstm_cli.data.grid.gap_rule import GapRule, find_missing_rows
from lstm_cli.data.grid.skipped_gaps import choose_row_clock
from lstm_cli.data.grid.sorting import (
    SortedRows,
    find_disorder,
    in_series_text,
    location_formatter,
    sort_rows,
)
from lstm_cli.data.grid.time_range import time_range_mask
from lstm_cli.data.locations import quote_name, quote_names
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError, DeviceError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun


@dataclass(frozen=True, kw_only=True)
class GridRows:
    """Consecutive rows of a grid, first columns only, read when they are indexed."""

    grid: "Grid"
    begin: int
    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        begin, end, _ = rows.indices(len(self))
        return self.grid.values_between(self.begin + begin, self.begin + max(begin, end))[:, : self.shape[1]]


@dataclass(frozen=True, kw_only=True)
class GridSeries(SeriesRows):
    """First rows and columns of each series of a grid, read when they are indexed."""

    grid: "Grid"
    begins: np.ndarray  # [S] first row of each series
    lengths: np.ndarray  # [S] rows of each series
    columns: int

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return replace(self, begins=self.begins[index], lengths=self.lengths[index])
        begin, length = int(self.begins[index]), int(self.lengths[index])
        return GridRows(grid=self.grid, begin=begin, shape=(length, self.columns))

    def between(self, begin: int, end: int) -> np.ndarray:
        return self.grid.values_between(begin, end)[:, : self.columns]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Series on a regular time grid, one after another in `values`."""

    step: Step
    names: tuple[str, ...]  # of the S series with a measured target, in order of first appearance
    origin_us: np.ndarray  # [S] int64, time of the first row of each series
    counts: np.ndarray  # [S] int64, grid rows from the first to the last row with a measured target
    ahead: np.ndarray  # [S] int64, grid rows after `counts`, up to the last one with a future covariate
    cells: np.ndarray  # [R, F] float64, values of the table; NaN where not measured
    row_index: slice | np.ndarray  # [T] row of `cells` for each grid row, T = sum(counts + ahead); -1: a gap
    rows_read: np.ndarray  # [S] int64, rows of the file among `counts`, without gaps and duplicate rows
    findings: tuple[Finding, ...]  # repairs and omissions of the grid; those of the table are not repeated
    emptied: np.ndarray | None = None  # [N, 2] int64, rows (rising) and columns of cells set to missing

    @property
    def rows(self) -> int:
        """Return T, the number of rows."""
        return int((self.counts + self.ahead).sum())

    @cached_property
    def values(self) -> np.ndarray:
        """Return the values [T, F] float64, NaN where not measured and in gaps; only for a grid that fits in memory."""
        return self.values_between(0, self.rows)

    def values_between(self, begin: int, end: int) -> np.ndarray:
        """Return the values [n, F] of the rows from `begin` to before `end`; a view of the table if possible."""
        emptied = self._emptied_within(begin, end)
        if isinstance(self.row_index, slice):
            values = self.cells[self.row_index.start + begin : self.row_index.start + end]
        else:
            table_rows = self.row_index[begin:end]
            values = self.cells[table_rows]
            gaps = table_rows < 0
            if gaps.any():
                values[gaps] = np.nan
        if len(emptied):
            values = np.array(values)  # a copy, because the table must not change
            values[emptied[:, 0] - begin, emptied[:, 1]] = np.nan
        return values

    def _emptied_within(self, begin: int, end: int) -> np.ndarray:
        """Return the emptied cells [n, 2] in the rows from `begin` to before `end`."""
        if self.emptied is None:
            return np.zeros((0, 2), dtype=np.int64)
        low, high = np.searchsorted(self.emptied[:, 0], (begin, end))
        return self.emptied[low:high]

    def emptied_rows(self, column: int) -> np.ndarray:
        """Return the rows [n] of the emptied cells of one column, rising."""
        if self.emptied is None:
            return np.zeros(0, dtype=np.int64)
        return self.emptied[self.emptied[:, 1] == column, 0]


def to_regular_grid(
    table: Table,
    settings: GridSettings = PLAIN_GRID,
    *,
    start: str | None = None,
    end: str | None = None,
    step: Step | None = None,
    max_rows: int | None = None,
) -> Grid:
    """Return the series of a table on one regular time grid; missing rows become rows of NaN.

    Args:
        table: rows of the file.
        settings: settings of the grid, such as `--freq`.
        start: value of `--start`.
        end: value of `--end`.
        step: step of the run, which new data must have.
        max_rows: largest number of grid rows; None: as many as fit in memory.

    Raises:
        UsageError: for an invalid --freq, --start or --end.
        DataError: for two values at one time, irregular times, more gaps than rows, a step other than `step`, no
            measured target, or more than `max_rows` rows.
        DeviceError: if the grid does not fit in memory.
    """
    requested = parse_freq(settings.freq) if settings.freq is not None else None
    rows = sort_rows(table)
    if start is not None or end is not None:
        rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    disorder = find_disorder(rows, table)
    rows, duplicates = combine_duplicates(rows, table, settings.duplicates, from_run=step is not None)
    measured = rows.measured(0, len(table.targets))
    rows, measured, kept, skipped = _skip_unmeasured(rows, measured, table)
    findings = [*disorder, *duplicates, *skipped]
    if table.time_name is not None and settings.gaps == "skip":
        run_step = step if isinstance(step, RowClock) else None
        clock, clock_findings = choose_row_clock(rows, table, requested=requested, run_step=run_step)
        grid_step: Step = clock
        findings += clock_findings
    else:
        grid_step, on_grid, off_grid = choose_grid_rows(rows, table, requested=requested, fixed=step)
        rows, measured = rows.select(on_grid), measured[on_grid]
        findings += off_grid
    rule = GapRule(
        freq_given=settings.freq is not None, accepted=step is not None or settings.gaps is not None
    )
    return _build_grid(rows, measured, kept, table, grid_step, findings, rule, max_rows)


def _skip_unmeasured(
    rows: SortedRows, measured: np.ndarray, table: Table
) -> tuple[SortedRows, np.ndarray, np.ndarray, list[Finding]]:
    """Return the rows without the series that have no measured target.

    measured: [R] rows with a measured target. Return also the `measured` mask of the kept rows, the indices of the kept
    series [S], and a finding.
    """
    has = np.zeros(len(table.series_names), dtype=bool)
    has[rows.series if measured.all() else rows.series[measured]] = True
    kept = np.flatnonzero(has)
    targets = ", ".join(map(quote_name, table.targets))
    if not len(kept):
        raise DataError(
            f"no measured value found in {targets}",
            hint="use --target to name another column, or --start and --end to choose other rows",
            rule="D511",
            at=in_file(table.source),
            flags=(
                "--target",
                "--start",
                "--end",
            ),
        )
    skipped = np.setdiff1d(np.arange(len(table.series_names)), kept)
    if len(skipped):
        left_out = quote_names([table.series_names[index] for index in skipped])
        finding = Finding.at(
            in_file(table.source),
            "D512",
            f"{len(skipped)} series left out, no measured value in {targets}: {left_out} "
            "(use --target to name another column)",
            count=len(skipped),
            flags=("--target",),
        )
        kept_rows = has[rows.series]
        rows, measured = rows.select(kept_rows), measured[kept_rows]
        return rows, measured, kept, [finding]
    return rows, measured, kept, []


def _build_grid(
    rows: SortedRows,
    measured: np.ndarray,
    kept: np.ndarray,
    table: Table,
    step: Step,
    findings: Sequence[Finding],
    rule: GapRule,
    max_rows: int | None,
) -> Grid:
    unused_findings: list[Finding] = []
    gap_findings: list[Finding] = []
    begins = series_starts(rows.series)
    first, last, end = _series_spans(rows, begins, measured, table)
    if (first > begins).any() or end[-1] + 1 < len(rows) or (end[:-1] + 1 < begins[1:]).any():
        used = np.zeros(len(rows) + 1, dtype=np.int8)
        used[first] = 1
        used[end + 1] -= 1
        used = np.cumsum(used[:-1], dtype=np.int8).view(bool)
        unused_findings = _find_unused(rows, table, ~used)
        dropped_before = np.cumsum(first - begins) + np.append(
            0, np.cumsum(np.append(begins[1:], len(rows)) - end - 1)[:-1]
        )
        rows = rows.select(used)
        first, last, end = first - dropped_before, last - dropped_before, end - dropped_before
    times = rows.times
    origin_us = times[first]
    counts = step.index(times[last], origin_us)[0] + 1
    lengths = step.index(times[end], origin_us)[0] + 1
    del times
    if max_rows is not None and lengths.astype(float).sum() > max_rows:
        raise _too_many_rows_error(table, step, lengths, max_rows)
    missing_rows = int(np.minimum(lengths.astype(float).sum(), 2.0**62)) - len(rows)
    row_index = rows.row_index
    if missing_rows:
        index = _steps_from_start(rows, first, step)
        gap_findings = find_missing_rows(rows, index, table, step, rule, missing_rows=missing_rows)
        row_index = _row_index_with_gaps(rows, index, np.cumsum(lengths) - lengths, first, missing_rows, step)
    return Grid(
        step=step,
        names=tuple(table.series_names[one] for one in kept),
        origin_us=origin_us,
        counts=counts,
        ahead=lengths - counts,
        cells=rows.table.values,  # with combined duplicates, those of the file otherwise
        row_index=row_index,
        rows_read=last - first + 1,
        findings=(*findings, *unused_findings, *gap_findings),
    )


def _too_many_rows_error(table: Table, step: Step, lengths: np.ndarray, max_rows: int) -> DataError:
    """Return the error for a grid that is too long, because its times are far apart. lengths: [S] rows."""
    return DataError(
        f"{len(table.lines):,} rows are {lengths.astype(float).sum():,.0f} rows with frequency {step.name}, more than "
        f"{max_rows:,}: {table.time_name or 'the times'} has times that are far apart",
        hint="correct the first or the last time, or give fewer rows",
        rule="D514",
        at=in_file(table.source),
    )


def _steps_from_start(rows: SortedRows, first: np.ndarray, step: Step) -> np.ndarray:
    """Return the number of steps [R] of each row after the first row of its series; `first` [S] are those rows."""
    index = np.empty(len(rows), dtype=np.int64)
    times = rows.times
    for span, series_index in chunks_with_series(first, len(rows)):
        index[span] = step.index(times[span], times[first[series_index]])[0]
    return index


def _row_index_with_gaps(
    rows: SortedRows, index: np.ndarray, offset: np.ndarray, first: np.ndarray, missing_rows: int, step: Step
) -> np.ndarray:
    """Return the row of the table [T] in each row of the grid, -1 in gaps.

    index: [R] step of each row in its series. offset: [S] first row of each series in the grid. Raise DeviceError if
    the grid does not fit in memory.
    """
    row_index = _empty_grid(missing_rows + len(rows), rows.table.values.shape[1], step)
    for span, series_index in chunks_with_series(first, len(rows)):
        row_index[offset[series_index] + index[span]] = rows.table_rows(np.arange(span.start, span.stop))
    return row_index


def _series_spans(
    rows: SortedRows, begins: np.ndarray, measured: np.ndarray, table: Table
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each series [S] its first and last row with a measured target, and its end.

    begins: [S] first row of each series. The end is the last row with a measured future covariate, if that is later
    than the last target.
    """
    first, last = _first_and_last(measured, begins)
    known = rows.measured(len(table.targets) + len(table.past), len(table.columns))
    latest = _first_and_last(known, begins)[1] if known.any() else last
    return first, last, np.maximum(last, latest)


def _first_and_last(chosen: np.ndarray, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last chosen row (bool [R]) of each series that begins at `begins` [S]; -1 without one."""
    ends = np.append(begins[1:], len(chosen)) - 1
    if chosen.all():
        return begins, ends
    rows = np.flatnonzero(chosen)
    first = np.searchsorted(rows, begins, "left")
    last = np.searchsorted(rows, ends, "right") - 1
    none = last < first
    first, last = rows[np.minimum(first, len(rows) - 1)], rows[np.maximum(last, 0)]
    return np.where(none, -1, first), np.where(none, -1, last)


def _find_unused(rows: SortedRows, table: Table, unused: np.ndarray) -> list[Finding]:
    """Return a finding about rows [R] before the first or after the last usable row of a series."""
    if not unused.any():
        return []
    row = first_in_file(rows.lines, unused)
    targets = ", ".join(map(quote_name, table.targets))
    count = int(unused.sum())
    return [
        Finding.at(
            location_formatter(table).at(rows.lines[row]),
            "D513",
            f"{count_noun(count, 'unused row')} before the first or after the last measured {targets}"
            f"{in_series_text(table, rows.series[row])} (use --target to name another column)",
            count=count,
            flags=("--target",),
        )
    ]


def _empty_grid(rows: int, columns: int, step: Step) -> np.ndarray:
    """Return the table row of each grid row [rows], at first -1 (no row). Raise DeviceError if memory is too small."""
    import os

    need = rows * columns * 8
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else need
    try:
        if need > have:  # the system may grant memory that it does not have
            raise MemoryError
        return np.full(rows, -1, dtype=np.int32 if rows < 1 << 31 else np.int64)
    except MemoryError:
        raise DeviceError(
            f"out of memory: a grid with frequency {step.name} has {rows:,} rows and needs {need / 2**30:.1f} GiB",
            hint="use --freq with a longer step, or --start and --end to keep fewer rows",
            rule="D901",
        ) from None
