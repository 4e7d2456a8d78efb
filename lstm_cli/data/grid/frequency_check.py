"""The step of a table's rows: that of the run, else what `--freq` says, else what the times say."""

import numpy as np

from lstm_cli.data.grid.sorting import SortedRows, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.frequency import BUSINESS, UNIT, Step, series_start_times
from lstm_cli.data.times.infer_frequency import find_step, first_in_file, most_common
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file


def choose_step(rows: SortedRows, table: Table, *, requested: Step | None, fixed: Step | None) -> Step:
    """The step of the rows: that of the run, else what --freq says, else what the times say."""
    if fixed is not None:
        _require_same_step(rows, table, fixed)
        return fixed
    if table.time_name is None:
        if requested not in (None, UNIT):
            raise DataError(
                f"{table.source} has no time column that --freq could speak of",
                hint="name the column with --time, or leave --freq out",
                rule="D503",
                flags=(
                    "--freq",
                    "--time",
                ),
            )
        return UNIT
    if requested is None:
        return find_step(rows.times, rows.series, lines=rows.lines, wording=location_formatter(table))
    if requested == UNIT:
        raise DataError(
            f"--freq 1 is for files without times, and '{table.time_name}' holds times",
            hint="name their step, e.g. --freq h, or leave --freq out",
            rule="D503",
            at=in_file(table.source),
            flags=("--freq",),
        )
    origins = series_start_times(rows.times, rows.series)
    on_grid = requested.index(rows.times, origins)[1]
    if not on_grid.all():
        row = first_in_file(rows.lines, ~on_grid)
        found = _find_step_or_none(rows, table)
        wording = location_formatter(table)
        raise DataError(
            f"{wording.time(rows.times[row])} is not on the grid of --freq "
            f"{requested.name} that begins at {wording.time(origins[row])}",
            hint=f"all rows fit --freq {found.name}" if found else "name a finer --freq, or mend that line",
            rule="D504",
            at=wording.at(rows.lines[row]),
            flags=("--freq",),
        )
    return requested


def _find_step_or_none(rows: SortedRows, table: Table) -> Step | None:
    try:
        return find_step(rows.times, rows.series, lines=rows.lines, wording=location_formatter(table))
    except DataError:
        return None


def _require_same_step(rows: SortedRows, table: Table, step: Step) -> None:
    """Raises DataError unless the rows have this step: on its grid, and one step from row to row as a rule.

    Single rows fit every step. A gap is no other step; weekend after weekend without rows is one.
    """
    index, on_grid = step.index(rows.times, series_start_times(rows.times, rows.series))
    gaps = np.diff(index)[rows.series[1:] == rows.series[:-1]]
    found = UNIT if table.time_name is None else _find_step_or_none(rows, table)
    alike = (step == UNIT) == (table.time_name is None) and bool(on_grid.all())
    weekends = step.name == "D" and found == BUSINESS and (gaps == 3).sum() > 1
    if alike and not weekends and (not len(gaps) or most_common(gaps) == 1):
        return
    theirs = f"the step {found.name}" if found else "no regular step"
    if found in (None, step):
        row = first_in_file(rows.lines, ~on_grid) if not on_grid.all() else 0
        wording = location_formatter(table)
        theirs += f" (see {wording.row(rows.lines[row])}, {wording.time(rows.times[row])})"
    raise DataError(
        f"{table.source} has another step than the run: {theirs}, where the run has {step.name}",
        hint="give data with the run's step, or prepare a run from these data",
        rule="D505",
    )
