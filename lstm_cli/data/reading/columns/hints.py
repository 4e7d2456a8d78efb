"""Columns that the hint of an error suggests: a likely target, and columns that tell the series apart."""

import re
from collections.abc import Sequence
from itertools import combinations

from lstm_cli.wording import is_number

MAX_CANDIDATES = 12  # first columns that are combined
MAX_COMBINED = 3
# Words in the names of usual targets, the most usual ones first.
_TARGETS = [
    "y",
    "target",
    "value",
    "values",
    "sales",
    "demand",
    "load",
    "consumption",
    "price",
    "close",
    "revenue",
    "quantity",
    "qty",
    "amount",
    "volume",
    "count",
    "cnt",
    "passengers",
    "visits",
    "traffic",
    "usage",
    "power",
    "energy",
    "output",
    "production",
    "temperature",
    "temp",
]
# Words in the names of columns that hold numbers, but are rarely forecast.
_LABELS = frozenset(
    [
        "id",
        "index",
        "idx",
        "no",
        "nr",
        "num",
        "number",
        "code",
        "key",
        "row",
        "column",
        "unnamed",
        "year",
        "month",
        "week",
        "day",
        "hour",
        "minute",
        "weekday",
        "quarter",
        "lat",
        "latitude",
        "long",
        "lon",
        "lng",
        "longitude",
        "store",
        "shop",
        "dept",
        "department",
        "item",
        "sku",
        "product",
        "region",
        "country",
        "city",
        "flag",
        "holiday",
    ]
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def likely_target(names: Sequence[str]) -> str:
    """Return the name of the numeric column that is the most likely target.

    It has the word of a usual target, such as sales. Otherwise it is the first column without the word of a label,
    such as id.

    >>> likely_target(["store_id", "promo", "Weekly_Sales"]), likely_target(["id", "Ir", "Ta"])
    ('Weekly_Sales', 'Ir')
    """
    words = [{word.lower() for word in _WORD.findall(name)} for name in names]
    for target in _TARGETS:
        for name, found in zip(names, words, strict=True):
            if target in found and not found & _LABELS:
                return name
    return next((name for name, found in zip(names, words, strict=True) if not found & _LABELS), names[0])


def name_series(sample: Sequence[Sequence[str]], series: Sequence[int], times: Sequence[int] = ()) -> bool:
    """Return whether columns name a series in each row, and no series has two rows at one time.

    Args:
        sample: cells [n] of each column.
        series: indices of the series columns.
        times: indices of the time columns; () if each row is a series.
    """
    names = list(zip(*(sample[index] for index in series), strict=True))
    if not names or not all(map(any, names)):
        return False
    keys = list(zip(names, *(sample[index] for index in times), strict=True))
    return len(set(keys)) == len(keys)


def find_series_columns(
    sample: Sequence[Sequence[str]],
    series: Sequence[int],
    candidates: Sequence[int],
    times: Sequence[int] = (),
) -> tuple[int, ...]:
    """Return the fewest columns to add to the series columns, so that they name the series; () if there are none.

    Args:
        sample: cells [n] of each column.
        series: indices of the series columns.
        candidates: indices of the columns that may be added.
        times: indices of the time columns; () if each row is a series.
    """
    chosen = candidates[:MAX_CANDIDATES]
    for count in range(1, 1 + min(MAX_COMBINED, len(chosen))):
        for added in combinations(chosen, count):
            if name_series(sample, (*series, *added), times):
                return added
    return ()


def suggest_series(
    sample: Sequence[Sequence[str]],
    series: Sequence[int],
    times: Sequence[int],
    others: Sequence[int],
) -> tuple[int, ...]:
    """Return the series columns and those that are missing to tell all rows of one time apart; () if none are missing.

    Args:
        sample: cells [n] of each column.
        series: indices of the series columns.
        times: indices of the time columns; () if each row is a series.
        others: indices of the columns without a role.
    """
    keys = list(zip(*(sample[index] for index in (*series, *times)), strict=True))
    if len(set(keys)) == len(keys):
        return ()
    labels = [index for index in others if _may_name_series(sample[index], timed=bool(times))]
    added = find_series_columns(sample, series, labels, times)
    return (*series, *added) if added else ()


def _may_name_series(cells: Sequence[str], *, timed: bool) -> bool:
    """Return whether cells are names or whole numbers that repeat; timed: each series has several rows."""
    values = set(cells)
    if len(values) < 2 or (timed and 2 * len(values) > len(cells) + 1):
        return False
    return not any(is_number(value) and not value.strip().isdigit() for value in values)
