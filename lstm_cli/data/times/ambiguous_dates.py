"""Dates that can be read in two ways: which number is the day, the month or the year."""

import re

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.codes import FLAG, TimeOptions
from lstm_cli.data.times.patterns import day_month_text
from lstm_cli.errors import DataError

MIN_SEASONS = 3  # distinct months that must fit before a column counts as seasons (2000/01)
MIN_SHORT_RUN = 0.5  # share of rows whose last number only counts on, so that it may be a day and not a year


def refuse_seasons(values: np.ndarray, lines: np.ndarray, location: CellLocation) -> None:
    """Raise DataError for 2000/01, 2001/02, 2002/03, which are spans of two years and not months.

    Args:
        values: times [R] in microseconds.
        lines: line of each row [R].
        location: the time column, for messages.
    """
    months = np.unique(values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64))
    years, month = 1970 + months // 12, 1 + months % 12
    if len(months) >= MIN_SEASONS and (month == (years + 1) % 100).all():
        raise DataError(
            "this time and all times below it are ambiguous (months, or spans of two years such as 2000/01)",
            hint=f"if they are months, use {FLAG} %Y/%m, with the mark between the numbers as in the file. "
            "If they are spans, write one year for each",
            rule="D402",
            at=location.at(int(lines[0])),
            flags=(FLAG,),
        )


def refuse_days_as_years(values: np.ndarray, lines: np.ndarray, location: CellLocation, kind: str) -> None:
    """Raise DataError if the year of two digits only counts on, as a day does: Jan-01, Jan-02, Jan-03.

    Args:
        values: times [R] in microseconds.
        lines: line of each row [R].
        location: the time column, for messages.
        kind: "short month" or "short date".
    """
    months = values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    same_day = np.diff(values - months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)) == 0
    counts = same_day & (np.abs(np.diff(months)) == 12)
    if len(values) > 2 and counts.mean() > MIN_SHORT_RUN:
        codes = "%b-%y" if kind == "short month" else "%d-%b-%y"
        raise DataError(
            "this time and the times below it are ambiguous (the last number may be a year or a day)",
            hint=f"if it is the year, use {FLAG} '{codes}', with the marks between the parts as in the file. "
            "If it is the day, add the year",
            rule="D402",
            at=location.at(int(lines[0])),
            flags=(FLAG,),
        )


def is_day_first(
    parts: np.ndarray, lines: np.ndarray, location: CellLocation, options: TimeOptions, *, dotted: bool
) -> bool:
    """Return whether the first number is the day: as requested, else as the whole column shows.

    Args:
        parts: parts of the dates [R, 4], see `day_month_parts`.
        lines: line of each row [R].
        location: the time column, for messages.
        options: how the text is read.
        dotted: all dates have dots, which means that the day comes first.

    Raises:
        DataError: dates that are ambiguous, that contradict each other, or that contradict the request.
    """
    day, month = parts[:, 0] > 12, parts[:, 1] > 12
    if (day & month).any():
        raise invalid_date_error(parts, day & month, lines, location)
    if options.day_first is not None:
        wrong = month if options.day_first else day
        if wrong.any():
            raise _wrong_order_error(parts, wrong, lines, location, day_first=options.day_first)
        return options.day_first
    if day.any() and month.any():
        first, second = sorted(
            ((int(lines[np.argmax(day)]), "day/month"), (int(lines[np.argmax(month)]), "month/day"))
        )
        raise DataError(
            f"the date can only be {second[1]}, but the date in {location.row(first[0])} can only be {first[1]}",
            hint="correct the wrong dates, or write all dates as YYYY-MM-DD",
            rule="D408",
            at=location.at(second[0]),
        )
    if day.any() or month.any():
        return bool(day.any())
    like = options.like
    known = re.search(r"%-?[dm]", like.pattern) if like else None
    if known and like and not like.pattern.startswith("%Y"):
        return known[0].endswith("d")
    if dotted:
        return True
    raise DataError(
        f"'{day_month_text(parts[0])}' and all dates below it are ambiguous (day/month or month/day)",
        hint="use --dayfirst if the day comes first, or --monthfirst if the month does",
        rule="D409",
        at=location.at(int(lines[0])),
        flags=("--dayfirst", "--monthfirst"),
    )


def _wrong_order_error(
    parts: np.ndarray, wrong: np.ndarray, lines: np.ndarray, location: CellLocation, *, day_first: bool
) -> DataError:
    """Return the error for a date that contradicts --dayfirst or --monthfirst. wrong: [R]."""
    flag, other = ("--dayfirst", "--monthfirst") if day_first else ("--monthfirst", "--dayfirst")
    first = int(np.argmax(wrong))
    return DataError(
        f"'{day_month_text(parts[first])}' can only be {'month/day' if day_first else 'day/month'}, but {flag} is set",
        hint=f"use {other}, or correct the line if its date is wrong",
        rule="D413",
        at=location.at(int(lines[first])),
        flags=(flag,),
    )


def invalid_date_error(
    parts: np.ndarray, wrong: np.ndarray, lines: np.ndarray, location: CellLocation
) -> DataError:
    """Return the error for the first date that does not exist.

    Args:
        parts: parts of the dates [R, 4], see `day_month_parts`.
        wrong: dates that do not exist, bool [R].
        lines: line of each row [R].
        location: the time column, for messages.
    """
    first = int(np.argmax(wrong))
    return DataError(
        f"'{day_month_text(parts[first])}' is a date that does not exist",
        hint="correct the line",
        rule="D403",
        at=location.at(int(lines[first])),
    )
