"""A table's rows laid on a regular grid, series by series: cut, sorted, merged, its holes in the open.

Everything works on all series at once: rows sorted by series and time, and where each series begins in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lstm_cli.data.chunks import chunks_with_series, row_chunks, series_starts
from lstm_cli.data.grid.frequency_check import choose_step
from lstm_cli.data.grid.sorting import (
    SortedRows,
    drop_duplicate_rows,
    find_disorder,
    in_series_text,
    location_formatter,
    sort_rows,
)
from lstm_cli.data.grid.time_range import time_range_mask
from lstm_cli.data.locations import quote_name, quote_names
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.frequency import Step, parse_freq
from lstm_cli.data.times.infer_frequency import find_coarser_run, first_in_file, multiple_name
from lstm_cli.errors import DataError, DeviceError
from lstm_cli.findings import Finding, in_file
from lstm_cli.text import count_noun


@dataclass(frozen=True, kw_only=True)
class GridRows:
    """Some consecutive rows of a grid, the first so many columns; read where they are asked for."""

    grid: "Grid"
    begin: int
    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        begin, end, _ = rows.indices(len(self))
        return self.grid.values_between(self.begin + begin, self.begin + max(begin, end))[:, : self.shape[1]]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Series laid on a regular grid, one after another in `values`."""

    step: Step
    names: tuple[str, ...]  # of the S series that have a measured target, in order of first appearance
    origin_us: np.ndarray  # [S] int64, the time of each series' first row
    counts: np.ndarray  # [S] int64, grid rows from the first to the last row with a measured target
    ahead: np.ndarray  # [S] int64, grid rows after them, up to the last one with a future covariate
    cells: np.ndarray  # [R, F] float64, the table's values; NaN where not measured
    row_index: (
        slice | np.ndarray
    )  # [T] the row of `cells` in each row of the grid, T = sum(counts + ahead); -1: a hole
    rows_read: np.ndarray  # [S] int64, rows of the file among the `counts`: without holes and doubles
    findings: tuple[Finding, ...]  # what was repaired or left out here; the table's own are not repeated
    emptied: np.ndarray | None = None  # [N, 2] int64, rows (rising) and columns of cells read as missing

    @property
    def rows(self) -> int:
        """T."""
        return int((self.counts + self.ahead).sum())

    @cached_property
    def values(self) -> np.ndarray:
        """[T, F] float64, NaN where not measured and in the rows of holes. For a grid that fits in memory."""
        return self.values_between(0, self.rows)

    def values_between(self, begin: int, end: int) -> np.ndarray:
        """The rows from `begin` to before `end` [n, F] of the values; a view of the table's where that can be."""
        emptied = self._emptied_within(begin, end)
        if isinstance(self.row_index, slice):
            values = self.cells[self.row_index.start + begin : self.row_index.start + end]
        else:
            at = self.row_index[begin:end]
            values = self.cells[at]
            holes = at < 0
            if holes.any():
                values[holes] = np.nan
        if len(emptied):
            values = np.array(values)  # not the table's own
            values[emptied[:, 0] - begin, emptied[:, 1]] = np.nan
        return values

    def _emptied_within(self, begin: int, end: int) -> np.ndarray:
        """Return those of the emptied cells [n, 2] that lie in the rows from `begin` to before `end`."""
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
    table: Table, *, freq: str | None, start: str | None, end: str | None, step: Step | None = None
) -> Grid:
    """Lays the series of a table on one regular grid; missing rows become rows of NaN.

    freq: the step as `--freq` names it, None to find it. start, end: what `--start` and `--end` say. step:
    the run's step, for new data that must have the same.
    Raises UsageError for a wrong --freq, --start or --end; DataError for two values at one time, irregular
    times, a grid mostly of holes, another step than `step`, or no measured target; DeviceError for a grid
    that cannot fit in memory.
    """
    asked = parse_freq(freq) if freq is not None else None
    rows = sort_rows(table)
    if start is not None or end is not None:
        rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    disorder = find_disorder(rows, table)
    rows, doubles = drop_duplicate_rows(rows, table)
    measured = _measured_mask(rows, 0, len(table.targets))
    rows, measured, kept, skipped = _skip_unmeasured(rows, measured, table)
    settled = choose_step(rows, table, requested=asked, fixed=step)
    allowed = freq is not None or step is not None  # who names the step knows of its holes
    found = [*disorder, *doubles, *skipped]
    return _build_grid(rows, measured, kept, table, settled, found, holes_allowed=allowed)


def _measured_mask(rows: SortedRows, first: int, last: int) -> np.ndarray:
    """Which rows [R] have a measured cell in the columns from `first` to before `last`."""
    measured = np.zeros(len(rows), dtype=bool)
    if last > first:
        for span in row_chunks(len(rows)):
            measured[span] = measured_rows(rows.table.values[rows.slice(span), first:last])
    return measured


def _skip_unmeasured(
    rows: SortedRows, measured: np.ndarray, table: Table
) -> tuple[SortedRows, np.ndarray, np.ndarray, list[Finding]]:
    """Leave out the series without a measured target. measured: [R] the rows that have one.

    Return the rest, its `measured`, which series [S] it holds, and a finding.
    """
    has = np.zeros(len(table.series_names), dtype=bool)
    has[rows.series if measured.all() else rows.series[measured]] = True
    kept = np.flatnonzero(has)
    targets = ", ".join(map(quote_name, table.targets))
    if not len(kept):
        raise DataError(
            f"no row measures {targets}",
            hint="--target names the column to forecast; --start and --end choose the rows",
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
        left_out = quote_names([table.series_names[one] for one in skipped])
        found = Finding.at(
            in_file(table.source),
            "D512",
            f"{len(skipped)} series without a measured {targets} left out: {left_out} "
            "(--target names another column)",
            count=len(skipped),
            flags=("--target",),
        )
        rest = has[rows.series]
        rows, measured = rows.select(rest), measured[rest]
        return rows, measured, kept, [found]
    return rows, measured, kept, []


def _build_grid(
    rows: SortedRows,
    measured: np.ndarray,
    kept: np.ndarray,
    table: Table,
    step: Step,
    found: Sequence[Finding],
    *,
    holes_allowed: bool,
) -> Grid:
    unused: list[Finding] = []
    gaps: list[Finding] = []
    begins = series_starts(rows.series)
    first, last, end = _series_spans(rows, begins, measured, table)
    if (first > begins).any() or end[-1] + 1 < len(rows) or (end[:-1] + 1 < begins[1:]).any():
        used = np.zeros(len(rows) + 1, dtype=np.int8)
        used[first] = 1
        used[end + 1] -= 1
        used = np.cumsum(used[:-1], dtype=np.int8).view(bool)
        unused = _find_unused(rows, table, ~used)
        gone = np.cumsum(first - begins) + np.append(
            0, np.cumsum(np.append(begins[1:], len(rows)) - end - 1)[:-1]
        )
        rows = rows.select(used)
        first, last, end = first - gone, last - gone, end - gone
    times = rows.times
    origin_us = times[first]
    counts = step.index(times[last], origin_us)[0] + 1
    lengths = step.index(times[end], origin_us)[0] + 1
    del times
    holes = int(np.minimum(lengths.astype(float).sum(), 2.0**62)) - len(rows)
    at = rows.row_index
    if holes:
        index = _steps_from_start(rows, first, step)
        gaps = _find_gaps(rows, index, table, step, holes=holes, allowed=holes_allowed)
        at = _row_index_with_gaps(rows, index, np.cumsum(lengths) - lengths, first, holes, step)
    return Grid(
        step=step,
        names=tuple(table.series_names[one] for one in kept),
        origin_us=origin_us,
        counts=counts,
        ahead=lengths - counts,
        cells=table.values,
        row_index=at,
        rows_read=last - first + 1,
        findings=(*found, *unused, *gaps),
    )


def _steps_from_start(rows: SortedRows, first: np.ndarray, step: Step) -> np.ndarray:
    """How many steps each row [R] lies after the first one of its series; `first`: [S] those."""
    index = np.empty(len(rows), dtype=np.int64)
    times = rows.times
    for span, which in chunks_with_series(first, len(rows)):
        index[span] = step.index(times[span], times[first[which]])[0]
    return index


def _row_index_with_gaps(
    rows: SortedRows, index: np.ndarray, offset: np.ndarray, first: np.ndarray, holes: int, step: Step
) -> np.ndarray:
    """The row of the table in each row of the grid [T], -1 in the holes.

    index: [R] place of each row in its series; offset: [S] the first row of each series in the grid.
    Raises DeviceError where the grid is more than the memory of the machine.
    """
    at = _empty_grid(holes + len(rows), rows.table.values.shape[1], step)
    for span, which in chunks_with_series(first, len(rows)):
        at[offset[which] + index[span]] = rows.table_rows(np.arange(span.start, span.stop))
    return at


def _series_spans(
    rows: SortedRows, begins: np.ndarray, measured: np.ndarray, table: Table
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each series [S] the places of its first row with a measured target, its last one, and its end.

    begins: [S] its first row of all. The end is the last row with a measured future covariate, where that comes
    later than the last target.
    """
    first, last = _first_and_last(measured, begins)
    known = _measured_mask(rows, len(table.targets) + len(table.past), len(table.columns))
    latest = _first_and_last(known, begins)[1] if known.any() else last
    return first, last, np.maximum(last, latest)


def _first_and_last(chosen: np.ndarray, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last chosen row (bool [R]) of each series that begins at `begins` [S]; -1 without one."""
    ends = np.append(begins[1:], len(chosen)) - 1
    if chosen.all():
        return begins, ends
    rows = np.flatnonzero(chosen)
    first = np.searchsorted(rows, begins, "left")
    last = np.searchsorted(rows, ends, "right") - 1
    none = last < first
    first, last = rows[np.minimum(first, len(rows) - 1)], rows[np.maximum(last, 0)]
    return np.where(none, -1, first), np.where(none, -1, last)


def measured_rows(values: np.ndarray) -> np.ndarray:
    """Which rows [R] have a measured cell among values [R, C]."""
    return ~np.isnan(values).all(axis=1)


def _find_unused(rows: SortedRows, table: Table, unused: np.ndarray) -> list[Finding]:
    """Return a finding for rows [R] outside of what a series can use."""
    if not unused.any():
        return []
    row = first_in_file(rows.lines, unused)
    targets = ", ".join(map(quote_name, table.targets))
    count = int(unused.sum())
    return [
        Finding.at(
            location_formatter(table).at(rows.lines[row]),
            "D513",
            f"before the first or after the last measured {targets}{in_series_text(table, rows.series[row])}, so not used, "
            f"{count_noun(count, 'such row')} (--target names another column)",
            count=count,
            flags=("--target",),
        )
    ]


def _find_gaps(
    rows: SortedRows, index: np.ndarray, table: Table, step: Step, *, holes: int, allowed: bool
) -> list[Finding]:
    """Return a finding about the missing rows of the grid. Raise DataError where they are more than half of it."""
    gaps = np.where(np.diff(rows.series) == 0, np.diff(index), 0)
    wording = location_formatter(table)
    if holes > len(index) and not allowed:
        row = int(np.argmax(gaps))
        ends = [f"{wording.row(rows.lines[at])} ({wording.time(rows.times[at])})" for at in (row, row + 1)]
        raise DataError(
            f"on a grid of step {step.name} {holes:,} of {holes + len(index):,} rows would "
            f"be holes, the longest from {ends[0]} to {ends[1]}{in_series_text(table, rows.series[row])}",
            hint=f"--freq {step.name} accepts the holes; another --freq, --start or --end may avoid them",
            rule="D514",
            at=in_file(table.source),
            flags=(
                "--freq",
                "--start",
                "--end",
            ),
        )
    coarse = find_coarser_run(gaps)
    if coarse is not None and not allowed:
        raise DataError(
            f"from {wording.time(rows.times[coarse])}"
            f"{in_series_text(table, rows.series[coarse])} on the step is {multiple_name(step, int(gaps[coarse]))}, and "
            f"{step.name} elsewhere",
            hint=f"--start and --end choose the rows of one step; --freq {step.name} accepts the holes",
            rule="D515",
            at=wording.at(rows.lines[coarse]),
            flags=(
                "--start",
                "--end",
                "--freq",
            ),
        )
    row = int(np.argmax(gaps > 1))
    missing = wording.time(int(step.times(np.asarray(1), rows.times[row])))
    return [
        Finding.at(
            wording.at(rows.lines[row]),
            "D516",
            f"no row follows for {missing}{in_series_text(table, rows.series[row])}, {count_noun(holes, 'such hole')} in the "
            f"time grid of step {step.name} (--missing decides the filling)",
            count=holes,
            flags=("--missing",),
        )
    ]


def _empty_grid(rows: int, columns: int, step: Step) -> np.ndarray:
    """[rows] of -1. Raises DeviceError where the values of the grid are more than the memory of the machine."""
    import os

    need = rows * columns * 8
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else need
    try:
        if need > have:  # refused before the system grants memory that it does not have
            raise MemoryError
        return np.full(rows, -1, dtype=np.int32 if rows < 1 << 31 else np.int64)
    except MemoryError:
        error = DeviceError(
            f"a grid of step {step.name} has {rows:,} rows and needs {need / 2**30:.1f} GiB of memory",
            hint="name a longer step with --freq, or fewer rows with --start and --end",
        )
        error.rule = "D901"
        raise error from None
