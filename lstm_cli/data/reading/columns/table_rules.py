"""Checks of the first cells of columns: split or unread times, totals, and thousands separators."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from unicodedata import normalize

import numpy as np

from lstm_cli.config.text import NO_TIMES
from lstm_cli.data.locations import CellLocation, is_missing, quote_cell, quote_name
from lstm_cli.data.times.codes import FLAG
from lstm_cli.data.times.integer_times import PLAUSIBLE_YEARS, is_likely_time_name, is_time_name
from lstm_cli.data.times.joined_cells import without_midnight
from lstm_cli.data.times.joined_columns import name_words
from lstm_cli.data.times.patterns import looks_like_time_of_day
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import is_number

_TOTAL = re.compile(
    r"(grand |sub|sub-)?totals?|sums?|average|mean|summe|gesamt|insgesamt|somme|suma|totale|итого|合計|总计|합계",
    re.IGNORECASE,
)
# Labels of summary rows, and the value that each label implies.
_FOOTER = re.compile(
    r"((?P<max>max(imum)?)|(?P<min>min(imum)?)|(?P<median>median)|(?P<mean>avg|average|mean)|(?P<sum>sum|total)"
    r"|(?P<count>count|n))\.?:?( of .*)?",
    re.IGNORECASE,
)
_SUMMARIES: dict[str, Callable[[list[float]], float]] = {
    "max": max,
    "min": min,
    "median": lambda values: float(np.median(values)),
    "mean": lambda values: float(np.mean(values)),
    "sum": sum,
    "count": len,
}
_HOURS = frozenset(("hour", "hours", "hr", "h", "he", "stunde", "heure", "hora", "time", "clock", "uhrzeit"))
_YEAR_PARTS = frozenset(
    ("month", "mon", "monat", "mois", "mes", "quarter", "qtr", "week", "weeks", "kw", "day", "doy", "yday")
)  # names of columns that hold a part of a year
_MONTH_OF_YEAR = re.compile(r"(0?[1-9]|1[0-2])\.(19|20)[0-9]{2}")
_DAY_OF_YEAR = re.compile(r"(19|20)[0-9]{2}(00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")


def refuse_unread_numbers(source: str, name: str, cells: Sequence[str]) -> None:
    """Raise DataError for a column of numbers that look like times but cannot be read as times.

    Without the error, rows would be counted as steps. A spreadsheet counts days since 1899, pandas writes 2021.0,
    and some tools write 1.6e9. Small numbers are counts.

    Args:
        source: name of the file.
        name: name of the column.
        cells: first measured cells of the column.
    """
    if not cells or not is_number(cells[0]) or not is_likely_time_name(name):
        return
    if all(map(_MONTH_OF_YEAR.fullmatch, cells)):
        raise DataError(
            f"column {quote_name(name)} has the name of a time column, but {quote_cell(cells[0])} is a number too",
            hint=f"use --time {quote_name(name)} {FLAG} '%m.%Y' if they are months, or --time {NO_TIMES} if not",
            rule="D209",
            at=in_file(source),
            flags=("--time", FLAG),
        )
    if all(map(_DAY_OF_YEAR.fullmatch, cells)):
        raise DataError(
            f"column {quote_name(name)} has the name of a time column, but {quote_cell(cells[0])} is a number too",
            hint=f"use --time {quote_name(name)} {FLAG} %Y%j if the numbers are a year and its day, or "
            f"--time {quote_name(name)} {FLAG} int if they count steps",
            rule="D209",
            at=in_file(source),
            flags=("--time", FLAG),
        )
    first = abs(float(cells[0]))
    serial = 20_000 <= first <= 80_000  # days from 1954 to 2119, as spreadsheets count them
    year = PLAUSIBLE_YEARS[0] <= first < PLAUSIBLE_YEARS[1] and not is_time_name(name)
    if serial or year or first >= 1e6:
        reason = " (maybe a serial day of a spreadsheet)" if serial else ""
        hint = "write times as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss, or use --time to choose another column"
        if serial:
            hint = (
                "format the column as YYYY-MM-DD in the spreadsheet, and save the file again. If the numbers count "
                f"steps, use --time {quote_name(name)} {FLAG} int"
            )
        raise DataError(
            f"column {quote_name(name)} has the name of a time column, but "
            f"{quote_cell(cells[0])} is not a time{reason}",
            hint=hint,
            rule="D209",
            at=in_file(source),
            flags=("--time", FLAG) if serial else ("--time",),
        )


def find_split_time(
    names: Sequence[str], sample: Sequence[Sequence[str]], time: int, groups: np.ndarray | None
) -> int | None:
    """Return a column that seems to hold the other part of the time, if many rows share a time; else None.

    Args:
        names: names of the columns.
        sample: first cells [n] of each column.
        time: index of the time column.
        groups: series of each row [n]; None without a series column.
    """
    cells = [without_midnight(cell.strip()) for cell in sample[time]]
    if not cells:  # a column of another type than text, number and time
        return None
    keys = cells if groups is None else list(zip(groups.tolist(), cells, strict=True))
    if len(set(keys)) * 2 > len(keys) or any(":" in cell for cell in cells[:20]):
        return None
    year = bool(re.fullmatch(r"\d{4}", cells[0]))
    for index, name in enumerate(names):
        words = set(name_words(name))
        clocks = [cell for cell in sample[index][:20] if looks_like_time_of_day(cell)]
        if index != time and (clocks or words & _HOURS or (year and words & _YEAR_PARTS)):
            return index
    return None


def split_time_error(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    time: int,
    other: int,
    joined: Sequence[int],
) -> DataError:
    """Return the error for a time that is split over several columns.

    Args:
        source: name of the file.
        names: names of the columns.
        sample: first cells [n] of each column.
        time: index of the time column.
        other: index of the column that seems to hold the other part.
        joined: columns that can be joined, in order; empty if none are known.
    """
    flags = " ".join(f"--time {quote_name(names[index])}" for index in joined or (time, other))
    cells = [cell.strip() for cell in sample[time]]
    return DataError(
        f"duplicate timestamp: {cells.count(cells[0])} rows have {quote_cell(cells[0])} in "
        f"{quote_name(names[time])}, and {quote_name(names[other])} seems to hold the other part of the time",
        hint=f"use {flags} to join them, or --series to name a series column",
        rule="D210",
        at=in_file(source),
        flags=("--time", "--series"),
    )


def refuse_totals(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], lines: np.ndarray, *, unit: str
) -> None:
    """Raise DataError if a row is labeled as a total. Call it only for data without a time column.

    Args:
        source: name of the file.
        names: names of the columns.
        sample: first cells [n] of each column.
        lines: line of each row [n].
        unit: unit of `lines`, "line" or "row".
    """
    for index, cells in enumerate(sample):
        for row, cell in enumerate(cells):
            if _TOTAL.fullmatch(cell.strip().rstrip(":")) and not _is_frequent(cell, cells):
                location = CellLocation(source=source, column=names[index], unit=unit)
                raise DataError(
                    f"{quote_cell(cell)} looks like a row of totals, not of data",
                    hint="delete the line",
                    rule="D311",
                    at=location.at(int(lines[row])),
                )


def refuse_footers(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], lines: np.ndarray, *, unit: str
) -> None:
    """Raise DataError if the last rows summarize the rows above. Call it only for data without a time column.

    Args:
        source: name of the file.
        names: names of the columns.
        sample: first cells [n] of each column.
        lines: line of each row [n].
        unit: unit of `lines`, "line" or "row".
    """
    for index, cells in enumerate(sample):
        words = list(takewhile(bool, (_FOOTER.fullmatch(cell.strip()) for cell in reversed(cells))))
        end = len(cells) - len(words)
        for row, word in enumerate(reversed(words), start=end):
            assert word is not None
            summary = _SUMMARIES[next(name for name, text in word.groupdict().items() if text)]
            for other in sample:
                above = [float(cell) for cell in other[:end] if is_number(cell)]
                value = float(other[row]) if is_number(other[row]) else np.nan
                if len(above) > 2 and np.isclose(value, summary(above), rtol=1e-6, atol=0):
                    location = CellLocation(source=source, column=names[index], unit=unit)
                    raise DataError(
                        f"{quote_cell(cells[row])} looks like a summary of the rows above, not a row of data",
                        hint="delete the line",
                        rule="D311",
                        at=location.at(int(lines[row])),
                    )


def _is_frequent(cell: str, cells: Sequence[str]) -> bool:
    """Return whether more than a tenth of the cells have this word, so that it is a normal value."""
    return cells.count(cell) * 10 > len(cells)


def find_thousands_separators(cells: Iterable[str], delimiter: str, location: CellLocation) -> list[Finding]:
    """Return a finding if all dots of a column could be thousands separators, as in 987, 1.234, 12.045.

    With a comma as delimiter, the dots are decimal points if all cells have three digits after the dot.

    Args:
        cells: text cells of the column.
        delimiter: delimiter of the file, "" for Parquet.
        location: file and column.
    """
    measured = [cell.strip() for cell in cells if not is_missing(cell)]
    dotted = [cell for cell in measured if _THOUSANDS.fullmatch(cell)]
    rest = [cell for cell in measured if not _THOUSANDS.fullmatch(cell)]
    if len(dotted) < 2 or not all(re.fullmatch(r"[+-]?\d{1,3}", cell) for cell in rest):
        return []
    if not rest and delimiter in (",", ""):
        return []
    return [
        Finding.at(
            location.column_text,
            "D312",
            f"{quote_cell(dotted[0])} and {len(dotted) - 1:,} more cells have a decimal point, but their dots "
            "may be thousands separators (use --decimal , --thousands . if they are)",
            count=len(dotted),
            flags=("--thousands", "--decimal"),
        )
    ]


def find_similar_series_names(names: Iterable[str], location: CellLocation) -> list[Finding]:
    """Return a finding if two series names differ only in their Unicode form (NFC and NFD)."""
    first: dict[str, str] = {}
    for name in names:
        if not name.isascii():
            other = first.setdefault(normalize("NFC", name), name)
            if other != name:
                return [
                    Finding.at(
                        location.column_text,
                        "D211",
                        f"duplicate series name: {quote_name(name)} occurs in two Unicode forms (NFC and NFD), so it "
                        "was read as two series (no option for this; write the name in one form)",
                    )
                ]
    return []
