"""Inference of a file's time step from its times."""

from typing import Any, Protocol

import numpy as np

from lstm_cli.data.chunks import row_chunks, series_starts
from lstm_cli.data.locations import LocationFormatter
from lstm_cli.data.times.frequency import (
    BUSINESS,
    DAY,
    HOUR,
    MONTH_END,
    Step,
    first_day_of_month,
    month_of,
    series_start_times,
)
from lstm_cli.errors import DataError


class LineNumbers(Protocol):
    """Line number of each row: an array, or an object that looks up the lines on demand."""

    def __getitem__(self, rows: Any) -> Any: ...


def find_step(
    times_us: np.ndarray,
    series: np.ndarray,
    *,
    lines: LineNumbers,
    wording: LocationFormatter,
    whole: bool = False,
) -> Step:
    """Return the step that all series share; each series may begin at its own time.

    Args:
        times_us: times [R] int64, increasing within each series.
        series: series of each row [R]; the rows of a series are contiguous.
        lines: line of each row [R] int64 in the file.
        wording: formatter of lines and times in messages.
        whole: times are whole numbers, which no calendar rules.

    Raises:
        DataError: no series has two rows, or the times are irregular (with the first line off the grid).
    """
    begins = series_starts(series)
    gaps, counts = _count_gaps(times_us, series)
    if not len(gaps):
        each = "" if len(times_us) == 1 else " in each series"
        raise DataError(
            f"{wording.source} has only one row{each}, so the frequency cannot be inferred",
            hint=f"set the frequency, e.g. --freq {'1' if whole else 'h'}",
            rule="D501",
            flags=("--freq",),
        )
    usual = int(gaps[np.argmax(counts)])
    best: tuple[Step, np.ndarray] | None = None
    steps = [Step(kind="unit", count=usual)] if whole else _candidate_steps(times_us, series, usual)
    for step in steps:
        on_grid = step.on_grid(times_us, begins)
        if on_grid.all():
            return step
        if best is None or on_grid.sum() > best[1].sum():
            best = (step, on_grid)
    assert best is not None  # the step of `usual` microseconds is always a candidate
    step, on_grid = best
    row = first_in_file(lines, ~on_grid)
    raise DataError(
        f"{wording.time(times_us[row])} is not on the time grid (the frequency seems to be {step.name}, "
        f"starting at {wording.time(series_start_times(times_us, series)[row])})",
        hint=_irregular_hint(gaps, usual, _next_gaps(row, times_us, series), whole=whole),
        flags=("--start", "--end", "--freq"),
        rule="D502",
        at=wording.at(lines[row]),
    )


def _count_gaps(times_us: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct time differences between rows of a series, sorted, and how often each occurs."""
    counts: dict[int, int] = {}
    for span in row_chunks(len(series) - 1):
        both = slice(span.start, span.stop + 1)
        gaps = np.diff(times_us[both])[series[both][1:] == series[both][:-1]]
        if len(gaps) and (gaps == gaps[0]).all():  # the usual case, which needs no sorting
            counts[int(gaps[0])] = counts.get(int(gaps[0]), 0) + len(gaps)
            continue
        for gap, count in zip(
            *(array.tolist() for array in np.unique(gaps, return_counts=True)), strict=True
        ):
            counts[gap] = counts.get(gap, 0) + count
    ordered = sorted(counts.items())
    return np.array([gap for gap, _ in ordered], dtype=np.int64), np.array([count for _, count in ordered])


def _candidate_steps(times_us: np.ndarray, series: np.ndarray, usual: int) -> list[Step]:
    """Return steps that the times may follow, the most specific first."""
    steps = []
    if usual < 28 * DAY and usual != DAY:
        return [Step(kind="seconds", count=usual)]
    days = times_us // DAY
    pairs = series[1:] == series[:-1]
    if usual >= 28 * DAY:
        months = month_of(days)
        count = most_common(np.diff(months)[pairs])
        day = days - first_day_of_month(months) + 1
        at_end = day == first_day_of_month(months + 1) - first_day_of_month(months)
        # The month end comes first, because 30 June and 30 September are usually month ends, not a day 30.
        likely = ([MONTH_END] if 2 * at_end.sum() > len(day) else []) + [32 - most_common(32 - day)]
        steps += [Step(kind="months", count=count, day=month_day) for month_day in likely if count > 0]
    elif ((days + 3) % 7 < 5).all():
        passed = (np.diff((days + 3) // 7) > 0) & pairs
        if passed.any():  # without a weekend between rows, daily data and business days look alike
            steps.append(BUSINESS)
    return [*steps, Step(kind="seconds", count=usual)]


def _next_gaps(row: int, times_us: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return the next time differences after a row within its series, at most ten."""
    same = series[row : row + 11] == series[row]
    return np.diff(times_us[row : row + 11][same])


def _irregular_hint(gaps: np.ndarray, usual: int, after: np.ndarray, *, whole: bool) -> str:
    """Return the hint for irregular times.

    Args:
        gaps: distinct differences.
        usual: the most common difference.
        after: differences after the first row off the grid.
        whole: times are whole numbers.
    """
    if len(after) >= 5 and (after == after[0]).all() and 0 < after[0] < usual and usual % after[0] == 0:
        finer = Step(kind="unit" if whole else "seconds", count=int(after[0])).name
        return (
            f"the frequency changes to {finer} here. Select rows of one frequency with --start and --end. "
            f"With --freq {finer} the earlier rows have gaps"
        )
    odd = gaps[gaps % usual != 0] % usual
    if not whole and usual % DAY == 0 and np.isin(odd, (HOUR, usual - HOUR)).all():
        return (
            "local days with offsets shift by an hour when daylight saving time changes. "
            "Write the dates without offsets, or set --freq"
        )
    return "correct the line, or set the frequency with --freq. Rows missing from its grid then become gaps"


def most_common(values: np.ndarray) -> int:
    """Return the most common of some integers, the smallest if several are equally common."""
    if (values == values[0]).all():  # the usual case of long files, which needs no sorting
        return int(values[0])
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[np.argmax(counts)])


def first_in_file(lines: LineNumbers, chosen: np.ndarray) -> int:
    """Return which of the chosen rows (bool [R], at least one True) comes first in the file."""
    rows = np.flatnonzero(chosen)
    return int(rows[np.argmin(lines[rows])])


MIN_COARSER_STEPS = 10  # at least this many equal gaps in a row are a coarser step, not missing rows


def find_coarser_run(gaps: np.ndarray) -> int | None:
    """Return the first row of a run with a step longer than 1; None if there is no such run.

    gaps: [R - 1] steps from each row to the next one, 0 between series.
    """
    begins = (
        np.flatnonzero(np.append(True, gaps[1:] != gaps[:-1])) if len(gaps) else np.zeros(0, dtype=np.int64)
    )
    lengths = np.diff(np.append(begins, len(gaps)))
    long = begins[(gaps[begins] > 1) & (lengths >= MIN_COARSER_STEPS)]
    return int(long[0]) if len(long) else None


def multiple_name(step: Step, factor: int) -> str:
    """Return the name of a step that is `factor` times as long.

    >>> multiple_name(Step(kind="months", count=1, day=31), 3)
    'QE'
    """
    if step.kind == "business":
        return f"{factor} business days"
    return Step(kind=step.kind, count=step.count * factor, day=step.day).name
