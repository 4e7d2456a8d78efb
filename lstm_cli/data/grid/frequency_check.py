"""Choice of the frequency of a table: that of the run, the value of `--freq`, or the one found in the times."""

import numpy as np

from lstm_cli.data.grid.sorting import SortedRows, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.frequency import BUSINESS, UNIT, Step, series_start_times
from lstm_cli.data.times.infer_frequency import find_step, first_in_file, most_common
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file


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
    origins = series_start_times(rows.times, rows.series)
    on_grid = requested.index(rows.times, origins)[1]
    if not on_grid.all():
        row = first_in_file(rows.lines, ~on_grid)
        fitting_step = _find_step_or_none(rows, table)
        formatter = location_formatter(table)
        raise DataError(
            f"{formatter.time(rows.times[row])} is not on the time grid of --freq "
            f"{requested.name}, which begins at {formatter.time(origins[row])}",
            hint=f"use --freq {fitting_step.name}, which fits all rows"
            if fitting_step
            else "use a finer --freq, or correct that line",
            rule="D504",
            at=formatter.at(rows.lines[row]),
            flags=("--freq",),
        )
    return requested


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
