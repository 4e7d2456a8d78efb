"""Buckets of `--resample`: consecutive spans of time, one for each step, aligned to the calendar.

Days begin at midnight, weeks on Monday, and months on their first day. So all series and new data have the same
buckets. A bucket has the time of its start, but steps such as ME and BME name another day of the month.
"""

import numpy as np

from lstm_cli.data.times.calendar_slots import MONTH_END, slot_row_days, slot_start_days, slots_of_days
from lstm_cli.data.times.formats import DAY
from lstm_cli.data.times.frequency import WEEK, Step

MONDAY = -3 * DAY  # 1969-12-29


def buckets_of_times(step: Step, times_us: np.ndarray) -> np.ndarray:
    """Return the bucket (int64) that holds each time."""
    if step.kind in ("seconds", "unit"):
        return (times_us - _origin(step)) // step.count
    return slots_of_days(step.kind, step.day, times_us // DAY) // step.count


def bucket_times(step: Step, buckets: np.ndarray) -> np.ndarray:
    """Return the time of the row of each bucket, in microseconds."""
    if step.kind in ("seconds", "unit"):
        return _origin(step) + buckets * step.count
    last = step.kind != "weeks" and step.day == MONTH_END
    slots = buckets * step.count + (step.count - 1 if last else 0)
    return slot_row_days(step.kind, step.day, slots) * DAY


def bucket_ends(step: Step, buckets: np.ndarray) -> np.ndarray:
    """Return the time at which each bucket ends and the next one begins, in microseconds."""
    if step.kind in ("seconds", "unit"):
        return _origin(step) + (buckets + 1) * step.count
    return slot_start_days(step.kind, step.day, (buckets + 1) * step.count) * DAY


def nearest_times(step: Step, times_us: np.ndarray) -> np.ndarray:
    """Return for each time the nearest time of a bucket's row; of two as near, the earlier one."""
    buckets = buckets_of_times(step, times_us)
    nearest = bucket_times(step, buckets - 1)
    for near in (buckets, buckets + 1):
        times = bucket_times(step, near)
        nearest = np.where(np.abs(times - times_us) < np.abs(nearest - times_us), times, nearest)
    return nearest


def _origin(step: Step) -> int:
    return MONDAY if step.count % WEEK == 0 else 0
