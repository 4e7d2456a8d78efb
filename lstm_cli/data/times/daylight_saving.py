"""Daylight saving time: hours that a local clock shows twice or skips."""

import numpy as np

from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.data.times.frequency import DAY, HOUR, UNIT, Step

# Month, first and last day of the Sundays on which clocks are, or lately were, put forward somewhere: America and
# Europe in March and April, Chile, New Zealand, Australia, Paraguay and Brazil in September to November.
SPRING_SUNDAYS = ((3, 8, 14), (3, 25, 31), (4, 1, 7), (9, 2, 8), (9, 24, 30), (10, 1, 21), (11, 1, 7))


def skipped_hours(first_us: np.ndarray, rows: np.ndarray, step: Step, time_format: TimeFormat) -> np.ndarray:
    """Return which gaps are one hour that local clocks skip as daylight saving begins.

    Only times without an offset, in steps of an hour or less, can show it.

    Args:
        first_us: [G] the first time of each gap that has no row, in microseconds.
        rows: [G] how many rows are missing.
    """
    if step == UNIT or step.kind != "seconds" or step.count > HOUR or time_format.has_offset:
        return np.zeros(len(rows), dtype=bool)
    day = first_us // DAY
    months = day.astype("datetime64[D]").astype("datetime64[M]")
    day_of_month = day - months.astype("datetime64[D]").astype(np.int64) + 1
    month = months.astype(np.int64) % 12 + 1
    sunday = np.zeros(len(day), dtype=bool)
    for spring_month, first, last in SPRING_SUNDAYS:
        sunday |= (month == spring_month) & (day_of_month >= first) & (day_of_month <= last)
    hour = (rows * step.count == HOUR) & (first_us % HOUR == 0)
    return hour & sunday & is_dst_change_night(first_us)


def is_ambiguous_hour(times_us: np.ndarray, time_format: TimeFormat) -> np.ndarray:
    """Return which times [n] look like an hour that local clocks show twice, at the end of daylight saving."""
    if time_format.has_offset:
        return np.zeros(len(times_us), dtype=bool)
    return is_dst_change_night(times_us) & (
        times_us % DAY > 0
    )  # midnight does not count: so are days written


def is_dst_change_night(times_us: np.ndarray) -> np.ndarray:
    """Which times [n] lie where local clocks are put forward or back somewhere.

    That is in March, April, September, October or November, on a Sunday before 4 o'clock.
    """
    sunday = (times_us // DAY + 3) % 7 == 6
    month = times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return sunday & np.isin(month, (3, 4, 9, 10, 11)) & (times_us % DAY < 4 * HOUR)
