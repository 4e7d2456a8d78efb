"""Outliers: single values far from the values one season before and after, such as sensor or typing errors.

A value is an outlier if it differs from both neighbours one season away, in one direction, by more than
`MIN_DEVIATIONS` robust deviations of such differences. The robust deviation is 1.4826 times the median absolute
deviation, the normal-consistent MAD of Hampel 1974, "The influence curve and its role in robust estimation". A level
shift or a trend differs on one side only. The largest of three deviations is used: of the whole series, of the
surrounding rows, and of the phase in the season. So growing noise, and nights that are calmer than days, give no
outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.grid.row_lookup import GridLines

MIN_DEVIATIONS = 10.0  # robust deviations
END_FACTOR = 1.5  # stricter within a season of either end, where both neighbours lie on one side
NORMAL = 1.4826  # MAD to standard deviation, of normal noise
MAX_SAMPLED_DIFFERENCES = 500_000  # differences of all series that the first pass samples
LARGE_SAMPLE = 10_000  # differences per series from which a sample is reliable
MAX_SUSPECTS = 200  # series of a panel that are checked in full
BLOCK_ROWS = 500_000  # rows of a series that are judged together
MAX_SHARE = 0.01  # a larger share of a column is normal, not outliers
MIN_ROWS = 20  # fewer rows do not show what is normal


@dataclass(frozen=True, kw_only=True)
class Outliers:
    """Outliers of one column, over all series."""

    column: int
    rows: np.ndarray  # [N] int64, rows of the grid, rising
    values: np.ndarray  # [N] float64
    season: int  # steps to the compared neighbours


def find_outliers(rows: GridLines, columns: int, seasons: Sequence[int]) -> list[Outliers]:
    """Return the outliers of the first `columns` columns of a grid, for each column that has any.

    Args:
        rows: rows of the grid.
        columns: number of columns.
        seasons: confirmed seasons in steps.
    """
    offset, season = rows.offset, neighbour_season(rows.grid.counts, seasons)
    result = []
    for column, suspects in enumerate(_suspect_series(rows, columns, season)):
        series_outliers = [
            offset[series] + outlier_rows(rows.cells(series, column), season) for series in suspects
        ]
        chosen = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *series_outliers]))
        if len(chosen):
            result.append(
                Outliers(column=column, rows=chosen, values=rows.select(chosen, column), season=season)
            )
    return result


def outlier_rows(cells: np.ndarray, season: int) -> np.ndarray:
    """Return the outlier rows of one column [T], rising, as `outliers_in_column` does.

    A very long column is judged in blocks, each with the rows around it.
    """
    parts = [np.zeros(0, dtype=np.int64)]
    for begin in range(0, len(cells), BLOCK_ROWS):
        end = min(begin + BLOCK_ROWS, len(cells))
        low = max(0, min(begin, end - BLOCK_ROWS) - 2 * season)
        rows = low + outliers_in_column(cells[low : end + 2 * season], season)
        parts.append(rows[(rows >= begin) & (rows < end)])
    return np.concatenate(parts)


def neighbour_season(counts: np.ndarray, seasons: Sequence[int]) -> int:
    """Return the longest season that fits four times into most series of `counts` [S] rows; 1 without one."""
    median_rows = float(np.median(counts)) if len(counts) else 0.0
    return max((season for season in seasons if 4 * season <= median_rows), default=1)


def outliers_in_column(cells: np.ndarray, season: int) -> np.ndarray:
    """Return the outlier rows of one column [n], rising."""
    no_rows = np.zeros(0, dtype=np.int64)
    if len(cells) < max(MIN_ROWS, 2 * season + 1):
        return no_rows
    differences = cells[season:] - cells[:-season]
    if np.isnan(differences).all():
        return no_rows
    spread = _deviation(differences)
    if spread == 0:
        rows = _repetitive_column_outliers(cells)
    else:
        distances = _distances(cells, season)
        distances[:season] /= END_FACTOR
        distances[-season:] /= END_FACTOR
        rows = np.flatnonzero(distances > MIN_DEVIATIONS * spread)
        rows = rows if len(rows) > _max_count(cells) else _confirm(rows, distances, differences, season)
    return no_rows if len(rows) > _max_count(cells) else rows


def _max_count(cells: np.ndarray) -> float:
    return max(1.0, MAX_SHARE * int((~np.isnan(cells)).sum()))


def _distances(cells: np.ndarray, season: int) -> np.ndarray:
    """Return the distance of each value [n] from both neighbours a season away, if both lie on one side; else 0.

    At the ends, and next to missing values, the neighbour two seasons away is used. A single neighbour gives 0.
    """
    differences = cells[season:] - cells[:-season]
    drift = float(np.median(differences[~np.isnan(differences)]))  # removes the trend, also at the ends
    before, after = (_neighbours(cells, season, side, drift) for side in (1, -1))
    up = np.minimum(cells - before, cells - after)
    down = np.minimum(before - cells, after - cells)
    return np.nan_to_num(np.maximum(np.maximum(up, down), 0.0), nan=0.0)


def _neighbours(cells: np.ndarray, season: int, side: int, drift: float) -> np.ndarray:
    """Return the neighbour one season before (side 1) or after (-1); else two on that side; else two on the other side.

    drift: rise of the values per season, which is removed.
    """
    result = np.full(len(cells), np.nan)
    for distance in (side * season, 2 * side * season, -2 * side * season):
        shifted = np.full(len(cells), np.nan)
        if abs(distance) < len(cells):
            if distance > 0:
                shifted[distance:] = cells[:-distance] + drift * (distance // season)
            else:
                shifted[:distance] = cells[-distance:] + drift * (distance // season)
        result = np.where(np.isnan(result), shifted, result)
    return result


def _confirm(rows: np.ndarray, distances: np.ndarray, differences: np.ndarray, season: int) -> np.ndarray:
    """Return the rows whose distance is also large compared with the noise around them and of their phase."""
    around = max(2 * season, 50)
    kept = []
    for row in rows.tolist():
        surrounding = differences[max(0, row - season - around) : row + around]
        phase = _phase_differences(differences, row, season) if season > 1 else surrounding
        if distances[row] > MIN_DEVIATIONS * max(_deviation(surrounding), _deviation(phase)):
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def _phase_differences(differences: np.ndarray, row: int, season: int) -> np.ndarray:
    """Return the differences of rows in the same phase of the season, without those of the row itself."""
    rows = np.arange(row % season, len(differences), season)
    return differences[rows[(rows != row) & (rows != row - season)]]


def _repetitive_column_outliers(cells: np.ndarray) -> np.ndarray:
    """Return the outliers of a column whose values mostly repeat: ten times as far from the median as all others."""
    measured = np.flatnonzero(~np.isnan(cells))
    distances = np.abs(cells[measured] - np.median(cells[measured]))
    order = np.argsort(distances, kind="stable")
    max_outliers = int(_max_count(cells))
    top = distances[order[-max_outliers - 1 :]]
    jumps = np.flatnonzero((top[1:] > MIN_DEVIATIONS * top[:-1]) & (top[:-1] > 0))
    return (
        np.sort(measured[order[len(order) - max_outliers + int(jumps[0]) :]])
        if len(jumps)
        else np.zeros(0, np.int64)
    )


def _deviation(values: np.ndarray) -> float:
    """Return the robust standard deviation of the measured values; 0 without any."""
    measured = values[~np.isnan(values)]
    if not len(measured):
        return 0.0
    return NORMAL * float(np.median(np.abs(measured - np.median(measured))))


def _suspect_series(rows: GridLines, columns: int, season: int) -> list[list[int]]:
    """Return for each column the series in which a fast pass finds large differences, the largest first."""
    strongest = np.zeros((columns, len(rows.offset)))
    for first, series, usable in rows.chunks(before=season):
        later_series = series[season:]  # of the later row of each pair
        pairs = usable[season:] & (series[:-season] == later_series)
        if not len(later_series):
            continue
        block = rows.values_between(first, first + len(series))
        firsts = np.flatnonzero(np.diff(later_series, prepend=-1))
        for column in range(columns):
            cells = block[:, column]
            differences = np.nan_to_num(np.abs(cells[season:] - cells[:-season]))
            largest = np.maximum.reduceat(np.where(pairs, differences, 0.0), firsts)
            index = later_series[firsts]
            strongest[column, index] = np.maximum(strongest[column, index], largest)
    result = []
    for column in range(columns):
        spread = _sampled_deviation(rows, column, season)
        # Less strict than the full check, because this deviation comes from a sample.
        share = 0.9 if _sample_size(len(rows.offset)) >= LARGE_SAMPLE else 0.5
        suspects = np.flatnonzero(strongest[column] > share * MIN_DEVIATIONS * spread)
        with np.errstate(divide="ignore"):
            order = np.argsort(-(strongest[column, suspects] / spread[suspects]), kind="stable")
        result.append(suspects[order][:MAX_SUSPECTS].tolist())
    return result


def _sample_size(series: int) -> int:
    """Return the number of differences of each series that its deviation is sampled from."""
    return max(32, min(20_000, MAX_SAMPLED_DIFFERENCES // max(1, series)))


def _sampled_deviation(rows: GridLines, column: int, season: int) -> np.ndarray:
    """Return the robust deviation [S] of the differences of each series, from a sample; 0 without differences."""
    offset = rows.offset
    sample_size = _sample_size(len(offset))
    spread = np.zeros(len(offset))
    pairs = rows.grid.counts - season
    series_per_block = max(1, MAX_SAMPLED_DIFFERENCES // sample_size)
    for low in range(0, len(offset), series_per_block):
        block = np.arange(low, min(low + series_per_block, len(offset)))
        block = block[pairs[block] > 0]
        if not len(block):
            continue
        positions = np.linspace(0, 1, sample_size)[None, :] * (pairs[block] - 1)[:, None]
        later = offset[block][:, None] + season + positions.round().astype(np.int64)
        differences = rows.select(later, column) - rows.select(later - season, column)
        spread[block] = NORMAL * _median(np.abs(differences - _median(differences)[:, None]))
    return spread


def _median(rows: np.ndarray) -> np.ndarray:
    """Return the median of each row [S, n] without NaN; 0 if all are NaN."""
    ordered = np.sort(rows, axis=1)  # NaN last
    counts = (~np.isnan(ordered)).sum(axis=1)
    row_index = np.arange(len(rows))
    middle = (
        ordered[row_index, np.maximum(counts - 1, 0) // 2]
        + ordered[row_index, np.minimum(counts // 2, rows.shape[1] - 1)]
    ) / 2
    return np.where(counts > 0, np.nan_to_num(middle), 0.0)
