"""Inference of a file's time step from its times."""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from lstm_cli.data.chunks import row_chunks, series_starts
from lstm_cli.data.frequency.calendar_slots import MONTH_END, first_day_of_month, month_of
from lstm_cli.data.frequency.step import BUSINESS, DAY, HOUR, Step, most_common, series_start_times
from lstm_cli.data.frequency.suggested_step import MAX_MISSING, jittered_step, missing_share, suggested_step
from lstm_cli.data.frequency.weekly_slots import find_weekly_slots
from lstm_cli.data.locations import LocationFormatter
from lstm_cli.errors import DataError

_WHOLE_HINT = (
    "correct the line, or set the frequency with --freq. Rows missing from its grid then become gaps"
)
MOSTLY_REGULAR = 0.9  # share of rows on the grid; with fewer, no single line is wrong


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
    gaps, counts = _known_gaps(times_us, series, wording, whole=whole)
    usual = int(gaps[np.argmax(counts)])
    step, on_grid = _best_step(times_us, series, usual, whole=whole)
    if on_grid.all():
        return step
    row = first_in_file(lines, ~on_grid)
    raise DataError(
        f"{wording.time(times_us[row])} is not on the time grid (the frequency seems to be {step.name}, "
        f"starting at {wording.time(series_start_times(times_us, series)[row])})",
        hint=_irregular_hint(gaps, counts, usual, _next_gaps(row, times_us, series), whole=whole)
        or (_WHOLE_HINT if whole else _grid_hint(step, on_grid, gaps, counts, times_us)),
        flags=("--freq", "--resample", "--gaps", "--start", "--end"),
        rule="D502",
        at=wording.at(lines[row]),
    )


def find_usual_step(
    times_us: np.ndarray, series: np.ndarray, wording: LocationFormatter, *, whole: bool = False
) -> Step:
    """Return the step that fits most rows, as `find_step` finds it, also for irregular times.

    Args:
        times_us: times [R] int64, increasing within each series.
        series: series of each row [R]; the rows of a series are contiguous.
        wording: formatter of lines and times in messages.
        whole: times are whole numbers, which no calendar rules.

    Raises:
        DataError: no series has two rows.
    """
    gaps, counts = _known_gaps(times_us, series, wording, whole=whole)
    return _best_step(times_us, series, int(gaps[np.argmax(counts)]), whole=whole)[0]


def _known_gaps(
    times_us: np.ndarray, series: np.ndarray, wording: LocationFormatter, *, whole: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of `count_gaps`. Raise DataError if no series has two rows."""
    gaps, counts = count_gaps(times_us, series)
    if not len(gaps):
        each = "" if len(times_us) == 1 else " in each series"
        raise DataError(
            f"{wording.source} has only one row{each}, so the frequency cannot be inferred",
            hint=f"set the frequency, e.g. --freq {'1' if whole else 'h'}",
            rule="D501",
            flags=("--freq",),
        )
    return gaps, counts


def _best_step(
    times_us: np.ndarray, series: np.ndarray, usual: int, *, whole: bool
) -> tuple[Step, np.ndarray]:
    """Return the most specific step that fits all rows, else the one that fits most, and the rows [R] on its grid."""
    begins = series_starts(series)
    best: tuple[Step, np.ndarray] | None = None
    steps = [Step(kind="unit", count=usual)] if whole else _candidate_steps(times_us, series, usual)
    for step in steps:
        on_grid = step.on_grid(times_us, begins)
        if on_grid.all():
            return step, on_grid
        if best is None or on_grid.sum() > best[1].sum():
            best = (step, on_grid)
    assert best is not None  # the step of `usual` microseconds is always a candidate
    return best


def count_gaps(times_us: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
    """Return steps that the times may follow, the simplest first."""
    steps = []
    seconds = Step(kind="seconds", count=usual)
    if 13 * DAY <= usual <= 17 * DAY:
        return [seconds, *(Step(kind="half-months", day=day) for day in (1, MONTH_END))]
    if usual != DAY and usual < 28 * DAY:
        return [seconds]
    days = times_us // DAY
    pairs = series[1:] == series[:-1]
    if usual >= 28 * DAY:
        count = most_common(np.diff(month_of(days))[pairs])
        steps = _month_steps(days, count) if count > 0 else []
        business = [Step(kind="business-months", count=count, day=day) for day in (MONTH_END, 1)]
        return [*steps, seconds, *(business if count > 0 else [])]
    if ((days + 3) % 7 < 5).all():
        passed = (np.diff((days + 3) // 7) > 0) & pairs
        if passed.any():  # without a weekend between rows, daily data and business days look alike
            steps.append(BUSINESS)
    return [*steps, seconds]


def _month_steps(days: np.ndarray, count: int) -> list[Step]:
    """Return steps of `count` months that rows on these days [R] may follow, the likely ones first."""
    months = month_of(days)
    day = days - first_day_of_month(months) + 1
    at_end = day == first_day_of_month(months + 1) - first_day_of_month(months)
    # The month end comes first, because 30 June and 30 September are usually month ends, not a day 30.
    likely = ([MONTH_END] if 2 * at_end.sum() > len(day) else []) + [32 - most_common(32 - day)]
    return [Step(kind="months", count=count, day=month_day) for month_day in likely]


def month_step_of_rows(step: Step, times_us: np.ndarray, series: np.ndarray) -> Step:
    """Return a step of months with the day that the rows decide: start or end of the month, or another day.

    Args:
        step: step of M, Q or Y.
        times_us: times [R] int64, increasing within each series.
        series: series of each row [R]; the rows of a series are contiguous.
    """
    begins = series_starts(series)
    fixed = [replace(step, day=day) for day in (1, MONTH_END)]
    business = [replace(step, kind="business-months", day=day) for day in (1, MONTH_END)]
    candidates = [*fixed, *_month_steps(times_us // DAY, step.count), *business]
    fitting = [candidate.on_grid(times_us, begins).sum() for candidate in candidates]
    return candidates[int(np.argmax(fitting))]  # the first of the best ones


def _next_gaps(row: int, times_us: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return the next time differences after a row within its series, at most ten."""
    same = series[row : row + 11] == series[row]
    return np.diff(times_us[row : row + 11][same])


def _irregular_hint(
    gaps: np.ndarray, counts: np.ndarray, usual: int, after: np.ndarray, *, whole: bool
) -> str:
    """Return the hint for irregular times with a known reason; "" for others.

    Args:
        gaps: distinct differences.
        counts: their numbers.
        usual: the most common difference.
        after: differences after the first row off the grid.
        whole: times are whole numbers.
    """
    if len(after) >= 5 and (after == after[0]).all() and 0 < after[0] < usual and usual % after[0] == 0:
        kind = "unit" if whole else "seconds"
        step = Step(kind=kind, count=int(after[0]))
        finer, coarser = step.name, Step(kind=kind, count=usual).name
        if missing_share(step, gaps, counts) > MAX_MISSING and not whole:
            accept = f"With --freq {coarser} --resample mean the later rows are aggregated"
        else:
            accept = f"With --freq {finer} the earlier rows have gaps"
        return f"the frequency changes to {finer} here. Select rows of one frequency with --start and --end. {accept}"
    odd = gaps[gaps % usual != 0] % usual
    if (
        not whole
        and usual % DAY == 0
        and gaps[0] >= usual - HOUR
        and np.isin(odd, (HOUR, usual - HOUR)).all()
    ):
        return (
            "local days with offsets shift by an hour when daylight saving time changes. Write the dates without "
            f"offsets, or use --freq {Step(kind='seconds', count=usual).name} --resample nearest"
        )
    return ""


def _grid_hint(
    step: Step, on_grid: np.ndarray, gaps: np.ndarray, counts: np.ndarray, times_us: np.ndarray
) -> str:
    """Return the hint with the options that make a grid of irregular times [R].

    step: step that fits most rows; on_grid: [R] rows that it fits; gaps, counts: result of `count_gaps`.
    """
    if find_weekly_slots(np.unique(times_us)).hold_all_but_few(times_us):
        return "use --gaps skip, because the rows have a weekly pattern, such as opening hours"
    if on_grid.mean() >= MOSTLY_REGULAR:
        return f"correct the line, or use --freq {step.name} --resample nearest to round the times to the time grid"
    jittered = jittered_step(gaps, counts)
    if jittered is not None:
        return f"use --freq {jittered.name} --resample nearest to round the times to the time grid"
    suggested = suggested_step(gaps, counts, whole=False)
    return f"use --freq {suggested.name} --resample mean to aggregate the rows to a time grid"


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
