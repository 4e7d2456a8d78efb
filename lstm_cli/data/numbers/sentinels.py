"""Check of a column for sentinels: values such as -200 or -999 that stand for a missing value."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.hints import na_value_flag
from lstm_cli.findings import Finding

# Values that are usual sentinels, so that a single cell is enough.
_USUAL = frozenset((-99, -999, -9999, -99999, -999999, 9999, 99999, 999999))
_USUAL_FACTOR = 5  # a usual sentinel is this many times larger than all other values
_FILL_FACTOR = 1e6  # a fill value such as 1e20 is this many times larger than all other values
_MIN_COUNT, _MIN_SHARE = 5, 0.01  # a less usual one has this many cells, and this share of the column
_MANY_COUNT, _MANY_SHARE = 10, 0.02  # equal cells, and their share of the column, that count with any digits
_MAX_MANY_SHARE, _MAX_ZERO_SHARE = 0.2, 0.1  # a larger share is a state, or zeros of days off
_MANY_GAP_SHARE = 0.3  # share of the range of the other values, for many cells of a negative whole number
_RARE = 0.1  # share of the count of a sentinel that each of its neighbours has at most
_MAX_SHARE = 0.5  # a larger share is the normal state of a machine, for example, if its sign is normal
_MIN_GAPS = 10  # gaps between the next values, for a negative value in a column without others
_MIN_GAP_SHARE = 0.1  # share of the range of the other values, for the same
_MIN_OTHERS = 5  # distinct other values; a column of fewer values holds categories
_MAX_SENTINELS = 2  # on each side
_KEPT = _MAX_SENTINELS + _MIN_OTHERS  # distinct values kept on each side


@dataclass(frozen=True, kw_only=True)
class Sentinel:
    """Value that may stand for a missing value."""

    value: float
    count: int
    line: int  # of the first cell


def may_be_sentinels(values: np.ndarray, lowest: float, highest: float) -> bool:
    """Return whether an extreme value of a column can be a sentinel. `Sentinels` decides it; this check is fast.

    Args:
        values: numbers [n] without NaN.
        lowest: smallest value.
        highest: largest value.
    """
    if lowest in _USUAL or highest in _USUAL:
        return True
    counts = np.count_nonzero(values == lowest), np.count_nonzero(values == highest)
    return bool(max(counts) >= _MIN_COUNT)


class _Extremes:
    """Smallest distinct values of a column, or the largest ones, with their counts."""

    def __init__(self, sign: int) -> None:
        """Create an empty record. sign: 1 for the smallest values, -1 for the largest ones."""
        self._sign = sign
        self.entries: list[Sentinel] = []  # the outermost value first

    def add(self, values: np.ndarray, lines: np.ndarray, outermost: float) -> None:
        """Add a batch of values [n] with their lines [n]. outermost: the first extreme, or NaN if unknown."""
        bound = self._sign * self.entries[-1].value if len(self.entries) == _KEPT else np.inf
        if self._sign * outermost > bound:
            return
        rows = np.flatnonzero(self._sign * values <= bound)
        found = {entry.value: entry for entry in self.entries}
        for _ in range(_KEPT):
            if not len(rows):
                break
            cells = values[rows]
            value = float(cells.min() if self._sign > 0 else cells.max())
            same = cells == value
            known = found.get(value) or Sentinel(value=value, count=0, line=int(lines[rows[np.argmax(same)]]))
            found[value] = Sentinel(value=value, count=known.count + int(same.sum()), line=known.line)
            rows = rows[~same]
        self.entries = sorted(found.values(), key=lambda entry: self._sign * entry.value)[:_KEPT]


class Sentinels:
    """Check for a value that is frequent or usual as a sentinel, and far from all other values."""

    def __init__(self) -> None:
        self._low, self._high = _Extremes(1), _Extremes(-1)
        self._count = 0  # measured cells

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """Add a batch of rows.

        Args:
            values: numbers [n].
            lines: line of each number [n].
            minimum: smallest value, or NaN if unknown.
            maximum: largest value, or NaN if unknown.
        """
        self._count += len(values) if minimum == minimum else int(np.count_nonzero(~np.isnan(values)))
        self._low.add(values, lines, minimum)
        self._high.add(values, lines, maximum)

    def found(self) -> tuple[list[Sentinel], float, float]:
        """Return the sentinels, and the lowest and the highest of the other values."""
        low, high = self._low.entries, self._high.entries
        pairs = product(range(min(len(low), _MAX_SENTINELS + 1)), range(min(len(high), _MAX_SENTINELS + 1)))
        for below, above in sorted(pairs, key=sum, reverse=True):
            lowest, highest = low[below].value, high[above].value
            outside = [*low[:below], *high[:above]]
            inside = {entry.value: entry.count for entry in (*low, *high) if lowest <= entry.value <= highest}
            if inside and all(self._is_sentinel(entry, inside) for entry in outside):
                return outside, lowest, highest
        return [], np.nan, np.nan

    def _is_sentinel(self, entry: Sentinel, others: dict[float, int]) -> bool:
        """Return whether a value may be a sentinel. others: counts of the outermost other values, on both sides."""
        value, lowest, highest = entry.value, min(others), max(others)
        if value in _USUAL and abs(value) > _USUAL_FACTOR * max(abs(lowest), abs(highest)):
            return True
        if len(others) < _MIN_OTHERS:
            return False
        if self._is_many(entry, others):
            return True
        if not _looks_like_code(value, max(abs(lowest), abs(highest))):
            return False
        if entry.count < max(_MIN_COUNT, _MIN_SHARE * self._count):
            return False
        gap = max(lowest - value, value - highest)
        if value < 0 <= lowest and gap > _MIN_GAP_SHARE * (highest - lowest):
            nearest = sorted(others)[:_MIN_OTHERS]
            if gap > _MIN_GAPS * (nearest[-1] - nearest[0]) / (len(nearest) - 1):
                return True
        return gap > highest - lowest and entry.count <= _MAX_SHARE * self._count

    def _is_many(self, entry: Sentinel, others: dict[float, int]) -> bool:
        """Return whether many cells have one value, and the values next to it are rare and far away.

        A usual sentinel may be near to the others: one value in many cells is no measurement there.
        """
        share = _MAX_MANY_SHARE if entry.value else _MAX_ZERO_SHARE
        if not max(_MANY_COUNT, _MANY_SHARE * self._count) <= entry.count <= share * self._count:
            return False
        lowest, highest = min(others), max(others)
        nearest = sorted(others, key=lambda other: abs(other - entry.value))[:_MIN_OTHERS]
        if any(others[other] > _RARE * entry.count for other in nearest):
            return False
        gap = max(lowest - entry.value, entry.value - highest)
        spacing = abs(nearest[-1] - nearest[0]) / (len(nearest) - 1)
        if entry.value in _USUAL:
            return True
        if entry.value < 0 and entry.value.is_integer() and gap > _MIN_GAPS * spacing:
            return gap > _MANY_GAP_SHARE * (highest - lowest)
        return gap > highest - lowest

    def finding(self, location: CellLocation) -> Finding | None:
        """Return a finding if the column has sentinels, else None."""
        sentinels, lowest, highest = self.found()
        if not sentinels:
            return None
        count = sum(entry.count for entry in sentinels)
        return Finding.at(
            location.at(min(entry.line for entry in sentinels)),
            "D313",
            _sentinel_text(sentinels, count, self._count, lowest, highest),
            count=count,
            flags=("--na-value",),
        )


def _looks_like_code(value: float, largest: float) -> bool:
    """Return whether a value is written as a code: a negative whole number, nines only, or a huge fill value.

    Other values far from the rest are mostly true: zeros of intermittent demand, doses, or the power of a machine.

    Args:
        value: value far from all others.
        largest: largest absolute value of the others.
    """
    digits = f"{abs(value):.15g}".replace(".", "")
    nines = len(digits) > 1 and set(digits) == {"9"}
    return nines or (value < 0 and value.is_integer()) or abs(value) > _FILL_FACTOR * largest


def _sentinel_text(
    sentinels: Sequence[Sentinel], count: int, cells: int, lowest: float, highest: float
) -> str:
    """Return the sentence about sentinels.

    Args:
        sentinels: the sentinels of the column.
        count: number of their cells.
        cells: number of measured cells of the column.
        lowest: lowest of the other values.
        highest: highest of the other values.
    """
    values = [f"{entry.value:.15g}" for entry in sentinels]
    flags = " ".join(map(na_value_flag, values))
    if len(sentinels) > 1:
        return (
            f"{', '.join(values)} are in {count:,} of {cells:,} cells, far from all others ({lowest:.15g} to "
            f"{highest:.15g}), so they may be codes for missing values (use {flags} if they are)"
        )
    below = sentinels[0].value < lowest
    return (
        f"{values[0]} is in {count:,} of {cells:,} cells, far {'below' if below else 'above'} all others (the next is "
        f"{lowest if below else highest:.15g}), so it may be a code for a missing value (use {flags} if it is)"
    )
