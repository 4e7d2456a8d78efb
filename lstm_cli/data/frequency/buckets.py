"""Buckets of `--resample`: consecutive spans of time, one for each step, aligned to the calendar.

Days begin at midnight, weeks on Monday, and months on their first day. Buckets of several days, such as 3D and 7D,
begin with the first day of the file, and those of new data continue the buckets of the run. So all series have the
same buckets. A bucket has the time of its start, but steps such as ME and BME name another day of the month.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.frequency.calendar_slots import MONTH_END, slot_row_days, slot_start_days, slots_of_days
from lstm_cli.data.frequency.step import WEEK, Step
from lstm_cli.data.times.formats import DAY

MONDAY = -3 * DAY  # 1969-12-29


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """Buckets of a step. They are numbered; all methods take and return int64 arrays of any shape."""

    step: Step
    offset_us: int = (
        0  # local clock minus UTC; steps of months have the months of UTC, because their grids have too
    )
    first_us: int = 0  # a time of the first day, from which buckets of several days are counted
    from_monday: bool = True  # buckets of whole weeks begin on Monday; False: on the weekday of `first_us`

    def containing(self, times_us: np.ndarray) -> np.ndarray:
        """Return the bucket that holds each time."""
        if self._is_uniform:
            return (times_us - self._origin) // self.step.count
        return slots_of_days(self.step.kind, self.step.day, times_us // DAY) // self.step.count

    def times(self, buckets: np.ndarray) -> np.ndarray:
        """Return the time of the row of each bucket, in microseconds."""
        count = self.step.count
        if self._is_uniform:
            return self._origin + buckets * count
        named_by_end = self.step.kind != "weeks" and self.step.day == MONTH_END
        slots = buckets * count + (count - 1 if named_by_end else 0)
        return slot_row_days(self.step.kind, self.step.day, slots) * DAY

    def ends(self, buckets: np.ndarray) -> np.ndarray:
        """Return the time at which each bucket ends and the next one begins, in microseconds."""
        following = (buckets + 1) * self.step.count
        if self._is_uniform:
            return self._origin + following
        return slot_start_days(self.step.kind, self.step.day, following) * DAY

    def nearest_times(self, times_us: np.ndarray) -> np.ndarray:
        """Return for each time the nearest time of a bucket's row; of two as near, the earlier one."""
        buckets = self.containing(times_us)
        nearest = self.times(buckets - 1)
        for near in (buckets, buckets + 1):
            times = self.times(near)
            nearest = np.where(np.abs(times - times_us) < np.abs(nearest - times_us), times, nearest)
        return nearest

    @property
    def _is_uniform(self) -> bool:
        return self.step.kind in ("seconds", "unit")

    @property
    def _origin(self) -> int:
        """Return the start of bucket 0."""
        if self.step.count % WEEK == 0 and self.from_monday:
            return MONDAY - self.offset_us
        day = (self.first_us + self.offset_us) // DAY * DAY if self.step.count % DAY == 0 else 0
        return day - self.offset_us

    def starts(self, buckets: np.ndarray) -> np.ndarray:
        """Return the time at which each bucket begins, in microseconds."""
        return self.ends(buckets - 1)
