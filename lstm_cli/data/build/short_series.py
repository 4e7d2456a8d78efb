"""Short series of a grid: the rows that their baseline forecast needs."""

import numpy as np

from lstm_cli.data.dataset.short_series import ShortSeries
from lstm_cli.data.grid.regular_grid import Grid


def find_short_series(grid: Grid, chosen: np.ndarray, *, targets: int, season: int) -> ShortSeries:
    """Return the chosen series of a grid with their rows and the last season of their targets.

    Args:
        grid: series on the time grid.
        chosen: indices of the short series.
        targets: number of target columns.
        season: steps in a season; 1 without a season.
    """
    lengths = grid.counts + grid.ahead
    offset = np.cumsum(lengths) - lengths
    tails, whole = [], []
    for index in chosen.tolist():
        begin, count = int(offset[index]), int(grid.counts[index])
        whole.append(np.array(grid.values_between(begin, begin + count)))
        rows = whole[-1][:, :targets].copy()
        for column in np.flatnonzero(np.isnan(rows[-1])):
            measured = rows[~np.isnan(rows[:, column]), column]
            rows[-1, column] = measured[-1] if len(measured) else np.nan
        tails.append(rows[-season:])
    return ShortSeries(
        names=tuple(grid.names[index] for index in chosen),
        origin_us=grid.origin_us[chosen],
        count=grid.counts[chosen],
        tails=tuple(tails),
        rows=tuple(whole),
    )
