"""Linear maps of a window that need no fit: the last value, the last seasons, exponential smoothing.

With given parameters, exponential smoothing with a damped trend (Gardner and McKenzie 1985, "Forecasting trends in
time series") and an additive season (Winters 1960) is linear in the values that it reads. So it can be averaged with
the regressions. It helps short series, which are too short to fit a regression. For long series it is worse than a
regression, but seasonal means help: a regression follows the last values, and a series may return to its usual level.
"""

import itertools
from dataclasses import dataclass

import numpy as np

LEVELS = (0.1, 0.3, 0.6, 0.9)  # smoothing factor of the level
TRENDS = ((0.0, 0.0), (0.1, 0.8), (0.1, 0.9), (0.1, 0.98))  # smoothing factor of the trend, damping factor
SEASONAL = (0.1, 0.3)  # smoothing factor of the season
MAX_SEASON = 60  # steps; smoothing of a longer season would have too few cycles


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """Parameters of one map."""

    family: str  # "last value", "last season" or "smoothing"
    season: int = 1  # steps; 1: none
    level: float = 1.0
    trend: float = 0.0
    damping: float = 0.0
    seasonal: float = 0.0
    cycles: int = 1  # number of averaged seasons of "last season"

    def weights(self, lookback: int, horizon: int) -> np.ndarray:
        """Return the weight of each of the last K values at each step, [K, H] float64; each column sums to 1."""
        if self.family == "last value":
            return _last_season(lookback, horizon, 1, 1)
        if self.family == "last season":
            return _last_season(lookback, horizon, self.season, self.cycles)
        return self._forecast(np.eye(lookback), horizon)

    def _forecast(self, values: np.ndarray, horizon: int) -> np.ndarray:
        """Return the forecast [S, H] for each row of values [S, K]; the rows of an identity matrix give the map."""
        season = self.season
        first = values[:, :season]
        level = first.mean(axis=1)
        trend = np.zeros_like(level)
        seasons = [first[:, index] - level for index in range(season)] if season > 1 else []
        for step in range(season if season > 1 else 1, values.shape[1]):
            effect = seasons[step % season] if seasons else 0.0
            error = values[:, step] - (level + self.damping * trend + effect)
            level = level + self.damping * trend + self.level * error
            trend = self.damping * trend + self.trend * self.level * error
            if seasons:
                seasons[step % season] = seasons[step % season] + self.seasonal * (1 - self.level) * error
        forecast, ahead = [], np.zeros_like(level)
        for step in range(horizon):
            ahead = self.damping * (ahead + trend)
            effect = seasons[(values.shape[1] + step) % season] if seasons else 0.0
            forecast.append(level + ahead + effect)
        return np.stack(forecast, axis=1)


def smoothings(seasons: tuple[int, ...], lookback: int) -> list[Smoothing]:
    """Return the maps for data with these seasons that read at most `lookback` values."""
    maps = [Smoothing(family="last value")]
    for season in seasons:
        maps += [
            Smoothing(family="last season", season=season, cycles=cycles)
            for cycles in (1, 2, 3)
            if cycles * season <= lookback
        ]
    short_seasons = [season for season in seasons if season <= MAX_SEASON and 2 * season <= lookback][:1]
    for level, (trend, damping) in itertools.product(LEVELS, TRENDS):
        if not short_seasons:
            maps.append(Smoothing(family="smoothing", level=level, trend=trend, damping=damping))
        maps += [
            Smoothing(
                family="smoothing", season=season, level=level, trend=trend, damping=damping, seasonal=share
            )
            for season, share in itertools.product(short_seasons, SEASONAL)
        ]
    return maps


def seasonal_means(seasons: tuple[int, ...], lookback: int) -> list[Smoothing]:
    """Return means of the last 2, 4, 8, ... cycles of the shortest season, and of all that `lookback` values hold.

    If the next season is a multiple of the shortest, as a week is of a day, each mean covers whole next seasons,
    provided that two of them fit. So every day of the week counts equally.

    Args:
        seasons: seasons of the data in steps, the shortest first.
        lookback: values that the maps may read.
    """
    if not seasons:
        return []
    season, longer = seasons[0], seasons[1] if len(seasons) > 1 else seasons[0]
    unit = longer // season if longer % season == 0 and 2 * longer <= lookback else 1
    most = lookback // (unit * season)
    units = {2**power for power in range(most.bit_length())} | {most}
    return [
        Smoothing(family="last season", season=season, cycles=count * unit)
        for count in sorted(units)
        if count * unit > 1
    ]


def _last_season(lookback: int, horizon: int, season: int, cycles: int) -> np.ndarray:
    weights = np.zeros((lookback, horizon))
    for step, cycle in itertools.product(range(horizon), range(1, cycles + 1)):
        weights[lookback - cycle * season + step % season, step] += 1 / cycles
    return weights
