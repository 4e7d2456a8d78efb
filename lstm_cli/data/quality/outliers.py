"""Single values far from what stands a season before and after: slips of a sensor or of a hand.

A value counts where it differs from both neighbours one season away in the same direction by more than `FAR`
robust deviations of such differences (1.4826 times their median absolute deviation, the normal-consistent MAD of
Hampel 1974, "The influence curve and its role in robust estimation"). A level that shifts or a trend differs on
one side only. The deviation is the largest of that of the whole series, of its surroundings, and of its phase in
the season: noise that grows, and nights that are calmer than days, are no outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.grid.row_lookup import GridLines

MIN_DEVIATIONS = 10.0  # robust deviations
END_FACTOR = 1.5  # times as far within a season of either end, where both neighbours lie on one side
NORMAL = 1.4826  # MAD to standard deviation, of normal noise
MAX_SAMPLED_DIFFERENCES = 500_000  # differences that the first look rests on, of all series
LARGE_SAMPLE = 10_000  # of each series: from there on a sample says it well
MAX_SUSPECTS = 200  # series of a panel that are looked at closely
BLOCK_ROWS = 500_000  # rows of a series that are judged together
MAX_SHARE = 0.01  # a larger share of a column is no slip but its nature
MIN_ROWS = 20  # rows below which nothing can be called usual


@dataclass(frozen=True, kw_only=True)
class Outliers:
    """Those of one column, over all series."""

    column: int
    rows: np.ndarray  # [N] int64, rows of the values, rising
    values: np.ndarray  # [N] float64
    season: int  # steps to the neighbours that they are held against


def find_outliers(rows: GridLines, columns: int, seasons: Sequence[int]) -> list[Outliers]:
    """The first so many columns of a grid, those of them that have any."""
    offset, season = rows.offset, neighbour_season(rows.grid.counts, seasons)
    found = []
    for column, suspects in enumerate(_suspect_series(rows, columns, season)):
        slips = [offset[one] + outlier_rows(rows.cells(one, column), season) for one in suspects]
        chosen = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *slips]))
        if len(chosen):
            found.append(
                Outliers(column=column, rows=chosen, values=rows.select(chosen, column), season=season)
            )
    return found


def outlier_rows(cells: np.ndarray, season: int) -> np.ndarray:
    """Return what `outliers_of` does; a very long column is judged stretch by stretch, each with the rows around it."""
    found = [np.zeros(0, dtype=np.int64)]
    for begin in range(0, len(cells), BLOCK_ROWS):
        end = min(begin + BLOCK_ROWS, len(cells))
        low = max(0, min(begin, end - BLOCK_ROWS) - 2 * season)
        rows = low + outliers_in_column(cells[low : end + 2 * season], season)
        found.append(rows[(rows >= begin) & (rows < end)])
    return np.concatenate(found)


def neighbour_season(counts: np.ndarray, seasons: Sequence[int]) -> int:
    """Return the longest season that most series of `counts` [S] rows hold four times; 1 where there is none."""
    usual = float(np.median(counts)) if len(counts) else 0.0
    return max((season for season in seasons if 4 * season <= usual), default=1)


def outliers_in_column(cells: np.ndarray, season: int) -> np.ndarray:
    """The rows of one column [n] that are outliers, rising."""
    none = np.zeros(0, dtype=np.int64)
    if len(cells) < max(MIN_ROWS, 2 * season + 1):
        return none
    apart = cells[season:] - cells[:-season]
    if np.isnan(apart).all():
        return none
    spread = _deviation(apart)
    if spread == 0:
        rows = _repetitive_column_outliers(cells)
    else:
        lift = _distances(cells, season)
        lift[:season] /= END_FACTOR
        lift[-season:] /= END_FACTOR
        rows = np.flatnonzero(lift > MIN_DEVIATIONS * spread)
        rows = rows if len(rows) > _max_count(cells) else _confirm(rows, lift, apart, season)
    return none if len(rows) > _max_count(cells) else rows


def _max_count(cells: np.ndarray) -> float:
    return max(1.0, MAX_SHARE * int((~np.isnan(cells)).sum()))


def _distances(cells: np.ndarray, season: int) -> np.ndarray:
    """How far each value [n] stands from both neighbours a season away in one direction; 0 where it does not.

    At the ends, and beside what was not measured, the neighbour two seasons away stands in. One alone says
    nothing.
    """
    apart = cells[season:] - cells[:-season]
    drift = float(np.median(apart[~np.isnan(apart)]))  # a trend goes on, at the ends too
    before, after = (_neighbours(cells, season, side, drift) for side in (1, -1))
    up = np.minimum(cells - before, cells - after)
    down = np.minimum(before - cells, after - cells)
    return np.nan_to_num(np.maximum(np.maximum(up, down), 0.0), nan=0.0)


def _neighbours(cells: np.ndarray, season: int, side: int, drift: float) -> np.ndarray:
    """The neighbour one season before (side 1) or after (-1); else two on that side; else two on the other.

    drift: what the values rise by in a season, which is taken out.
    """
    found = np.full(len(cells), np.nan)
    for away in (side * season, 2 * side * season, -2 * side * season):
        other = np.full(len(cells), np.nan)
        if abs(away) < len(cells):
            if away > 0:
                other[away:] = cells[:-away] + drift * (away // season)
            else:
                other[:away] = cells[-away:] + drift * (away // season)
        found = np.where(np.isnan(found), other, found)
    return found


def _confirm(rows: np.ndarray, lift: np.ndarray, apart: np.ndarray, season: int) -> np.ndarray:
    """Those of the rows that are far beside the noise around them and that of their phase, too."""
    around = max(2 * season, 50)
    kept = []
    for row in rows.tolist():
        near = apart[max(0, row - season - around) : row + around]
        phase = _phase_differences(apart, row, season) if season > 1 else near
        if lift[row] > MIN_DEVIATIONS * max(_deviation(near), _deviation(phase)):
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def _phase_differences(apart: np.ndarray, row: int, season: int) -> np.ndarray:
    """The differences of the rows that stand at the same place of the season, without those of the row itself."""
    places = np.arange(row % season, len(apart), season)
    return apart[places[(places != row) & (places != row - season)]]


def _repetitive_column_outliers(cells: np.ndarray) -> np.ndarray:
    """Of a column where most values repeat: the few that are ten times as far from its median as all others."""
    measured = np.flatnonzero(~np.isnan(cells))
    far = np.abs(cells[measured] - np.median(cells[measured]))
    order = np.argsort(far, kind="stable")
    few = int(_max_count(cells))
    top = far[order[-few - 1 :]]
    jumps = np.flatnonzero((top[1:] > MIN_DEVIATIONS * top[:-1]) & (top[:-1] > 0))
    return (
        np.sort(measured[order[len(order) - few + int(jumps[0]) :]]) if len(jumps) else np.zeros(0, np.int64)
    )


def _deviation(values: np.ndarray) -> float:
    """The robust standard deviation of what was measured; 0 where nothing was."""
    measured = values[~np.isnan(values)]
    if not len(measured):
        return 0.0
    return NORMAL * float(np.median(np.abs(measured - np.median(measured))))


def _suspect_series(rows: GridLines, columns: int, season: int) -> list[list[int]]:
    """For each column the series that a quick look over all rows finds something in, the most striking first."""
    strongest = np.zeros((columns, len(rows.offset)))
    for first, series, usable in rows.chunks(before=season):
        one = series[season:]  # of the later row of each pair
        pairs = usable[season:] & (series[:-season] == one)
        if not len(one):
            continue
        block = rows.values_between(first, first + len(series))
        firsts = np.flatnonzero(np.diff(one, prepend=-1))
        for column in range(columns):
            cells = block[:, column]
            apart = np.nan_to_num(np.abs(cells[season:] - cells[:-season]))
            most = np.maximum.reduceat(np.where(pairs, apart, 0.0), firsts)
            strongest[column, one[firsts]] = np.maximum(strongest[column, one[firsts]], most)
    found = []
    for column in range(columns):
        spread = _sampled_deviation(rows, column, season)
        # Less than what the close look asks for, since this deviation rests on a sample.
        share = 0.9 if _sample_size(len(rows.offset)) >= LARGE_SAMPLE else 0.5
        suspects = np.flatnonzero(strongest[column] > share * MIN_DEVIATIONS * spread)
        with np.errstate(divide="ignore"):
            order = np.argsort(-(strongest[column, suspects] / spread[suspects]), kind="stable")
        found.append(suspects[order][:MAX_SUSPECTS].tolist())
    return found


def _sample_size(series: int) -> int:
    """The differences of each series that its deviation is sampled from."""
    return max(32, min(20_000, MAX_SAMPLED_DIFFERENCES // max(1, series)))


def _sampled_deviation(rows: GridLines, column: int, season: int) -> np.ndarray:
    """The robust deviation of each series' differences [S], by a sample of them; 0 where there is none."""
    offset = rows.offset
    each = _sample_size(len(offset))
    spread = np.zeros(len(offset))
    pairs = rows.grid.counts - season
    some_at_once = max(1, MAX_SAMPLED_DIFFERENCES // each)
    for low in range(0, len(offset), some_at_once):
        some = np.arange(low, min(low + some_at_once, len(offset)))
        some = some[pairs[some] > 0]
        if not len(some):
            continue
        place = np.linspace(0, 1, each)[None, :] * (pairs[some] - 1)[:, None]
        later = offset[some][:, None] + season + place.round().astype(np.int64)
        apart = rows.select(later, column) - rows.select(later - season, column)
        spread[some] = NORMAL * _median(np.abs(apart - _median(apart)[:, None]))
    return spread


def _median(rows: np.ndarray) -> np.ndarray:
    """The median of each row [S, n] of what is not NaN, 0 where nothing is."""
    ordered = np.sort(rows, axis=1)  # NaN last
    known = (~np.isnan(ordered)).sum(axis=1)
    at = np.arange(len(rows))
    middle = (
        ordered[at, np.maximum(known - 1, 0) // 2] + ordered[at, np.minimum(known // 2, rows.shape[1] - 1)]
    ) / 2
    return np.where(known > 0, np.nan_to_num(middle), 0.0)
