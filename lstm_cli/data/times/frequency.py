"""Frequency of a time grid: the time step as a rule, as `--freq` names it.

Times are int64 microseconds since 1970-01-01 on the file's clock (UTC if the file has offsets).
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.chunks import chunks_with_series, series_starts
from lstm_cli.data.times.formats import DAY, HOUR, MINUTE, SECOND
from lstm_cli.errors import UsageError
from lstm_cli.text import nearest_name

WEEK = 7 * DAY
MAX_YEARS = 100  # a longer step is a typing error, and its microseconds may overflow
MONTH_END = 31  # the `day` that means the last day of each month
UNITS = {"W": WEEK, "D": DAY, "h": HOUR, "min": MINUTE, "s": SECOND, "ms": 1_000, "us": 1}
MONTH_UNITS = {"Y": 12, "Q": 3, "M": 1}
ACCEPTED_UNITS = (*UNITS, "B", *(unit + side for unit in reversed(MONTH_UNITS) for side in "SE"))
# Names from other tools and everyday language, with the likely meaning.
UNIT_ALIASES = {
    "t": "min",
    "m": "min",
    "M": "MS or ME",
    "month": "MS",
    "monthly": "MS",
    "Q": "QS or QE",
    "quarter": "QS",
    "quarterly": "QS",
    "Y": "YS or YE",
    "A": "YS or YE",
    "year": "YS",
    "yearly": "YS",
    "annual": "YS",
    "AS": "YS",
    "BMS": "MS",
    "BME": "ME",
    "C": "B",
    "business": "B",
    "hour": "h",
    "hourly": "h",
    "minute": "min",
    "second": "s",
    "sec": "s",
    "day": "D",
    "daily": "D",
    "week": "W",
    "weekly": "W",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """Step of a time grid as a rule. The first time of a series and the step give the time of each row.

    >>> Step(kind="months", count=1, day=31).name
    'ME'
    """

    kind: str  # seconds, months, business or unit (rows, or whole numbers as times)
    count: int = (
        1  # microseconds for seconds, months for months (3: a quarter, 12: a year), numbers for unit, else 1
    )
    day: int = 1  # for months, the day of the month, 1 to 31; a shorter month uses its last day

    @property
    def name(self) -> str:
        """Return the name in pandas style, as `--freq` reads it: h, 30min, 2QE, MS-15; a number for unit steps."""
        if self.kind == "unit":
            return str(self.count)
        if self.kind == "business":
            return "B"
        units = MONTH_UNITS if self.kind == "months" else UNITS
        unit, size = next((unit, size) for unit, size in units.items() if self.count % size == 0)
        number = str(self.count // size) if self.count != size else ""
        if self.kind == "months":
            day = "E" if self.day == MONTH_END else "S" if self.day == 1 else f"S-{self.day}"
            return number + unit + day
        return number + unit

    def index(self, times_us: np.ndarray, origin_us: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of steps from the origin to each time, and whether the time is on the grid.

        Args:
            times_us: int64 microseconds of any shape.
            origin_us: one origin, or an origin for each time.

        Returns:
            Index (int64) and on_grid (bool), both in the shape of times_us. If a time is not on the grid, its
            index is that of a step nearby.
        """
        if self.kind in ("seconds", "unit"):
            index, rest = np.divmod(times_us - origin_us, self.count)
            return index, rest == 0
        ordinal, origin = self._ordinal(times_us), self._ordinal(np.asarray(origin_us))
        index = (ordinal - origin) // self.count
        return index, self.times(index, origin_us) == times_us

    def on_grid(self, times_us: np.ndarray, begins: np.ndarray) -> np.ndarray:
        """Return which times [R] are on the grid of their series; `begins` [S] are the first rows of the series."""
        on_grid = np.empty(len(times_us), dtype=bool)
        for span, which in chunks_with_series(begins, len(times_us)):
            on_grid[span] = self.index(times_us[span], times_us[begins[which]])[1]
        return on_grid

    def times(self, index: np.ndarray, origin_us: np.ndarray | int) -> np.ndarray:
        """Return the times (int64 microseconds) that are `index` steps after the origin. Inverse of `index`."""
        if self.kind in ("seconds", "unit"):
            return origin_us + index * self.count
        ordinal = self._ordinal(np.asarray(origin_us)) + index * self.count
        time_of_day = np.asarray(origin_us) % DAY
        if self.kind == "business":
            weeks, weekday = np.divmod(ordinal, 5)
            return (weeks * 7 + weekday - 3) * DAY + time_of_day
        first = first_day_of_month(ordinal)
        day = np.minimum(self.day, first_day_of_month(ordinal + 1) - first)
        return (first + day - 1) * DAY + time_of_day

    def rows_before(self, time_us: int, origin_us: np.ndarray) -> np.ndarray:
        """Return how many rows of the grids with origins [S] are earlier than a time, on or off the grid."""
        near = self.index(np.full(np.shape(origin_us), time_us), origin_us)[0] - 1
        before = sum((self.times(near + more, origin_us) < time_us).astype(np.int64) for more in range(3))
        return np.maximum(near + before, 0)

    def _ordinal(self, times_us: np.ndarray) -> np.ndarray:
        """Return the number of months since 1970, or of business days since Monday, 29 December 1969."""
        days = times_us // DAY
        if self.kind == "months":
            return month_of(days)
        weeks, weekday = np.divmod(days + 3, 7)
        return weeks * 5 + np.minimum(weekday, 4)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "count": self.count, "day": self.day}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Step":
        return Step(kind=stored["kind"], count=stored["count"], day=stored["day"])


UNIT = Step(kind="unit")
BUSINESS = Step(kind="business")


def month_of(days: np.ndarray) -> np.ndarray:
    """Return months since January 1970 of days since 1970-01-01, in the proleptic Gregorian calendar."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day_of_month(months: np.ndarray) -> np.ndarray:
    """Return the first day, counted from 1970-01-01, of months since January 1970."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def parse_freq(text: str) -> Step:
    """Read a step in the notation of `--freq`: 1h, 15min, D, 2W, B, MS, ME, QS, YE, MS-15; a number for unit steps.

    MS-15 is the 15th of each month. The first row of a series shows where a quarter or year begins.

    Raises:
        UsageError: the text is not a step; the message names the nearest step.
    """
    text = text.strip()
    if re.fullmatch(r"[1-9]\d{0,17}", text):
        return Step(kind="unit", count=int(text))
    parts = re.fullmatch(r"(\d{0,18})\s*([A-Za-z]+)(?:-(\d{1,2}))?", text)
    if parts is None:
        raise _unknown_freq_error(text)
    number, unit, day_text = int(parts[1] or 1), parts[2], parts[3]
    if number == 0:
        raise UsageError(f"--freq '{text}' is a zero step", hint=f"use 1{unit} or longer", flag="--freq")
    if (unit not in UNITS and unit.lower() in ("h", "min", "s")) or unit in ("d", "w", "b"):
        unit = unit.lower() if unit.lower() in UNITS else unit.upper()  # 'H' and 'd' have only one meaning
    step = None
    if unit in UNITS and day_text is None:
        step = Step(kind="seconds", count=number * UNITS[unit])
    elif unit == "B" and number == 1 and day_text is None:
        step = BUSINESS
    elif unit[:-1] in MONTH_UNITS and unit[-1] in "SE":
        day = int(day_text or 1) if unit[-1] == "S" else MONTH_END
        if 1 <= day <= MONTH_END and (day_text is None or unit[-1] == "S"):
            step = Step(kind="months", count=number * MONTH_UNITS[unit[:-1]], day=day)
    if step is None:
        raise _unknown_freq_error(text)
    limit = MAX_YEARS * (12 if step.kind == "months" else 366 * DAY)
    if step.count > limit:
        raise UsageError(
            f"--freq '{text}' is longer than {MAX_YEARS} years", hint="use a shorter step", flag="--freq"
        )
    return step


def _unknown_freq_error(text: str) -> UsageError:
    number, unit = re.fullmatch(r"([\d\s]*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    unit = unit.strip()
    word = unit.split("-")[0]
    nearest = (
        word
        if word in ACCEPTED_UNITS
        else UNIT_ALIASES.get(word) or UNIT_ALIASES.get(word.lower().removesuffix("s"))
    )
    if nearest is None:
        nearest = nearest_name(word, ACCEPTED_UNITS, cutoff=0.3) or "h"
    if number.strip() not in ("", "1") and nearest != "B":
        nearest = " or ".join(number.strip() + name for name in nearest.split(" or "))
    names = (
        f"{', '.join(ACCEPTED_UNITS)} (also with a number, such as 15min), or MS-15 for the 15th of a month"
    )
    return UsageError(
        f"--freq '{text}' is not a valid frequency (nearest: {nearest})",
        hint=f"use one of {names}",
        flag="--freq",
    )


def usual_seasons(step: Step) -> tuple[int, ...]:
    """Return the usual seasons of a step, in steps, shortest first; () if the step has none."""
    if step.kind == "business":
        return (5,)
    if step.kind == "months":
        return {1: (12,), 3: (4,)}.get(step.count, ())
    if step.kind == "unit":
        return ()
    if step.count < DAY and DAY % step.count == 0 and step.count % MINUTE == 0:
        return (DAY // step.count, WEEK // step.count)
    return {DAY: (7,), WEEK: (52,)}.get(step.count, ())


def frequency_label(step: Step) -> str:
    """Return the everyday name of data with a step.

    >>> frequency_label(Step(kind="seconds", count=30 * MINUTE)), frequency_label(Step(kind="months", count=3))
    ('half-hourly data', 'quarterly data')
    """
    times = {HOUR: "hourly", 30 * MINUTE: "half-hourly", DAY: "daily", WEEK: "weekly"}
    months = {1: "monthly", 3: "quarterly", 12: "yearly"}
    word = {"seconds": times, "months": months}.get(step.kind, {}).get(step.count)
    if step.kind == "business":
        word = "business-day"
    return f"{word} data" if word else f"data of step {step.name}"


def series_start_times(times_us: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return for each row [R] the first time of its series; the rows of a series are contiguous."""
    begins = series_starts(series)
    return np.repeat(times_us[begins], np.diff(np.append(begins, len(series))))
