"""Effect of holidays on the training rows, compared with the same weekday of the weeks before and after."""

import numpy as np

from lstm_cli.data.chunks import RowSlices, row_chunks
from lstm_cli.data.dataset.holiday_inputs import HolidayDates, holiday_inputs
from lstm_cli.data.grid.regular_grid import Grid, GridRows
from lstm_cli.data.times.formats import DAY

_WEEK = 7
_MIN_DAYS = 20  # ordinary days that show how much the days vary


def holiday_effect(dates: HolidayDates, grid: Grid, train_end: np.ndarray, targets: int) -> float:
    """Return the largest |t| of the sides of the holidays; NaN if the training rows are too few to tell.

    Series share the events of a day. So the sum of all series on ordinary days shows how much a day varies by chance.

    Args:
        dates: holidays with the inputs to test.
        grid: time grid of the data.
        train_end: [S] end of the training rows of each series.
        targets: number of targets, the first columns.
    """
    lengths = grid.counts + grid.ahead
    begins = np.cumsum(lengths) - lengths
    last = grid.step.times(np.maximum(train_end - 1, 0), grid.origin_us) // DAY
    first = int(grid.origin_us.min()) // DAY
    calendar = first + np.arange(int(last.max()) - first + 1)
    sides = holiday_inputs([dates], grid.step, calendar * DAY) > 0
    ordinary: np.ndarray = ~np.asarray(sides.any(axis=1))
    total, count = np.zeros(len(calendar)), np.zeros(len(calendar))
    for rows, begin, origin in zip(train_end.tolist(), begins.tolist(), grid.origin_us, strict=True):
        if rows > 0:
            values = GridRows(grid=grid, begin=begin, shape=(rows, targets))
            days = grid.step.times(np.arange(rows), origin) // DAY - first
            deviations = _deviations(_daily_means(values, days, len(calendar)), ordinary)
            total += np.nansum(deviations, axis=1)
            count += (~np.isnan(deviations)).sum(axis=1)
    usual = ordinary & (count > 0)
    if usual.sum() < _MIN_DAYS:
        return np.nan
    spread = float(np.sqrt(np.mean(total[usual] ** 2 / count[usual])))
    scores = [_t_score(total[side], count[side], spread) for side in sides.T]
    return max((score for score in scores if not np.isnan(score)), default=np.nan)


def _daily_means(values: RowSlices, days: np.ndarray, length: int) -> np.ndarray:
    """Return the means [D, C] of rows [T, C] on each day, NaN where nothing was measured. days: [T] day of each row."""
    total, count = np.zeros((length, values.shape[1])), np.zeros((length, values.shape[1]))
    for span in row_chunks(len(values)):
        rows = values[span]
        np.add.at(total, days[span], np.nan_to_num(rows))
        np.add.at(count, days[span], ~np.isnan(rows))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _deviations(daily: np.ndarray, ordinary: np.ndarray) -> np.ndarray:
    """Return values [D, C] minus the mean of the ordinary days a week before and after, in standard deviations."""
    compared = np.where(ordinary[:, None], daily, np.nan)
    empty = np.full((min(_WEEK, len(daily)), daily.shape[1]), np.nan)
    pair = np.stack(
        [np.concatenate([empty, compared])[: len(daily)], np.concatenate([compared, empty])[-len(daily) :]]
    )
    present = (~np.isnan(pair)).sum(axis=0)
    near = np.divide(np.nansum(pair, axis=0), present, out=np.full(daily.shape, np.nan), where=present > 0)
    deviations = daily - near
    spread = np.array(
        [
            column[~np.isnan(column)].std() if (~np.isnan(column)).any() else 0
            for column in deviations[ordinary].T
        ]
    )
    return deviations / np.where(spread > 0, spread, 1)


def _t_score(total: np.ndarray, count: np.ndarray, spread: float) -> float:
    """Return |t| of the deviations of some days; NaN if nothing was measured on them.

    Args:
        total: sum of the deviations of each day [n].
        count: number of the deviations of each day [n].
        spread: standard deviation of the sum of an ordinary day, divided by the root of the count.
    """
    if not count.sum():
        return np.nan
    deviation = abs(float(total.sum()))
    return (
        deviation / (spread * float(np.sqrt(count.sum())))
        if spread > 0
        else (np.inf if deviation > 0 else 0.0)
    )
