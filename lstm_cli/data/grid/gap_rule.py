"""Rule about the missing rows of a time grid: a warning, or an error if they make the grid doubtful."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.frequency.infer import find_coarser_run, multiple_name
from lstm_cli.data.frequency.row_clock import RowClock
from lstm_cli.data.frequency.step import Step, frequency_label
from lstm_cli.data.grid.gap_advice import gap_advice
from lstm_cli.data.grid.skipped_gaps import has_opening_hours
from lstm_cli.data.grid.sorting import SortedRows, in_series_text, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun

ROWS_PER_CLOSED_ROW = 8  # rarer gaps are not closed hours; weekends are 2 rows for 5


@dataclass(frozen=True, kw_only=True)
class GapRule:
    """Gaps that the settings accept."""

    freq_given: bool  # --freq accepts gaps, but not closed nights and weekends
    accepted: bool  # --gaps was given, or the rows are new data of a run


def find_missing_rows(
    rows: SortedRows, index: np.ndarray, table: Table, step: Step, rule: GapRule, *, missing_rows: int
) -> list[Finding]:
    """Return a finding about the missing rows of the grid.

    Args:
        rows: sorted rows of the table.
        index: [R] step of each row in its series.
        table: rows of the file.
        step: step of the time grid.
        rule: gaps that the settings accept.
        missing_rows: number of missing rows.

    Raises:
        DataError: more than half of the grid is missing, or the frequency changes.
    """
    gaps = np.where(np.diff(rows.series) == 0, np.diff(index), 0)
    formatter = location_formatter(table)
    frequent = not rule.accepted and ROWS_PER_CLOSED_ROW * missing_rows >= len(index)
    closed = frequent and _mostly_adjacent(rows, gaps) and has_opening_hours(rows, step)
    mostly_missing = missing_rows > len(index) and not rule.accepted
    if mostly_missing and (closed or not rule.freq_given):
        raise _too_many_error(rows, gaps, table, step, missing_rows=missing_rows, closed=closed)
    coarse = find_coarser_run(gaps)
    if coarse is not None and not (rule.freq_given or rule.accepted):
        raise DataError(
            f"the frequency changes from {step.name} to {multiple_name(step, int(gaps[coarse]))} at "
            f"{formatter.time(rows.times[coarse])}{in_series_text(table, rows.series[coarse])}",
            hint=f"use --start and --end to keep rows of one frequency, or --freq {step.name} to accept the gaps",
            rule="D515",
            at=formatter.at(rows.lines[coarse]),
            flags=(
                "--start",
                "--end",
                "--freq",
            ),
        )
    if table.resampled and not mostly_missing:
        return []  # the finding about the buckets has counted them
    if mostly_missing:
        advice, flag = gap_advice(rows, step)
    elif closed:
        advice, flag = "opening hours? --gaps skip counts only rows, and fills nothing", "--gaps"
    else:
        advice, flag = "", "--missing"
    row = int(np.argmax(gaps > 1))
    missing = formatter.time(int(step.times(np.asarray(1), rows.times[row])))
    shared = isinstance(step, RowClock)
    of_rows = f" of {missing_rows + len(index):,}" if mostly_missing else ""
    return [
        Finding.at(
            formatter.at(rows.lines[row]),
            "D536" if mostly_missing else "D516",
            f"{count_noun(missing_rows, 'row')}{of_rows} {'is' if missing_rows == 1 else 'are'} missing from the "
            f"{'times of other series' if shared else frequency_label(step)}, the first at {missing}"
            f"{in_series_text(table, rows.series[row])}. Filled as set by --missing"
            + (", because all series share one clock" if shared else "")
            + (f" ({advice})" if advice else ""),
            count=missing_rows,
            flags=("--missing",) if flag == "--missing" else (flag, "--missing"),
        )
    ]


def _mostly_adjacent(rows: SortedRows, gaps: np.ndarray) -> bool:
    """Return whether most rows of each series are one step apart. gaps: [R - 1] steps, 0 between series."""
    series = rows.series[1:]
    adjacent, all_gaps = np.bincount(series, gaps == 1), np.bincount(series, gaps > 0)
    return bool((2 * adjacent >= all_gaps).all())


def _too_many_error(
    rows: SortedRows, gaps: np.ndarray, table: Table, step: Step, *, missing_rows: int, closed: bool
) -> DataError:
    """Return the error for more missing rows than rows. gaps: [R - 1] steps from each row to the next one."""
    formatter = location_formatter(table)
    row = int(np.argmax(gaps))
    ends = [
        f"{formatter.row(rows.lines[edge])} ({formatter.time(rows.times[edge])})" for edge in (row, row + 1)
    ]
    advice, flag = gap_advice(rows, step)
    hint = f"{advice}, or use --freq {step.name} to accept the gaps"
    if closed:
        hint = "use --gaps skip, because the gaps repeat like closed hours, or --gaps fill to fill them"
    return DataError(
        f"too many missing rows: {missing_rows:,} of {missing_rows + len(rows):,} at frequency {step.name}, "
        f"the longest gap from {ends[0]} to {ends[1]}{in_series_text(table, rows.series[row])}",
        hint=hint,
        rule="D514",
        at=in_file(table.source),
        flags=("--gaps",) if closed else (flag, "--freq"),
    )
