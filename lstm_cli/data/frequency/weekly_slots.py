"""Weekly pattern of rows, such as opening hours: the slots of the week at which rows are usually there."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.frequency.step import DAY, WEEK

MONDAY = 3 * DAY  # 1970-01-01 was a Thursday, so each week of int64 times begins three days earlier
MIN_WEEKS = 3  # fewer weeks cannot show a weekly pattern, so the days are compared instead
PERIOD_WEEKS = 8  # each period has its own pattern, because opening hours change
CLEAR_SHARE = 0.9  # a hint names the pattern only if this share of the rows lies in its slots
REGULAR_SHARE = 0.5  # at least this share of the rows lies in the slots of a pattern


@dataclass(frozen=True, kw_only=True)
class WeeklySlots:
    """Weekly pattern of some times."""

    slots: np.ndarray  # [P] int64, microseconds since Monday 00:00, rising; empty: no regular pattern
    missing: np.ndarray  # [M] int64, times of usual slots without a row, rising
    unusual: np.ndarray  # [N] int64, times with a row outside of the slots of their period, rising
    weeks: int  # weeks with rows

    def hold_all_but_few(self, times_us: np.ndarray) -> bool:
        """Return whether nearly all times [n] of at least three weeks lie in the slots.

        Slots that divide the whole week evenly are no pattern, but a time grid.
        """
        few = len(self.slots) == 0 or self.weeks < MIN_WEEKS
        apart = np.diff(self.slots, append=self.slots[:1] + WEEK)
        even = bool((apart == apart[:1]).all())
        return (
            not few
            and not even
            and bool(np.isin((times_us + MONDAY) % WEEK, self.slots).mean() >= CLEAR_SHARE)
        )


def find_weekly_slots(times_us: np.ndarray) -> WeeklySlots:
    """Return the weekly pattern of times [U], distinct and rising.

    A slot is usual if a row is there in at least half of the weeks that have rows. The weeks are divided into periods
    of 8, and the slots of the last period are returned. With fewer than three weeks, the usual times of day are
    combined with the weekdays that have rows, or that the times do not reach.
    """
    week, slot = np.divmod(times_us + MONDAY, WEEK)
    weeks = np.unique(week)
    found = (
        _slots_of_days(times_us) if len(weeks) < MIN_WEEKS else _slots_of_weeks(times_us, week, slot, weeks)
    )
    newest = slot[week >= weeks[-min(PERIOD_WEEKS, len(weeks))]]
    if np.isin(newest, found.slots).mean() < REGULAR_SHARE:
        nothing = np.zeros(0, dtype=np.int64)
        return WeeklySlots(slots=nothing, missing=nothing, unusual=nothing, weeks=len(weeks))
    return found


def missing_slots(times_us: np.ndarray, slots: np.ndarray, first_week: int, last_week: int) -> np.ndarray:
    """Return the times of slots without a row, between the first and the last time.

    Args:
        times_us: [U] times, rising.
        slots: [P] usual slots.
        first_week: number of the first week that is searched, counted from the week of 1970-01-01.
        last_week: number of the last week that is searched.
    """
    expected = np.add.outer(np.arange(first_week, last_week + 1) * WEEK - MONDAY, slots).reshape(-1)
    expected = expected[(expected >= times_us[0]) & (expected <= times_us[-1])]
    missing: np.ndarray = np.setdiff1d(expected, times_us, assume_unique=True)
    return missing


def _slots_of_weeks(
    times_us: np.ndarray, week: np.ndarray, slot: np.ndarray, weeks: np.ndarray
) -> WeeklySlots:
    """Return the slots of the last period, and all missing and unusual times. week, slot: [U]; weeks: [W]."""
    periods = max(1, len(weeks) // PERIOD_WEEKS)
    period = np.minimum((len(weeks) - 1 - np.arange(len(weeks))) // PERIOD_WEEKS, periods - 1)
    missing, unusual = [], []
    usual = np.zeros(0, dtype=np.int64)
    begin_week = int(weeks[0])
    for number in range(periods - 1, -1, -1):
        chosen = weeks[period == number]
        rows = slice(np.searchsorted(week, chosen[0]), np.searchsorted(week, chosen[-1], "right"))
        slots, counts = np.unique(slot[rows], return_counts=True)
        possible = np.full(len(slots), len(chosen))
        possible -= (chosen[0] == weeks[0]) & (slots < slot[0])
        possible -= (chosen[-1] == weeks[-1]) & (slots > slot[-1])
        usual = slots[2 * counts >= possible]
        unusual.append(times_us[rows][~np.isin(slot[rows], usual)])
        missing.append(missing_slots(times_us, usual, begin_week, int(chosen[-1])))
        begin_week = int(chosen[-1]) + 1
    return WeeklySlots(
        slots=usual, missing=np.concatenate(missing), unusual=np.concatenate(unusual), weeks=len(weeks)
    )


def _slots_of_days(times_us: np.ndarray) -> WeeklySlots:
    """Return the slots of times [U] that cover too few weeks for a weekly pattern."""
    day, time = np.divmod(times_us, DAY)
    days = np.unique(day)
    of_day, counts = np.unique(time, return_counts=True)
    possible = len(days) - (of_day < time[0]).astype(np.int64) - (of_day > time[-1])
    usual = of_day[2 * counts > possible]
    reached = np.arange(days[0], days[-1] + 1)
    closed = np.setdiff1d(_weekday(reached), _weekday(days))
    open_days = np.setdiff1d(np.arange(7), closed)
    slots = np.add.outer(open_days * DAY, usual).reshape(-1)
    week = (times_us[[0, -1]] + MONDAY) // WEEK
    missing = missing_slots(times_us, slots, int(week[0]), int(week[1]))
    unusual = times_us[~np.isin(time, usual)]
    return WeeklySlots(slots=slots, missing=missing, unusual=unusual, weeks=len(np.unique((days + 3) // 7)))


def _weekday(days: np.ndarray) -> np.ndarray:
    """Return the weekday of days since 1970-01-01; Monday is 0."""
    weekday: np.ndarray = (days + 3) % 7
    return weekday
