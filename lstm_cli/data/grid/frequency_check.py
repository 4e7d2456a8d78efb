"""Choice of the frequency of a table: that of the run, the value of `--freq`, or the one found in the times.

Rows off the time grid are an error, unless all their values are missing.
"""

import numpy as np

from lstm_cli.data.chunks import series_starts
from lstm_cli.data.frequency.infer import count_gaps, find_step, first_in_file, month_step_of_rows
from lstm_cli.data.frequency.step import (
    ANY_DAY,
    BUSINESS,
    DAY_NAMES,
    UNIT,
    Step,
    most_common,
    series_start_times,
)
from lstm_cli.data.frequency.suggested_step import MAX_MISSING, missing_share, suggested_step
from lstm_cli.data.grid.sorting import SortedRows, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import DAY
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun


def choose_grid_rows(
    rows: SortedRows, table: Table, *, requested: Step | None, fixed: Step | None
) -> tuple[Step, np.ndarray, list[Finding]]:
    """Return the step of the rows, the rows on its grid (bool [R]), and a finding about the others.

    The others are off the grid, and all their values are missing.

    Args:
        rows: sorted rows of the table.
        table: rows of the file.
        requested: step of --freq; None if not given.
        fixed: step of the run; None without a run.

    Raises:
        DataError: see `choose_step`.
    """
    try:
        return choose_step(rows, table, requested=requested, fixed=fixed), np.ones(len(rows), dtype=bool), []
    except DataError:
        filled = rows.measured(0, len(table.columns))
        if filled.all() or not filled.any():
            raise
        step = choose_step(rows.select(filled), table, requested=requested, fixed=fixed)
    empty = empty_off_grid(rows, step)
    if not empty.any():
        return step, ~empty, []
    row, count = first_in_file(rows.lines, empty), int(empty.sum())
    formatter = location_formatter(table)
    finding = Finding.at(
        formatter.at(rows.lines[row]),
        "D535",
        f"{count_noun(count, 'row')} off the time grid without a value {'is' if count == 1 else 'are'} skipped, the "
        f"first at {formatter.time(rows.times[row])} (use --freq for another grid)",
        count=count,
        flags=("--freq",),
    )
    return step, ~empty, [finding]


def empty_off_grid(rows: SortedRows, step: Step) -> np.ndarray:
    """Return which rows [R] hold no value and are off the grid, which begins at the first value of each series."""
    filled = rows.measured(0, len(rows.table.columns))
    times, series = rows.times, rows.series
    origins = series_start_times(times, series)
    if filled.any():
        begins = series_starts(series[filled])
        first = np.zeros(len(rows.table.series_names), dtype=np.int64)
        has_value = np.zeros(len(first), dtype=bool)
        first[series[filled][begins]], has_value[series[filled][begins]] = times[filled][begins], True
        origins = np.where(has_value[series], first[series], origins)
    return ~filled & ~step.index(times, origins)[1]


def choose_step(rows: SortedRows, table: Table, *, requested: Step | None, fixed: Step | None) -> Step:
    """Return the step of the rows: that of the run, else the value of --freq, else the one found in the times.

    Args:
        rows: sorted rows of the table.
        table: rows of the file.
        requested: step of --freq; None if not given.
        fixed: step of the run; None without a run.

    Raises:
        DataError: if the rows do not have the required step, or have no regular step.
    """
    if fixed is not None:
        _require_same_step(rows, table, fixed)
        return fixed
    if table.time_name is None:
        if requested not in (None, UNIT):
            raise DataError(
                f"no time column found in {table.source}, so --freq cannot be used",
                hint="use --time to name the column, or leave out --freq",
                rule="D503",
                flags=(
                    "--freq",
                    "--time",
                ),
            )
        return UNIT
    if requested is None:
        return _find_step(rows, table)
    if (requested.kind == "unit") != table.time_format.is_integer:
        raise _wrong_kind_error(table, requested)
    if requested.in_months and requested.day == ANY_DAY:
        requested = month_step_of_rows(requested, rows.times, rows.series)
    on_grid = requested.index(rows.times, series_start_times(rows.times, rows.series))[1]
    if not on_grid.all():
        raise _off_grid_error(rows, table, requested, ~on_grid)
    return requested


def _off_grid_error(rows: SortedRows, table: Table, step: Step, off_grid: np.ndarray) -> DataError:
    """Return the error for rows off the grid of --freq (bool [R])."""
    row = first_in_file(rows.lines, off_grid)
    formatter = location_formatter(table)
    time = rows.times[row]
    begin = series_start_times(rows.times, rows.series)[row]
    grid = f", which begins at {formatter.time(begin)}"
    if step.kind == "weeks" and (time // DAY + 3) % 7 + 1 != step.day:
        grid = f", because it is a {DAY_NAMES[(time // DAY + 3) % 7]}"
    gaps, counts = count_gaps(rows.times, rows.series)
    fitting_step = _find_step_or_none(rows, table)
    if fitting_step is not None and missing_share(fitting_step, gaps, counts) <= MAX_MISSING:
        hint = f"use --freq {fitting_step.name}, which fits all rows, or "
    else:
        hint = "use "
    aggregated = step
    if len(gaps) and missing_share(step, gaps, counts) > MAX_MISSING:
        aggregated = suggested_step(gaps, counts, whole=table.time_format.is_integer)
    return DataError(
        f"{formatter.time(time)} is not on the time grid of --freq {step.name}{grid}",
        hint=f"{hint}--freq {aggregated.name} --resample mean to aggregate the rows",
        rule="D504",
        at=formatter.at(rows.lines[row]),
        flags=("--freq", "--resample"),
    )


def _wrong_kind_error(table: Table, requested: Step) -> DataError:
    """Return the error for a --freq of whole numbers in a file of times, or the reverse."""
    if requested.kind == "unit":
        problem = f"is for files without times or with whole numbers, but '{table.time_name}' holds times"
        hint = (
            f"use a unit such as --freq {requested.name if requested.count > 1 else ''}h, or leave out --freq"
        )
    else:
        problem = f"is a span of time, but '{table.time_name}' holds whole numbers without a calendar"
        hint = "use a number such as --freq 1, or leave out --freq"
    return DataError(
        f"--freq {requested.name} {problem}",
        hint=hint,
        rule="D503",
        at=in_file(table.source),
        flags=("--freq",),
    )


def _find_step(rows: SortedRows, table: Table) -> Step:
    return find_step(
        rows.times,
        rows.series,
        lines=rows.lines,
        wording=location_formatter(table),
        whole=table.time_format.is_integer,
    )


def _find_step_or_none(rows: SortedRows, table: Table) -> Step | None:
    try:
        return _find_step(rows, table)
    except DataError:
        return None


def _require_same_step(rows: SortedRows, table: Table, step: Step) -> None:
    """Raise DataError unless the rows have this step: all on its grid, and mostly one step apart.

    Single rows fit each step. A gap does not mean another step, but rows missing on all weekends do.
    """
    index, on_grid = step.index(rows.times, series_start_times(rows.times, rows.series))
    gaps = np.diff(index)[rows.series[1:] == rows.series[:-1]]
    actual_step = UNIT if table.time_name is None else _find_step_or_none(rows, table)
    counts = table.time_name is None or table.time_format.is_integer
    matching = (step.kind == "unit") == counts and bool(on_grid.all())
    weekends = step.name == "D" and actual_step == BUSINESS and (gaps == 3).sum() > 1
    if matching and not weekends and (not len(gaps) or most_common(gaps) == 1):
        return
    description = f"frequency {actual_step.name}" if actual_step else "no regular frequency"
    if actual_step in (None, step):
        row = first_in_file(rows.lines, ~on_grid) if not on_grid.all() else 0
        formatter = location_formatter(table)
        description += f" (see {formatter.row(rows.lines[row])}, {formatter.time(rows.times[row])})"
    raise DataError(
        f"wrong frequency: {table.source} has {description}, but the run has {step.name}",
        hint="give data with the frequency of the run, or prepare a run from these data",
        rule="D505",
    )
