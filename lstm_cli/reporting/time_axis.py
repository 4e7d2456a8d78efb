"""Ticks of a time axis, and times as text. Times are seconds since 1970 on the clock of the file."""

from collections.abc import Iterator

import numpy as np

MINUTE, HOUR, DAY = 60, 3_600, 86_400
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SECONDS = (
    *(1, 5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY),
)
MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
ENOUGH = 0.75  # share of the wished distance that is enough
MONDAY = 4 * DAY  # the first Monday after 1970-01-01


def time_ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return at most about `count` ticks from `low` to `high`, with their texts.

    Args:
        low: first time.
        high: last time, after `low`.
        count: wished number of ticks.
    """
    rough = (high - low) / max(1, count)
    step = next((step for step in SECONDS if step >= ENOUGH * rough), None)
    if step is not None:
        begin = MONDAY if step % (7 * DAY) == 0 else 0
        first = int(-(-(low - begin) // step))
        times = [begin + step * number for number in range(first, int((high - begin) // step) + 1)]
        return [(time, _text_of_time(time, step, first=index == 0)) for index, time in enumerate(times)]
    months = next((step for step in MONTH_STEPS if step * 30.4 * DAY >= ENOUGH * rough), MONTH_STEPS[-1])
    ticks = list(_month_starts(low, high, months))
    return [(time, _text_of_month(time, months, first=index == 0)) for index, time in enumerate(ticks)]


def _month_starts(low: float, high: float, months: int) -> Iterator[float]:
    month = int(np.datetime64(int(low), "s").astype("datetime64[M]").astype(int))
    month = -(-month // months) * months
    while (time := float(np.datetime64(month, "M").astype("datetime64[s]").astype(np.int64))) <= high:
        if time >= low:
            yield time
        month += months


def _text_of_time(time: float, step: int, *, first: bool) -> str:
    moment = np.datetime64(int(time), "s").item()
    day = f"{moment.day} {MONTHS[moment.month - 1]}"
    if step >= DAY:
        return f"{day} {moment.year}" if first else day
    clock = f"{moment:%H:%M:%S}" if step < MINUTE else f"{moment:%H:%M}"
    return f"{day} {clock}" if first else day if time % DAY == 0 else clock


def _text_of_month(time: float, months: int, *, first: bool) -> str:
    moment = np.datetime64(int(time), "s").item()
    if months % 12 == 0:
        return str(moment.year)
    name = MONTHS[moment.month - 1]
    return f"{name} {moment.year}" if first or moment.month == 1 else name


def time_text(time: float, step: float) -> str:
    """Return a time with the precision of a step in seconds: a date, or a date with its time of day."""
    moment = np.datetime64(int(time), "s").item()
    return f"{moment:%Y-%m-%d}" if step >= DAY and time % DAY == 0 else f"{moment:%Y-%m-%d %H:%M}"
