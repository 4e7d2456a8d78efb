"""Daylight saving time: hours that a local clock shows twice or skips."""

import numpy as np

from lstm_cli.data.frequency.step import DAY, HOUR, Step
from lstm_cli.data.times.formats import TimeFormat

# Month, first and last day of the Sundays on which clocks go forward somewhere, or recently did.
# America and Europe: March and April. Chile, New Zealand, Australia, Paraguay and Brazil: September to November.
SPRING_SUNDAYS = ((3, 8, 14), (3, 25, 31), (4, 1, 7), (9, 2, 8), (9, 24, 30), (10, 1, 21), (11, 1, 7))


def skipped_hours(first_us: np.ndarray, rows: np.ndarray, step: Step, time_format: TimeFormat) -> np.ndarray:
    """Return which gaps, bool [G], are the hour that local clocks skip when daylight saving begins.

    The result is False for times with an offset or with `--tz`, and for steps longer than an hour.

    Args:
        first_us: first missing time of each gap [G], in microseconds.
        rows: number of missing rows of each gap [G].
        step: step of the time grid.
        time_format: format of the file's times; it shows whether they have an offset.
    """
    if step.kind != "seconds" or step.count > HOUR or not time_format.is_ambiguous:
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
    """Return which times [n] may be the hour that local clocks show twice when daylight saving ends."""
    if not time_format.is_ambiguous:
        return np.zeros(len(times_us), dtype=bool)
    # Midnight does not count, because files of days have only midnights.
    return is_dst_change_night(times_us) & (times_us % DAY > 0)


def is_dst_change_night(times_us: np.ndarray) -> np.ndarray:
    """Return which times [n] are in a night when clocks change somewhere.

    That is a Sunday before 04:00 in March, April, September, October or November.
    """
    sunday = (times_us // DAY + 3) % 7 == 6
    month = times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return sunday & np.isin(month, (3, 4, 9, 10, 11)) & (times_us % DAY < 4 * HOUR)
