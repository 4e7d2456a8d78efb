"""Slots of the calendar steps: months, business months, half months, weeks on a weekday, and business days.

A slot is a span of days that has one row. Slots are numbered from about 1970-01-01. Days are counted from 1970-01-01.
All functions take and return int64 arrays of any shape.
"""

import numpy as np

MONTHS, BUSINESS_MONTHS, HALF_MONTHS = "months", "business-months", "half-months"
WEEKS, BUSINESS_DAYS = "weeks", "business"
MONTH_END = 31  # the `day` that means the last day of each slot
MIDDLE = 15  # the day of the second slot of a month


def slots_of_days(kind: str, day: int, days: np.ndarray) -> np.ndarray:
    """Return the slot that holds each day.

    Args:
        kind: kind of the step, see `Step`.
        day: day of the step, see `Step`.
        days: days since 1970-01-01.
    """
    if kind == WEEKS:
        return (days + 4 - day) // 7
    if kind == BUSINESS_DAYS:
        weeks, weekday = np.divmod(days + 3, 7)
        return weeks * 5 + np.minimum(weekday, 4)
    months = month_of(days)
    if kind == HALF_MONTHS:
        passed = days - first_day_of_month(months) + 1
        return 2 * months + (passed > MIDDLE if day == MONTH_END else passed >= MIDDLE)
    if kind == MONTHS and 1 < day < MONTH_END:
        return months - (days < _day_of_month(months, day))
    return months


def slot_start_days(kind: str, day: int, slots: np.ndarray) -> np.ndarray:
    """Return the first day of each slot.

    Args:
        kind: kind of the step, see `Step`.
        day: day of the step, see `Step`.
        slots: numbers of slots.
    """
    if kind == HALF_MONTHS:
        months, second = np.divmod(slots, 2)
        return first_day_of_month(months) + second * (MIDDLE if day == MONTH_END else MIDDLE - 1)
    if kind == BUSINESS_MONTHS or (kind == MONTHS and day == MONTH_END):
        return first_day_of_month(slots)
    return slot_row_days(kind, day, slots)


def slot_row_days(kind: str, day: int, slots: np.ndarray) -> np.ndarray:
    """Return the day of the row of each slot. It is the first day, unless the step names the last day.

    Args:
        kind: kind of the step, see `Step`.
        day: day of the step, see `Step`.
        slots: numbers of slots.
    """
    if kind == WEEKS:
        return slots * 7 + day - 4
    if kind == BUSINESS_DAYS:
        weeks, weekday = np.divmod(slots, 5)
        return weeks * 7 + weekday - 3
    if kind == HALF_MONTHS:
        months, second = np.divmod(slots, 2)
        if day != MONTH_END:
            return first_day_of_month(months) + second * (MIDDLE - 1)
        return np.where(second == 1, _day_of_month(months, day), first_day_of_month(months) + MIDDLE - 1)
    days = _day_of_month(slots, day)
    if kind == BUSINESS_MONTHS:
        weekend = np.maximum((days + 3) % 7 - 4, 0)  # 1 on Saturday, 2 on Sunday
        return days - weekend if day == MONTH_END else days + np.where(weekend > 0, 3 - weekend, 0)
    return days


def month_of(days: np.ndarray) -> np.ndarray:
    """Return months since January 1970 of days since 1970-01-01, in the proleptic Gregorian calendar."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day_of_month(months: np.ndarray) -> np.ndarray:
    """Return the first day, counted from 1970-01-01, of months since January 1970."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _day_of_month(months: np.ndarray, day: int) -> np.ndarray:
    """Return a day of months; a shorter month uses its last day."""
    first = first_day_of_month(months)
    return first + np.minimum(day, first_day_of_month(months + 1) - first) - 1
