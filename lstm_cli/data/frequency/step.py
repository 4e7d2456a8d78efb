"""Frequency of a time grid: the time step as a rule, as `--freq` names it.

Times are int64 microseconds since 1970-01-01 on the file's clock (UTC if the file has offsets).
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_cli.data.chunks import chunks_with_series, series_starts
from lstm_cli.data.frequency.calendar_slots import MONTH_END, slot_row_days, slots_of_days
from lstm_cli.data.times.formats import DAY, HOUR, MINUTE, SECOND
from lstm_cli.errors import UsageError
from lstm_cli.wording import is_number, nearest_name

WEEK = 7 * DAY
MAX_YEARS = 100  # a longer step is a typing error, and its microseconds may overflow
ANY_DAY = 0  # the `day` of M, Q and Y, before the rows have decided it
UNITS = {"W": WEEK, "D": DAY, "h": HOUR, "min": MINUTE, "s": SECOND, "ms": 1_000, "us": 1}
MONTH_UNITS = {"Y": 12, "Q": 3, "M": 1}
SIDES = {"S": 1, "E": MONTH_END}
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = tuple(name[:3].upper() for name in DAY_NAMES)
SLOTS_PER_YEAR = {"months": 12, "business-months": 12, "half-months": 24, "weeks": 52}
ACCEPTED_UNITS = (
    *UNITS,
    "B",
    *(unit + side for unit in reversed(MONTH_UNITS) for side in SIDES),
    *reversed(MONTH_UNITS),
    *("SMS", "SME", "BMS", "BME"),
)
# Names of older pandas releases.
FORMER_NAMES = {"A": "Y", "AS": "YS", "T": "min", "BM": "BME", "SM": "SME"}
# Names from other tools and everyday language, with the likely meaning.
UNIT_ALIASES = {
    "t": "min",
    "m": "min",
    "month": "MS",
    "monthly": "MS",
    "quarter": "QS",
    "quarterly": "QS",
    "year": "YS",
    "yearly": "YS",
    "annual": "YS",
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

    kind: str  # seconds, unit, or a kind of calendar_slots.py: months, business-months, half-months, weeks, business
    # Microseconds for seconds, numbers for unit, slots for the others (3 months: a quarter, 12: a year).
    count: int = 1
    # The day of the month, 1 to 31; a shorter month uses its last day. For weeks the weekday, from 1 (Monday) to 7.
    # For business-months and half-months 1 (start) or 31 (end). ANY_DAY has no rows; `month_step_of_rows` replaces it.
    day: int = 1

    @property
    def name(self) -> str:
        """Return the name in pandas style, as `--freq` reads it: h, 30min, B, 2QE, MS-15; a number for unit steps."""
        if self.kind == "unit":
            return str(self.count)
        if self.kind == "business":
            return "B"
        units = MONTH_UNITS if self.in_months else UNITS if self.kind == "seconds" else {"": 1}
        unit, size = next((unit, size) for unit, size in units.items() if self.count % size == 0)
        number = str(self.count // size) if self.count != size else ""
        if self.kind == "weeks":
            return f"{number}W-{WEEKDAYS[self.day - 1]}"
        if self.kind == "half-months":
            return number + ("SME" if self.day == MONTH_END else "SMS")
        if self.kind == "business-months":
            unit = "B" + unit
        if self.in_months:
            sides = {ANY_DAY: "", 1: "S", MONTH_END: "E"}
            return number + unit + sides.get(self.day, f"S-{self.day}")
        return number + unit

    @property
    def in_months(self) -> bool:
        """Return whether the step is a number of whole months."""
        return self.kind in ("months", "business-months")

    @property
    def base(self) -> "Step":
        """Return the step between most rows: the step itself, unless it counts rows (`row_clock.py`)."""
        return self

    @property
    def pattern_seasons(self) -> tuple[int, ...] | None:
        """Return the usual seasons of a weekly pattern of rows; None if the step has no pattern."""
        return None

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
        index = (self._slots(times_us) - self._slots(np.asarray(origin_us))) // self.count
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
        slots = self._slots(np.asarray(origin_us)) + index * self.count
        return slot_row_days(self.kind, self.day, slots) * DAY + np.asarray(origin_us) % DAY

    def rows_before(self, time_us: int, origin_us: np.ndarray) -> np.ndarray:
        """Return how many rows of the grids with origins [S] are earlier than a time, on or off the grid."""
        near = self.index(np.full(np.shape(origin_us), time_us), origin_us)[0] - 1
        before = sum((self.times(near + more, origin_us) < time_us).astype(np.int64) for more in range(3))
        return np.maximum(near + before, 0)

    def _slots(self, times_us: np.ndarray) -> np.ndarray:
        """Return the slot of the calendar that holds each time."""
        return slots_of_days(self.kind, self.day, times_us // DAY)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "count": self.count, "day": self.day}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Step":
        return Step(kind=stored["kind"], count=stored["count"], day=stored["day"])


UNIT = Step(kind="unit")
BUSINESS = Step(kind="business")


def parse_freq(text: str) -> Step:
    """Read a step in the notation of `--freq`: 1h, 15min, D, W-THU, B, MS, ME, QS, BME, SMS, MS-15; a number for units.

    MS-15 is the 15th of each month. The first row of a series shows where a quarter or year begins. M, Q and Y have
    ANY_DAY: the rows decide whether it is the start or the end.

    Raises:
        UsageError: the text is not a step; the message names the nearest step.
    """
    text = text.strip()
    if re.fullmatch(r"[1-9]\d{0,17}", text):
        return Step(kind="unit", count=int(text))
    if is_number(text):
        raise UsageError(
            f"--freq {text} is not a whole number of at least 1",
            hint="use --freq 1 or more if the times are whole numbers. If they are dates, use a unit, such as --freq h",
            flag="--freq",
        )
    parts = re.fullmatch(r"(\d{0,18})\s*([A-Za-z]+)(?:-(\d{1,2}|[A-Za-z]{3}))?", text)
    if parts is None:
        return _sum_of_units(text)
    number, unit, day = int(parts[1] or 1), parts[2], parts[3]
    if number == 0:
        raise UsageError(f"--freq '{text}' is a zero step", hint=f"use 1{unit} or longer", flag="--freq")
    unit = _present_name(unit)
    step = _named_step(unit, day)
    if step is None and day is not None and day.upper() in MONTH_NAMES:
        _refuse_anchor(text, number, unit)
    if step is None or (step == BUSINESS and number > 1):
        raise _unknown_freq_error(text)
    step = replace(step, count=number * step.count)
    if step.count > MAX_YEARS * SLOTS_PER_YEAR.get(step.kind, 366 * DAY):
        raise UsageError(
            f"--freq '{text}' is longer than {MAX_YEARS} years", hint="use a shorter step", flag="--freq"
        )
    return step


def _present_name(unit: str) -> str:
    """Return a unit as present releases of pandas write it."""
    if (unit not in UNITS and unit.lower() in ("h", "min", "s")) or unit in ("d", "w", "b"):
        unit = unit.lower() if unit.lower() in UNITS else unit.upper()  # 'H' and 'd' have only one meaning
    return FORMER_NAMES.get(unit, unit)


def _sum_of_units(text: str) -> Step:
    """Return the step of a sum such as 1h30min. Raise UsageError for another text."""
    parts = re.findall(r"(\d{1,18})\s*([A-Za-z]+)\s*", text)
    units = [_present_name(unit) for _, unit in parts]
    whole = re.fullmatch(r"(?:\d{1,18}\s*[A-Za-z]+\s*){2,}", text)
    if whole is None or not all(unit in UNITS for unit in units):
        raise _unknown_freq_error(text)
    count = sum(int(number) * UNITS[unit] for (number, _), unit in zip(parts, units, strict=True))
    if not 0 < count <= MAX_YEARS * 366 * DAY:
        raise _unknown_freq_error(text)
    return Step(kind="seconds", count=count)


def _refuse_anchor(text: str, number: int, unit: str) -> None:
    """Raise UsageError for a quarter or year that begins in a month of its own, such as QS-FEB."""
    step = _named_step(unit, None)
    if step is None or step.count == 1 or not step.in_months:
        return
    plain = f"{number if number > 1 else ''}{unit}"
    raise UsageError(
        f"--freq '{text}' names a month, which the rows decide",
        hint=f"use --freq {plain}: the first row of a series shows the month in which its quarters or years begin",
        flag="--freq",
    )


def _named_step(unit: str, day: str | None) -> Step | None:
    """Return the step of a unit such as MS, with the text after its hyphen (None: no hyphen); None if unknown."""
    if unit == "W" and day is not None:
        weekday = day.upper()
        return Step(kind="weeks", day=WEEKDAYS.index(weekday) + 1) if weekday in WEEKDAYS else None
    if unit[:-1] in MONTH_UNITS and unit[-1] == "S" and day is not None:
        days = int(day) if day.isdecimal() else 0
        return Step(kind="months", count=MONTH_UNITS[unit[:-1]], day=days) if 1 <= days <= MONTH_END else None
    if day is not None:
        return None
    if unit in UNITS:
        return Step(kind="seconds", count=UNITS[unit])
    if unit in MONTH_UNITS:
        return Step(kind="months", count=MONTH_UNITS[unit], day=ANY_DAY)
    side = SIDES.get(unit[-1])
    if side is not None and unit[:-1] in MONTH_UNITS:
        return Step(kind="months", count=MONTH_UNITS[unit[:-1]], day=side)
    if side is not None and unit[:1] == "B" and unit[1:-1] in MONTH_UNITS:
        return Step(kind="business-months", count=MONTH_UNITS[unit[1:-1]], day=side)
    if side is not None and unit[:-1] == "SM":
        return Step(kind="half-months", day=side)
    return BUSINESS if unit == "B" else None


def _unknown_freq_error(text: str) -> UsageError:
    number, unit = re.fullmatch(r"([\d\s]*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    unit = unit.strip()
    word = unit.split("-")[0]
    word = FORMER_NAMES.get(word, word)
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
        f"{', '.join(ACCEPTED_UNITS)} (also with a number, such as 15min), MS-15 for the 15th of a month, or W-THU for "
        "weeks on Thursdays"
    )
    return UsageError(
        f"--freq '{text}' is not a valid frequency (nearest: {nearest})",
        hint=f"use one of {names}",
        flag="--freq",
    )


def usual_seasons(step: Step) -> tuple[int, ...]:
    """Return the usual seasons of a step, in steps, shortest first; () if the step has none."""
    if step.pattern_seasons is not None:
        return step.pattern_seasons
    step = step.base
    if step.kind == "business":
        return (5,)
    if step.in_months:
        return {1: (12,), 3: (4,)}.get(step.count, ())
    if step.kind in SLOTS_PER_YEAR:
        return (SLOTS_PER_YEAR[step.kind],) if step.count == 1 else ()
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
    step = step.base
    times = {HOUR: "hourly", 30 * MINUTE: "half-hourly", DAY: "daily", WEEK: "weekly"}
    months = {1: "monthly", 3: "quarterly", 12: "yearly"}
    words = {"seconds": times, "half-months": {1: "semi-monthly"}, "weeks": {1: "weekly"}}
    word = (months if step.in_months else words.get(step.kind, {})).get(step.count)
    if step.kind == "business":
        word = "business-day"
    return f"{word} data" if word else f"data of step {step.name}"


def series_start_times(times_us: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return for each row [R] the first time of its series; the rows of a series are contiguous."""
    begins = series_starts(series)
    return np.repeat(times_us[begins], np.diff(np.append(begins, len(series))))


def most_common(values: np.ndarray) -> int:
    """Return the most common of some integers, the smallest if several are equally common."""
    if (values == values[0]).all():  # the usual case of long files, which needs no sorting
        return int(values[0])
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[np.argmax(counts)])
