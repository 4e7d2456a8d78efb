"""Clock of the rows for `--gaps skip`, and the test of whether a file has opening hours."""

import numpy as np

from lstm_cli.data.frequency.infer import find_usual_step, first_in_file
from lstm_cli.data.frequency.row_clock import RowClock
from lstm_cli.data.frequency.step import DAY, SECOND, WEEK, Step, most_common
from lstm_cli.data.frequency.weekly_slots import (
    MIN_WEEKS,
    MONDAY,
    WeeklySlots,
    find_weekly_slots,
    missing_slots,
)
from lstm_cli.data.grid.frequency_check import choose_step
from lstm_cli.data.grid.sorting import SortedRows, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun

MIN_DAYS = 3  # two days with a gap between them do not show that the gap repeats
NO_SLOTS = np.zeros(0, dtype=np.int64)


def choose_row_clock(
    rows: SortedRows, table: Table, *, requested: Step | None, run_step: RowClock | None
) -> tuple[RowClock, list[Finding]]:
    """Return the clock on which all times of the rows are consecutive steps, and findings about its pattern.

    Args:
        rows: sorted rows of the table.
        table: rows of the file.
        requested: step of --freq; None if not given.
        run_step: clock of the run, whose weekly pattern new data follow; None without a run.

    Raises:
        DataError: no series has two rows, or the rows do not fit --freq or the run.
    """
    known = rows.times if len(table.series_names) == 1 else np.unique(rows.times)
    if run_step is not None:
        _require_usual_step(rows, table, run_step)
        week = (known[[0, -1]] + MONDAY) // WEEK
        missing = missing_slots(known, run_step.slots, int(week[0]), int(week[1]))
        clock = RowClock(usual=run_step.usual, slots=run_step.slots, known=known)
        slots = (known + MONDAY) % WEEK
        unusual = known[~np.isin(slots, run_step.slots)] if len(run_step.slots) else NO_SLOTS
        return clock, [
            *_missing_slots_finding(rows, table, missing),
            *_unusual_times_finding(rows, table, unusual, run_step.usual),
        ]
    if requested is not None:
        usual = _require_step(rows, table, requested)
    else:
        usual = find_usual_step(
            rows.times, rows.series, location_formatter(table), whole=table.time_format.is_integer
        )
    if not _may_have_slots(usual):
        return RowClock(usual=usual, slots=NO_SLOTS, known=known), []
    found = find_weekly_slots(known)
    clock = RowClock(usual=usual, slots=found.slots, known=known)
    return clock, [
        *_pattern_findings(table, found, usual),
        *_missing_slots_finding(rows, table, found.missing),
        *_unusual_times_finding(rows, table, found.unusual, usual),
    ]


def _require_step(rows: SortedRows, table: Table, requested: Step) -> Step:
    """Return the step of --freq. Raise DataError for a row that is not on its grid."""
    try:
        return choose_step(rows, table, requested=requested, fixed=None)
    except DataError as error:
        error.hint = f"{error.hint}, or leave out --freq, because --gaps skip needs no time grid"
        raise


def has_opening_hours(rows: SortedRows, step: Step) -> bool:
    """Return whether most gaps of the rows, on a time grid with this step, repeat each week."""
    if not _may_have_slots(step):
        return False
    times = np.unique(rows.times)
    found = find_weekly_slots(times)
    gaps = int(step.index(times[-1:], int(times[0]))[0][0]) + 1 - len(times)
    days = len(np.unique(times // DAY))
    return len(found.slots) > 0 and days >= MIN_DAYS and 2 * len(found.missing) < gaps


def _may_have_slots(step: Step) -> bool:
    """Return whether a weekly pattern can continue rows with this usual step."""
    return step.kind == "business" or (step.kind == "seconds" and SECOND <= step.count <= WEEK)


def _pattern_findings(table: Table, found: WeeklySlots, usual: Step) -> list[Finding]:
    """Return a finding if the times of the forecast are uncertain."""
    if not len(found.slots):
        return [
            Finding.at(
                in_file(table.source),
                "D552",
                f"the rows have no weekly pattern, so the forecast continues with frequency {usual.name} "
                "(use --gaps fill for a time grid)",
                flags=("--gaps",),
            )
        ]
    if found.weeks >= MIN_WEEKS:
        return []
    days = len(np.unique(found.slots // DAY))
    return [
        Finding.at(
            in_file(table.source),
            "D551",
            f"the rows cover less than {MIN_WEEKS} weeks, so the times of the forecast are a guess: "
            f"{count_noun(len(found.slots), 'row')} a week on {count_noun(days, 'day')} "
            "(use --gaps fill for a time grid)",
            flags=("--gaps",),
        )
    ]


def _missing_slots_finding(rows: SortedRows, table: Table, missing_us: np.ndarray) -> list[Finding]:
    """Return a finding about usual times without a row; missing_us: [M] times, rising."""
    if not len(missing_us):
        return []
    formatter = location_formatter(table)
    earlier = np.where(rows.times < missing_us[0], rows.times, np.iinfo(np.int64).min)
    count = len(missing_us)
    return [
        Finding.at(
            formatter.at(rows.lines[int(np.argmax(earlier))]),
            "D550",
            f"{count_noun(count, 'row')} {'is' if count == 1 else 'are'} missing at usual times, the first at "
            f"{formatter.time(int(missing_us[0]))}; not filled, because only rows count (--gaps fill fills gaps)",
            count=count,
            flags=("--gaps",),
        )
    ]


def _unusual_times_finding(
    rows: SortedRows, table: Table, unusual_us: np.ndarray, usual: Step
) -> list[Finding]:
    """Return a finding about rows outside of the weekly pattern.

    unusual_us: [N] times, rising; usual: step between most rows.
    """
    if not len(unusual_us):
        return []
    formatter = location_formatter(table)
    count = len(unusual_us)
    row = first_in_file(rows.lines, np.isin(rows.times, unusual_us))
    is_late = usual.kind == "seconds" and not usual.index(rows.times[row : row + 1], int(rows.times[0]))[1][0]
    advice = (
        f"correct the time, or use --freq {usual.name} --resample nearest to round it"
        if is_late
        else f"correct the time, delete the {'row' if count == 1 else 'rows'}, or use --gaps fill"
    )
    return [
        Finding.at(
            formatter.at(rows.lines[row]),
            "D564",
            f"{count_noun(count, 'row')} {'is' if count == 1 else 'are'} outside of the usual times, the first at "
            f"{formatter.time(int(rows.times[row]))}; each row counts, so the season is shifted ({advice})",
            count=count,
            flags=("--freq", "--resample") if is_late else ("--gaps",),
        )
    ]


def _require_usual_step(rows: SortedRows, table: Table, run_step: RowClock) -> None:
    """Raise DataError unless most new rows are as far apart as those of the run, if the run has a weekly pattern."""
    steps = np.diff(run_step.usual.index(rows.times, int(rows.times[0]))[0])
    steps = steps[rows.series[1:] == rows.series[:-1]]
    if not len(run_step.slots) or not len(steps) or most_common(steps) == 1:
        return
    formatter = location_formatter(table)
    raise DataError(
        f"wrong frequency: most rows of {table.source} are not {run_step.name} apart, as the rows of the run are "
        f"(see {formatter.row(rows.lines[0])}, {formatter.time(rows.times[0])})",
        hint="give data with the frequency of the run, or prepare a run from these data",
        rule="D505",
    )
