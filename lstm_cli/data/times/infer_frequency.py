"""The time step of a file, found from its times."""

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
    """The line that each row stands on: an array, or lines that are looked up where they are asked for."""

    def __getitem__(self, rows: Any) -> Any: ...


def find_step(
    times_us: np.ndarray, series: np.ndarray, *, lines: LineNumbers, wording: LocationFormatter
) -> Step:
    """The one step that all series share; each may begin at another time.

    times_us: [R] int64, rising within each series; series: [R] which series a row belongs to, its rows side
    by side; lines: [R] int64, where the rows stand in the file. Raises DataError where no series has two rows
    and, naming the first line that is off the grid, where the times are irregular.
    """
    begins = series_starts(series)
    gaps, counts = _count_gaps(times_us, series)
    if not len(gaps):
        each = "" if len(times_us) == 1 else " in each series"
        raise DataError(
            f"{wording.source} has one row{each}, so the time step cannot be found",
            hint="name it with --freq, e.g. --freq h",
            rule="D501",
            flags=("--freq",),
        )
    usual = int(gaps[np.argmax(counts)])
    best: tuple[Step, np.ndarray] | None = None
    for step in _candidate_steps(times_us, series, usual):
        on_grid = step.on_grid(times_us, begins)
        if on_grid.all():
            return step
        if best is None or on_grid.sum() > best[1].sum():
            best = (step, on_grid)
    assert best is not None  # the step of `usual` microseconds is always a candidate
    step, on_grid = best
    row = first_in_file(lines, ~on_grid)
    raise DataError(
        f"{wording.time(times_us[row])} is off the time grid, whose step seems "
        f"to be {step.name} from {wording.time(series_start_times(times_us, series)[row])} on",
        hint=_irregular_hint(gaps, usual, _next_gaps(row, times_us, series)),
        flags=("--start", "--end", "--freq"),
        rule="D502",
        at=wording.at(lines[row]),
    )


def _count_gaps(times_us: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different gaps from row to row within a series, rising, and how many there are of each."""
    counts: dict[int, int] = {}
    for span in row_chunks(len(series) - 1):
        both = slice(span.start, span.stop + 1)
        gaps = np.diff(times_us[both])[series[both][1:] == series[both][:-1]]
        if len(gaps) and (gaps == gaps[0]).all():  # usual, and spares sorting them
            counts[int(gaps[0])] = counts.get(int(gaps[0]), 0) + len(gaps)
            continue
        for gap, count in zip(*(each.tolist() for each in np.unique(gaps, return_counts=True)), strict=True):
            counts[gap] = counts.get(gap, 0) + count
    ordered = sorted(counts.items())
    return np.array([gap for gap, _ in ordered], dtype=np.int64), np.array([count for _, count in ordered])


def _candidate_steps(times_us: np.ndarray, series: np.ndarray, usual: int) -> list[Step]:
    """Steps that the times may follow, the most telling first."""
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
        # A month's end is tried first: 30 June and 30 September are more often that than a day 30.
        likely = ([MONTH_END] if 2 * at_end.sum() > len(day) else []) + [32 - most_common(32 - day)]
        steps += [Step(kind="months", count=count, day=one) for one in likely if count > 0]
    elif ((days + 3) % 7 < 5).all():
        passed = (np.diff((days + 3) // 7) > 0) & pairs
        if passed.any():  # without a weekend between two rows the days may as well be all seven
            steps.append(BUSINESS)
    return [*steps, Step(kind="seconds", count=usual)]


def _next_gaps(row: int, times_us: np.ndarray, series: np.ndarray) -> np.ndarray:
    """The next gaps after a row, within its series; at most ten."""
    same = series[row : row + 11] == series[row]
    return np.diff(times_us[row : row + 11][same])


def _irregular_hint(gaps: np.ndarray, usual: int, after: np.ndarray) -> str:
    """gaps: all; usual: the most common one; after: those after the first row that is off the grid."""
    if len(after) >= 5 and (after == after[0]).all() and 0 < after[0] < usual and usual % after[0] == 0:
        finer = Step(kind="seconds", count=int(after[0])).name
        return (
            f"the step changes to {finer} there: --start and --end choose the rows of one step; --freq {finer} "
            "takes the rows before for ones with holes"
        )
    odd = gaps[gaps % usual != 0] % usual
    if usual % DAY == 0 and np.isin(odd, (HOUR, usual - HOUR)).all():
        return (
            "local days written with offsets shift by an hour at daylight saving: write the dates without "
            "offsets, or name the step with --freq"
        )
    return (
        "mend that line, or name the step with --freq; rows that it expects and the file lacks become holes"
    )


def most_common(values: np.ndarray) -> int:
    """The most common of some integers, the least of them where several are."""
    if (values == values[0]).all():  # usual for long files, and spares sorting them
        return int(values[0])
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[np.argmax(counts)])


def first_in_file(lines: LineNumbers, chosen: np.ndarray) -> int:
    """Which row among the chosen ones (bool [R], some True) comes first in the file."""
    rows = np.flatnonzero(chosen)
    return int(rows[np.argmin(lines[rows])])


MIN_COARSER_STEPS = 10  # so many gaps alike, one after another, are another step and no holes


def find_coarser_run(gaps: np.ndarray) -> int | None:
    """The first row whose next rows follow in a step longer than 1; None where there is no such stretch.

    gaps: [R - 1] steps from each row to the next one, 0 between series.
    """
    begins = (
        np.flatnonzero(np.append(True, gaps[1:] != gaps[:-1])) if len(gaps) else np.zeros(0, dtype=np.int64)
    )
    lengths = np.diff(np.append(begins, len(gaps)))
    long = begins[(gaps[begins] > 1) & (lengths >= MIN_COARSER_STEPS)]
    return int(long[0]) if len(long) else None


def multiple_name(step: Step, factor: int) -> str:
    """The name of a step so many times as long.

    >>> stretched(Step(kind="months", count=1, day=31), 3)
    'QE'
    """
    if step.kind in ("business", "unit"):
        return f"{factor} {'business days' if step.kind == 'business' else 'rows'}"
    return Step(kind=step.kind, count=step.count * factor, day=step.day).name
