"""What a column's first cells betray: times in several columns or unread, totals, dots between thousands."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from unicodedata import normalize

import numpy as np

from lstm_cli.data.locations import CellLocation, is_missing, quote_cell, quote_name
from lstm_cli.data.times.integer_times import PLAUSIBLE_YEARS, is_likely_time_name, is_time_name
from lstm_cli.data.times.patterns import looks_like_time_of_day
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.text import is_number

_TOTAL = re.compile(
    r"(grand |sub|sub-)?totals?|sums?|average|mean|summe|gesamt|insgesamt|somme|suma|totale|итого|合計|总计|합계",
    re.IGNORECASE,
)
# Labels of rows that tell of those above, and what they then hold.
_FOOTER = re.compile(
    r"((?P<most>max(imum)?)|(?P<least>min(imum)?)|(?P<middle>median)|(?P<mean>avg|average|mean)|(?P<sum>sum|total)"
    r"|(?P<count>count|n))\.?:?( of .*)?",
    re.IGNORECASE,
)
_FOOTERS: dict[str, Callable[[list[float]], float]] = {
    "most": max,
    "least": min,
    "middle": lambda values: float(np.median(values)),
    "mean": lambda values: float(np.mean(values)),
    "sum": sum,
    "count": len,
}
_HOURS = frozenset(("hour", "hours", "hr", "h", "he", "stunde", "heure", "hora", "time", "clock", "uhrzeit"))
_MONTHS = frozenset(("month", "mon", "monat", "mois", "mes", "quarter", "qtr"))
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")


def refuse_unread_numbers(source: str, name: str, cells: Sequence[str]) -> None:
    """Raises DataError for a column of numbers that are meant as times and read as none: no rows may be counted
    in its place. cells: the first measured ones.

    A spreadsheet counts days since 1899, pandas writes 2021.0, and some write 1.6e9. Small numbers are counts.
    """
    if not cells or not is_number(cells[0]) or not is_likely_time_name(name):
        return
    first = abs(float(cells[0]))
    serial = 20_000 <= first <= 80_000  # days from 1954 to 2119, as spreadsheets count them
    year = PLAUSIBLE_YEARS[0] <= first < PLAUSIBLE_YEARS[1] and not is_time_name(name)
    if serial or year or first >= 1e6:
        why = ", but may be a serial day of a spreadsheet" if serial else ""
        raise DataError(
            f"column {quote_name(name)} is called a time, and {quote_cell(cells[0])} in it reads as none{why}",
            hint="write the times as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss; --time names another column",
            rule="D209",
            at=in_file(source),
            flags=("--time",),
        )


def refuse_split_time_columns(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], time: int, groups: np.ndarray | None
) -> None:
    """Raises DataError where the column `time` says the same for many rows, and another one tells them apart.

    sample: the first cells [n] of each column; groups: [n] the series of each row.
    """
    cells = [cell.strip() for cell in sample[time]]
    keys = cells if groups is None else list(zip(groups.tolist(), cells, strict=True))
    if not keys or len(set(keys)) * 2 > len(keys) or any(":" in cell for cell in cells[:20]):
        return
    year = bool(re.fullmatch(r"\d{4}", cells[0]))
    for index, name in enumerate(names):
        words = set(re.split(r"[^a-z]+", name.lower()))
        clocks = [cell for cell in sample[index][:20] if looks_like_time_of_day(cell)]
        if index != time and (clocks or words & _HOURS or (year and words & _MONTHS)):
            raise DataError(
                f"{quote_name(names[time])} alone does not tell the rows apart, {quote_cell(cells[0])} stands in "
                f"{cells.count(cells[0])} of them; the rest of the time seems to be in {quote_name(name)}",
                hint="join them in one column, such as 2021-03-28 05:00; or --series names a column of series",
                rule="D210",
                at=in_file(source),
                flags=("--series",),
            )


def refuse_totals(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], lines: np.ndarray, *, unit: str
) -> None:
    """Raises DataError where rows are only counted, and one is called a total.

    sample: the first cells [n] of each column, on the lines [n]; unit: what these count.
    """
    for index, cells in enumerate(sample):
        for row, cell in enumerate(cells):
            if _TOTAL.fullmatch(cell.strip().rstrip(":")) and not _is_frequent(cell, cells):
                location = CellLocation(source=source, column=names[index], unit=unit)
                raise DataError(
                    f"{quote_cell(cell)} seems to be no row of data but a total",
                    hint="delete the line",
                    rule="D311",
                    at=location.at(int(lines[row])),
                )


def refuse_footers(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], lines: np.ndarray, *, unit: str
) -> None:
    """Raises DataError where rows are only counted, and the last ones hold what their labels say of those above.

    sample, lines, unit: as for `refuse_totals`.
    """
    for index, cells in enumerate(sample):
        words = list(takewhile(bool, (_FOOTER.fullmatch(cell.strip()) for cell in reversed(cells))))
        end = len(cells) - len(words)
        for row, word in enumerate(reversed(words), start=end):
            assert word is not None
            summary = _FOOTERS[next(name for name, found in word.groupdict().items() if found)]
            for other in sample:
                above = [float(cell) for cell in other[:end] if is_number(cell)]
                value = float(other[row]) if is_number(other[row]) else np.nan
                if len(above) > 2 and np.isclose(value, summary(above), rtol=1e-6, atol=0):
                    location = CellLocation(source=source, column=names[index], unit=unit)
                    raise DataError(
                        f"{quote_cell(cells[row])} seems to be no row of data but to tell of those above",
                        hint="delete the line",
                        rule="D311",
                        at=location.at(int(lines[row])),
                    )


def _is_frequent(cell: str, cells: Sequence[str]) -> bool:
    """Whether a word stands in so many rows that it is a value like others."""
    return cells.count(cell) * 10 > len(cells)


def find_thousands_separators(cells: Iterable[str], delimiter: str, location: CellLocation) -> list[Finding]:
    """Return a finding where every dot of a column could stand between thousands: 987, 1.234, 12.045.

    Where commas divide the cells, dots before three digits in all of them are decimals.
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
            "may be thousands separators (no flag: write 1234.5 for a thousand and more)",
            count=len(dotted),
        )
    ]


def find_similar_series_names(names: Iterable[str], location: CellLocation) -> list[Finding]:
    """Return a finding where two series are written alike, one in letters put together of others (NFD against NFC)."""
    first: dict[str, str] = {}
    for name in names:
        if not name.isascii():
            other = first.setdefault(normalize("NFC", name), name)
            if other != name:
                return [
                    Finding.at(
                        location.column_text,
                        "D211",
                        f"{quote_name(name)} stands for two series, as its letters are written in two ways, of one or "
                        "several characters (NFC and NFD); no flag: write them in one way",
                    )
                ]
    return []
