"""A table's rows laid on a regular grid, series by series: cut, sorted, merged, its holes in the open.

Everything works on all series at once: rows sorted by series and time, and where each series begins in them.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.bounds import cut_mask
from lstm_cli.data.cells import named
from lstm_cli.data.grid import (
    BUSINESS,
    UNIT,
    Step,
    find_step,
    first_line,
    most_common,
    origins_of,
    parse_freq,
)
from lstm_cli.data.ordering import (
    Rows,
    in_series,
    merge_doubles,
    sorted_rows,
    tell_disorder,
    wording_of,
)
from lstm_cli.data.stretches import coarser_stretch, stretched
from lstm_cli.data.table import Table
from lstm_cli.data.wording import count_of
from lstm_cli.errors import DataError, DeviceError

NAMED = 5  # so many series are named in a warning


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Series laid on a regular grid, one after another in `values`."""

    step: Step
    names: tuple[str, ...]  # of the S series that have a measured target, in order of first appearance
    origin_us: np.ndarray  # [S] int64, the time of each series' first row
    counts: np.ndarray  # [S] int64, grid rows from the first to the last row with a measured target
    ahead: np.ndarray  # [S] int64, grid rows after them, up to the last one with a future covariate
    values: np.ndarray  # [sum(counts + ahead), F] float64, NaN where not measured and in the rows of holes
    rows_read: np.ndarray  # [S] int64, rows of the file among the `counts`: without holes and doubles
    warnings: tuple[str, ...]  # what was repaired or left out here; the table's own are not repeated


def lay_on_grid(
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
    warnings: list[str] = []
    rows = sorted_rows(table)
    rows = rows.taken(cut_mask(table, rows.series, rows.times, start=start, end=end))
    tell_disorder(rows, table, warnings)
    rows = merge_doubles(rows, table, warnings)
    rows, kept = _skip_unmeasured(rows, table, warnings)
    settled = _settled_step(rows, table, asked=asked, fixed=step)
    allowed = freq is not None or step is not None  # who names the step knows of its holes
    return _laid(rows, kept, table, settled, warnings, holes_allowed=allowed)


def _skip_unmeasured(rows: Rows, table: Table, warnings: list[str]) -> tuple[Rows, np.ndarray]:
    """Leaves out the series without a measured target. Returns the rest, and which series [S] it holds."""
    measured = measured_rows(rows.values[:, : len(table.targets)])
    kept = np.unique(rows.series[measured])
    targets = ", ".join(map(named, table.targets))
    if not len(kept):
        raise DataError(
            f"{table.source}: no row measures {targets}",
            hint="--target names the column to forecast; --start and --end choose the rows",
        )
    skipped = np.setdiff1d(np.arange(len(table.series_names)), kept)
    if len(skipped):
        listed = ", ".join(named(table.series_names[one]) for one in skipped[:NAMED])
        more = f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        warnings.append(
            f"{table.source}: {len(skipped)} series without a measured {targets} left out: {listed}{more} "
            "(--target names another column)"
        )
        rows = rows.taken(np.isin(rows.series, kept))
    return rows, kept


def _settled_step(rows: Rows, table: Table, *, asked: Step | None, fixed: Step | None) -> Step:
    """The step of the rows: that of the run, else what --freq says, else what the times say."""
    if fixed is not None:
        _require_same(rows, table, fixed)
        return fixed
    if table.time_name is None:
        if asked not in (None, UNIT):
            raise DataError(
                f"{table.source} has no time column that --freq could speak of",
                hint="name the column with --time, or leave --freq out",
            )
        return UNIT
    if asked is None:
        return find_step(rows.times, rows.series, lines=rows.lines, wording=wording_of(table))
    if asked == UNIT:
        raise DataError(
            f"{table.source}: --freq 1 is for files without times, and '{table.time_name}' holds times",
            hint="name their step, e.g. --freq h, or leave --freq out",
        )
    origins = origins_of(rows.times, rows.series)
    on_grid = asked.index(rows.times, origins)[1]
    if not on_grid.all():
        row = first_line(rows.lines, ~on_grid)
        found = _found(rows, table)
        wording = wording_of(table)
        raise DataError(
            f"{wording.at(rows.lines[row])}: {wording.time(rows.times[row])} is not on the grid of --freq "
            f"{asked.name} that begins at {wording.time(origins[row])}",
            hint=f"all rows fit --freq {found.name}" if found else "name a finer --freq, or mend that line",
        )
    return asked


def _found(rows: Rows, table: Table) -> Step | None:
    try:
        return find_step(rows.times, rows.series, lines=rows.lines, wording=wording_of(table))
    except DataError:
        return None


def _require_same(rows: Rows, table: Table, step: Step) -> None:
    """Raises DataError unless the rows have this step: on its grid, and one step from row to row as a rule.

    Single rows fit every step. A gap is no other step; weekend after weekend without rows is one.
    """
    index, on_grid = step.index(rows.times, origins_of(rows.times, rows.series))
    gaps = np.diff(index)[rows.series[1:] == rows.series[:-1]]
    found = UNIT if table.time_name is None else _found(rows, table)
    alike = (step == UNIT) == (table.time_name is None) and bool(on_grid.all())
    weekends = step.name == "D" and found == BUSINESS and (gaps == 3).sum() > 1
    if alike and not weekends and (not len(gaps) or most_common(gaps) == 1):
        return
    theirs = f"the step {found.name}" if found else "no regular step"
    if found in (None, step):
        row = first_line(rows.lines, ~on_grid) if not on_grid.all() else 0
        wording = wording_of(table)
        theirs += f" (see {wording.unit} {rows.lines[row]}, {wording.time(rows.times[row])})"
    raise DataError(
        f"{table.source} has another step than the run: {theirs}, where the run has {step.name}",
        hint="give data with the run's step, or prepare a run from these data",
    )


def _laid(
    rows: Rows, kept: np.ndarray, table: Table, step: Step, warnings: list[str], *, holes_allowed: bool
) -> Grid:
    first, last, end = _spans(rows, kept, table)
    place = np.arange(len(rows.series))
    at = np.searchsorted(kept, rows.series)  # [R] which of the kept series
    before, after = place < first[at], place > end[at]
    _tell_unused(rows, table, warnings, before | after)
    index = step.index(rows.times, origins_of(rows.times, rows.series))[0]
    counts, lengths = index[last] - index[first] + 1, index[end] - index[first] + 1
    used = ~(before | after)
    index, at, origin_us = (index - index[first][at])[used], at[used], rows.times[first]
    rows = rows.taken(used)
    holes = int(np.minimum(lengths.astype(float).sum(), 2.0**62)) - len(index)
    values = rows.values
    if holes:
        _settle_holes(rows, index, table, step, warnings, holes=holes, allowed=holes_allowed)
        values = _empty_grid(holes + len(index), values.shape[1], step)
        values[(np.cumsum(lengths) - lengths)[at] + index] = rows.values
    return Grid(
        step=step,
        names=tuple(table.series_names[one] for one in kept),
        origin_us=origin_us,
        counts=counts,
        ahead=lengths - counts,
        values=values,
        rows_read=last - first + 1,
        warnings=tuple(warnings),
    )


def _spans(rows: Rows, kept: np.ndarray, table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each kept series [S] the places of its first row with a measured target, its last one, and its end.

    The end is the last row with a measured future covariate, where that comes later than the last target.
    """
    targets = np.flatnonzero(measured_rows(rows.values[:, : len(table.targets)]))
    series = rows.series[targets]
    first = targets[np.searchsorted(series, kept, "left")]
    last = targets[np.searchsorted(series, kept, "right") - 1]
    known = np.flatnonzero(measured_rows(rows.values[:, len(table.targets) + len(table.past) :]))
    if not len(known):
        return first, last, last
    latest = known[np.maximum(np.searchsorted(rows.series[known], kept, "right") - 1, 0)]
    return first, last, np.where(rows.series[latest] == kept, np.maximum(last, latest), last)


def measured_rows(values: np.ndarray) -> np.ndarray:
    """Which rows [R] have a measured cell among values [R, C]."""
    return ~np.isnan(values).all(axis=1)


def _tell_unused(rows: Rows, table: Table, warnings: list[str], unused: np.ndarray) -> None:
    """Warns of rows [R] outside of what a series can use."""
    if not unused.any():
        return
    row = first_line(rows.lines, unused)
    targets = ", ".join(map(named, table.targets))
    warnings.append(
        f"{wording_of(table).at(rows.lines[row])}: before the first or after the last measured {targets}"
        f"{in_series(table, rows.series[row])}, so not used, {count_of(unused.sum(), 'such row')} "
        "(--target names another column)"
    )


def _settle_holes(
    rows: Rows, index: np.ndarray, table: Table, step: Step, warnings: list[str], *, holes: int, allowed: bool
) -> None:
    """Tells the holes of the grid, or raises DataError where they are more than half of it."""
    gaps = np.where(np.diff(rows.series) == 0, np.diff(index), 0)
    wording = wording_of(table)
    if holes > len(index) and not allowed:
        row = int(np.argmax(gaps))
        ends = [f"{wording.unit} {rows.lines[at]} ({wording.time(rows.times[at])})" for at in (row, row + 1)]
        raise DataError(
            f"{table.source}: on a grid of step {step.name} {holes:,} of {holes + len(index):,} rows would "
            f"be holes, the longest from {ends[0]} to {ends[1]}{in_series(table, rows.series[row])}",
            hint=f"--freq {step.name} accepts the holes; another --freq, --start or --end may avoid them",
        )
    coarse = coarser_stretch(gaps)
    if coarse is not None and not allowed:
        raise DataError(
            f"{wording.at(rows.lines[coarse])}: from {wording.time(rows.times[coarse])}"
            f"{in_series(table, rows.series[coarse])} on the step is {stretched(step, int(gaps[coarse]))}, and "
            f"{step.name} elsewhere",
            hint=f"--start and --end choose the rows of one step; --freq {step.name} accepts the holes",
        )
    row = int(np.argmax(gaps > 1))
    missing = wording.time(int(step.times(np.asarray(1), rows.times[row])))
    warnings.append(
        f"{wording.at(rows.lines[row])}: no row follows for {missing}{in_series(table, rows.series[row])}, "
        f"{count_of(holes, 'such hole')} in the time grid of step {step.name} (--missing decides the filling)"
    )


def _empty_grid(rows: int, columns: int, step: Step) -> np.ndarray:
    """[rows, columns] of NaN. Raises DeviceError where that is more than the memory of the machine."""
    import os

    need = rows * columns * 8
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else need
    try:
        if need > have:  # refused before the system grants memory that it does not have
            raise MemoryError
        return np.full((rows, columns), np.nan)
    except MemoryError:
        raise DeviceError(
            f"a grid of step {step.name} has {rows:,} rows and needs {need / 2**30:.1f} GiB of memory",
            hint="name a longer step with --freq, or fewer rows with --start and --end",
        ) from None
