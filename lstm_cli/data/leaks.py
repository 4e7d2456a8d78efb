"""Columns that give the target away: copies of it, of a linear map of it, or of what it will be some steps later.

Two columns tell the same where a straight line through their pairs leaves next to nothing of the variance, of the
values and of their changes from row to row. Changes are asked too because any two trends look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROWS = 10_000  # first rows of a series that are looked at
SERIES = 5  # of a panel, the longest ones
PAIRS = 30  # rows below which columns are alike by chance
SLIPS = 0.01  # share of the pairs that may be anything: a slip in one of two columns hides nothing
LEFT_OF_VALUES, LEFT_OF_CHANGES = 1e-3, 1e-2  # shares of the variance that a straight line may leave
EXACT = 1e-9  # the same of a copy


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column that says what a target is, `ahead` steps later (below 0: was, so many steps before)."""

    column: int
    target: int
    ahead: int
    left: float  # share of the target's variance that a straight line through the pairs leaves
    copy: bool  # the very same numbers


def find_leaks(
    series: Sequence[np.ndarray], targets: Sequence[int], columns: Sequence[int], *, reach: int
) -> list[Leak]:
    """Which of the `columns` tell which of the `targets`, at most `reach` steps ahead or back.

    series: [T, F] each, with NaN where not measured; the first `SERIES` of them are looked at. A column is told
    once, for the target that it tells best. All series that vary must agree.
    """
    looked = [np.asarray(rows[:ROWS], dtype=np.float64) for rows in series[:SERIES]]
    found = []
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near 1e308 tell nothing
        for column in columns:
            leaks = (_leak(looked, column, target, reach) for target in targets if target != column)
            told = [leak for leak in leaks if leak is not None]
            if told:
                found.append(min(told, key=lambda leak: leak.left))
    return found


def longest_first(counts: np.ndarray) -> list[int]:
    """The series [S] that `find_leaks` is to be given, of so many rows each."""
    return [int(one) for one in np.argsort(-counts, kind="stable")[:SERIES]]


def _leak(series: Sequence[np.ndarray], column: int, target: int, reach: int) -> Leak | None:
    ahead = 0
    left: list[float] = []
    copy = True
    for rows in series:
        told, future = rows[:, column], rows[:, target]
        if len(rows) < PAIRS:
            continue
        if not left:
            ahead = _likely_lag(told, future, min(reach, len(rows) // 2))
        told, future = told[max(0, -ahead) :], future[max(0, ahead) :]
        told, future = told[: len(future)], future[: len(told)]
        rest = _left(told, future)
        if rest is None:  # this series says nothing
            continue
        if rest[0] > LEFT_OF_VALUES or rest[1] > LEFT_OF_CHANGES:
            return None
        left.append(rest[0])
        apart = np.abs(told - future)
        apart, sizes = apart[~np.isnan(apart)], np.abs(future[~np.isnan(future)])
        copy &= bool(np.quantile(apart, 1 - SLIPS) <= EXACT * np.quantile(sizes, 1 - SLIPS))
    return Leak(column=column, target=target, ahead=ahead, left=max(left), copy=copy) if left else None


def _likely_lag(told: np.ndarray, future: np.ndarray, reach: int) -> int:
    """The k within `reach` at which changes of one column [T] and those k rows later of the other go together best.

    By their cross-correlation, through the Fourier transform; of equal ones the least.
    """
    changes = [_within_one(_without_jumps(np.diff(cells))) for cells in (told, future)]
    size = 1 << (2 * len(told)).bit_length()
    first, second = (np.fft.rfft(one - one.mean(), size) for one in changes)
    together = np.abs(np.fft.irfft(np.conj(first) * second, size))
    lags = np.concatenate([np.arange(reach + 1), np.arange(-reach, 0)])
    strength = together[lags]
    near = lags[strength >= (1 - 1e-6) * strength.max()]
    return int(near[np.argmin(np.abs(near))])


def _without_jumps(changes: np.ndarray) -> np.ndarray:
    """Changes [n] cut to what 98 % of them lie within, so that no single one decides."""
    known = changes[np.isfinite(changes)]
    if not len(known):
        return changes
    low, high = np.quantile(known, [SLIPS, 1 - SLIPS])
    return np.clip(changes, low, high) if low < high else changes


def _within_one(cells: np.ndarray) -> np.ndarray:
    """Cells [n] as shares of the largest, so that no product overflows; 0 where there is none."""
    known = np.where(np.isfinite(cells), cells, 0.0)
    shares: np.ndarray = known / max(float(np.abs(known).max()), np.finfo(np.float64).tiny)
    return shares


def _left(told: np.ndarray, future: np.ndarray) -> tuple[float, float] | None:
    """The shares of the variance of `future` [n], and of its changes, that a straight line through `told` leaves.

    None where too few pairs were measured, or one of the two does not vary.
    """
    shares = []
    for one, other in ((told, future), (np.diff(told), np.diff(future))):
        pairs = ~np.isnan(one) & ~np.isnan(other)
        if pairs.sum() < PAIRS:
            return None
        share = _share_left(*_without_slips(one[pairs], other[pairs]))
        if share is None:
            return None
        shares.append(share)
    return shares[0], shares[1]


def _share_left(one: np.ndarray, other: np.ndarray) -> float | None:
    """The share of the variance of `other` [n] that a straight line through `one` leaves; None: one does not vary."""
    one, other = (_within_one(cells) for cells in (one, other))
    one, other = one - one.mean(), other - other.mean()
    power = float(one @ one) * float(other @ other)
    if not power > 0 or not np.isfinite(power):
        return None
    return max(0.0, 1 - float(one @ other) ** 2 / power)


def _without_slips(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs [n] but for the share `SLIPS` of them that lies farthest from a straight line through the middle."""
    x, y = (_within_one(cells) for cells in (one, other))
    x, y = x - np.median(x), y - np.median(y)
    spread = np.median(np.abs(x))
    if not spread > 0:
        return one, other
    near = np.abs(x) >= spread  # the outer half tells the slope, whatever single pairs do
    rest = np.abs(y - float(np.median(y[near] / x[near])) * x)
    kept = rest <= np.quantile(rest, 1 - SLIPS)
    return one[kept], other[kept]
