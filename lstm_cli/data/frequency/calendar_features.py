"""Calendar features, known ahead: position of a time in the hour, day, week, month and year.

Each feature is a pair: sine and cosine of the elapsed share of the period, scaled to -0.5 to 0.5.
So 23:00 is as close to 00:00 as 01:00 is. A plain number of the hour would not show that.
"""

from collections.abc import Callable

import numpy as np

from lstm_cli.data.frequency.step import DAY, HOUR, MINUTE, WEEK, Step

AMPLITUDE = 0.5  # of sine and cosine


def calendar_feature_names(step: Step) -> tuple[str, ...]:
    """Return the names of the K calendar inputs of a step, in order; () if no calendar part varies."""
    return tuple(f"{part}_{side}" for part in _varying_parts(step) for side in ("sin", "cos"))


def calendar_features(step: Step, times_us: np.ndarray) -> np.ndarray:
    """Return the calendar inputs, float32 [T, K] from -0.5 to 0.5, of times [T] in int64 microseconds."""
    parts = _varying_parts(step)
    inputs = np.empty((len(times_us), 2 * len(parts)), dtype=np.float32)
    for pair, part in enumerate(parts):
        angle = 2 * np.pi * PARTS[part](times_us)
        inputs[:, 2 * pair] = AMPLITUDE * np.sin(angle)
        inputs[:, 2 * pair + 1] = AMPLITUDE * np.cos(angle)
    return inputs


def _varying_parts(step: Step) -> tuple[str, ...]:
    """Return the calendar parts that differ between rows at this step."""
    step = step.base
    if step.kind == "unit":
        return ()
    if step.kind == "business":
        return ("weekday", "monthday", "month")
    if step.kind == "half-months":
        return ("monthday", "month")
    if step.in_months:
        if step.count % 12 == 0:
            return ()
        return ("quarter",) if step.count % 3 == 0 else ("month",)
    if step.kind == "weeks" or step.count % WEEK == 0:
        return ("yearday",)
    if step.count % DAY == 0:
        return ("weekday", "monthday", "month")
    within_hour = ("minute",) if step.count % HOUR else ()
    within_minute = ("second",) if step.count % MINUTE else ()
    return (*within_minute, *within_hour, "hour", "weekday", "yearday")


def _period_bounds(times_us: np.ndarray, unit: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the first microsecond of each time's month ('M') or year ('Y'), and the length of that period."""
    period = times_us.astype("datetime64[us]").astype(f"datetime64[{unit}]")
    first, after = (edge.astype("datetime64[us]").astype(np.int64) for edge in (period, period + 1))
    return first, after - first


def _elapsed_share(unit: str) -> Callable[[np.ndarray], np.ndarray]:
    def share(times_us: np.ndarray) -> np.ndarray:
        first, length = _period_bounds(times_us, unit)
        return (times_us - first) // DAY * DAY / length

    return share


def _month_share(times_us: np.ndarray) -> np.ndarray:
    return times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 / 12


# Elapsed share of each period at times [T], in [0, 1).
PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "second": lambda times_us: times_us % MINUTE / MINUTE,
    "minute": lambda times_us: times_us % HOUR / HOUR,
    "hour": lambda times_us: times_us % DAY / DAY,  # exact to the microsecond
    "weekday": lambda times_us: (times_us // DAY + 3) % 7 / 7,  # 1970-01-01 was a Thursday
    "monthday": _elapsed_share("M"),
    "yearday": _elapsed_share("Y"),
    "month": _month_share,
    "quarter": lambda times_us: np.floor(_month_share(times_us) * 4) / 4,
}
# The same shares in words, for other programs. All counts begin at 0.
SHARE_TEXTS = {
    "second": "seconds since the full minute / 60",
    "minute": "minutes since the full hour / 60, with fractions",
    "hour": "hours since midnight / 24, with fractions: 13:30 is 13.5 / 24",
    "weekday": "weekday / 7, whole days: Monday is 0, Sunday is 6",
    "monthday": "(day of the month - 1) / days of this month, whole days: the first is 0",
    "yearday": "days since 1 January / days of this year (365 or 366), whole days: 1 January is 0",
    "month": "(month - 1) / 12: January is 0",
    "quarter": "(quarter - 1) / 4: the first quarter is 0",
}
