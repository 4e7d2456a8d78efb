"""Public holidays as known-ahead inputs: the day itself, the day before and the day after, each 0 or 1.

The dates come from the package `holidays`. A run stores them for the years of its data and for `YEARS_AHEAD` more, so
that a forecast needs the package only for later years. In data of business days, the day before and the day after are
business days too: a holiday on Monday has its day before on Friday.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR
from typing import Any

import numpy as np

from lstm_cli.config.extras import require_installed
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.times.formats import DAY
from lstm_cli.errors import UsageError
from lstm_cli.wording import did_you_mean

YEARS_AHEAD = 10
SIDES = {"": 0, "_before": 1, "_after": -1}  # ending of an input: days from a row to the holiday


@dataclass(frozen=True, kw_only=True)
class HolidayDates:
    """Dates of the holidays of a country or a part of it, for some years, and the inputs that use them."""

    code: str  # as `--holidays` names it: DE, DE-BY
    first_year: int
    last_year: int
    days: tuple[int, ...]  # days since 1970-01-01, rising
    sides: tuple[str, ...] = tuple(SIDES)  # endings of the inputs

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the inputs: holiday_DE, holiday_DE_before, holiday_DE_after."""
        return tuple(f"holiday_{self.code}{side}" for side in self.sides)

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "HolidayDates":
        lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
        return HolidayDates(**{**stored, **lists})


def read_holidays(code: str, first_year: int, last_year: int, *, subject: str = "--holidays") -> HolidayDates:
    """Return the holidays of the years from `first_year` to `last_year`.

    Args:
        code: a country, such as DE, or a part of it, such as DE-BY.
        first_year: first year.
        last_year: last year.
        subject: what needs the package, for messages.

    Raises:
        UsageError: the package `holidays` is not installed, or does not know the code.
    """
    require_installed(subject, "holidays")
    import holidays

    country, _, part = code.partition("-")
    known = holidays.list_supported_countries()
    if country.upper() not in known:
        raise _unknown_code_error(code, known, "a country, such as DE, or a part of it, such as DE-BY")
    country = country.upper()
    parts = {name.upper(): name for name in known[country]}
    if part and part.upper() not in parts:
        codes = [f"{country}-{name}" for name in known[country]]
        listed = ", ".join(codes[:20]) + (", …" if len(codes) > 20 else "")
        raise _unknown_code_error(code, codes, listed or f"{country} alone, because it has no parts")
    part = parts[part.upper()] if part else part
    with warnings.catch_warnings():  # about years without an official list
        warnings.simplefilter("ignore")
        dates = holidays.country_holidays(
            country, subdiv=part or None, years=range(max(first_year, MINYEAR), min(last_year, MAXYEAR) + 1)
        )
    days = np.array(sorted(dates), dtype="datetime64[D]").astype(np.int64)
    return HolidayDates(
        code=f"{country}-{part}" if part else country,
        first_year=first_year,
        last_year=last_year,
        days=tuple(days.tolist()),
    )


def _unknown_code_error(code: str, known: Sequence[str] | dict[str, list[str]], use: str) -> UsageError:
    return UsageError(
        f"--holidays '{code}' is not a known country or part of a country",
        hint=did_you_mean(code.upper(), known) or f"use {use}",
        flag="--holidays",
    )


def holiday_inputs(holidays: Sequence[HolidayDates], step: Step, times_us: np.ndarray) -> np.ndarray:
    """Return the holiday inputs [T, K] float32.

    Args:
        holidays: dates of each code.
        step: step of the time grid.
        times_us: [T] int64 microseconds.

    Raises:
        UsageError: a time is in a year without stored dates, and the package `holidays` is not installed.
    """
    days = times_us // DAY
    columns = []
    for dates in holidays:
        known = np.array(_cover(dates, days).days, dtype=np.int64)
        columns += [np.isin(_move(days, SIDES[side], step), known) for side in dates.sides]
    return np.stack(columns, axis=1).astype(np.float32)


def _cover(dates: HolidayDates, days: np.ndarray) -> HolidayDates:
    """Return dates that cover the years of days [T], and a day before and after."""
    if not len(days):
        return dates
    first, last = year_of(int(days.min()) - 1), year_of(int(days.max()) + 1)
    if dates.first_year <= first and last <= dates.last_year:
        return dates
    return read_holidays(
        dates.code,
        min(first, dates.first_year),
        max(last, dates.last_year),
        subject=f"a forecast outside of the years {dates.first_year} to {dates.last_year}, whose holidays are stored,",
    )


def year_of(day: int) -> int:
    """Return the year of a day since 1970-01-01."""
    return int(np.datetime64(day, "D").astype("datetime64[Y]").astype(np.int64)) + 1970


def _move(days: np.ndarray, by: int, step: Step) -> np.ndarray:
    """Return the days one day later (1), earlier (-1) or the same days (0); of business days the next business day."""
    if step.kind != "business":
        return days + by
    weekday = (days + 3) % 7  # Monday is 0
    over_weekend = (weekday == 4) if by > 0 else (weekday == 0) & (by < 0)
    moved: np.ndarray = days + by + 2 * by * over_weekend
    return moved
