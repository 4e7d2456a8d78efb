"""How strong trend and season of a series are, from 0 (none) to 1 (nothing else).

The definition is that of Wang, Smith and Hyndman 2006, "Characteristic-based clustering for time series data", as
Hyndman and Athanasopoulos give it in "Forecasting: principles and practice", 3rd edition, section 4.3: with a
series as the sum of trend T, season S and remainder R, the trend's strength is max(0, 1 - Var(R) / Var(T + R))
and the season's max(0, 1 - Var(R) / Var(S + R)). They take the parts from STL; here classical decomposition
serves: the trend is the centred moving mean over a season, the season the mean of each phase beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.chunks import RowSlices
from lstm_cli.data.quality.seasonality import MAX_LAG_ROWS, MAX_SERIES, ROUNDING, subtract_moving_mean

TREND_SHARE = 10  # without a season the trend is the moving mean over a tenth of the rows
MIN_ROWS = 12


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Of one column; the median over the series of a panel."""

    column: int
    period: int | None  # steps in the season; None: none, so that there is no seasonal strength
    trend: float
    season: float | None


def trend_and_season_strengths(
    series: Sequence[RowSlices], columns: int, seasons: Sequence[int]
) -> list[Strength]:
    """For each of the first `columns` columns and each season, where the rows hold it twice in most series.

    series: [T, F] each, with NaN where not measured. Of many series some are asked, of long ones the newest rows.
    """
    sample = [rows[-MAX_LAG_ROWS:] for rows in series[:: max(1, len(series) // MAX_SERIES)]]
    found = []
    for column in range(columns):
        for period in seasons or (None,):
            pairs = [_strength(np.asarray(rows[:, column], dtype=np.float64), period) for rows in sample]
            known = [pair for pair in pairs if pair is not None]
            if not known or 2 * len(known) < len(pairs):
                continue
            trend, season = np.median(known, axis=0)
            found.append(
                Strength(
                    column=column,
                    period=period,
                    trend=float(trend),
                    season=None if period is None else float(season),
                )
            )
    return found


def _strength(cells: np.ndarray, period: int | None) -> tuple[float, float] | None:
    """Of trend and season of one column [T]; None where it is too short or does not vary."""
    window = period or max(3, len(cells) // TREND_SHARE)
    if len(cells) < max(2 * window, MIN_ROWS) or window < 2 or np.isnan(cells).all():
        return None
    size = float(np.nanmax(np.abs(cells)))
    if not _variance(cells / size if size else cells) > ROUNDING**2:
        return None
    cells = cells / size  # so that no square overflows
    rest = subtract_moving_mean(cells, window)
    trend = cells - rest
    season = _phase_means(rest, period) if period is not None else np.zeros(len(cells))
    remainder = rest - season
    alone = _variance(remainder)
    return _strength_share(alone, _variance(trend + remainder)), _strength_share(alone, _variance(rest))


def _strength_share(alone: float, together: float) -> float:
    """What a part adds to the variance of the remainder; mere rounding adds nothing."""
    return max(0.0, 1 - alone / together) if together > ROUNDING**2 else 0.0


def _phase_means(rest: np.ndarray, period: int) -> np.ndarray:
    """The season [T] of what the trend leaves [T]: the mean of each phase, all of them centred."""
    phase = np.arange(len(rest)) % period
    measured = ~np.isnan(rest)
    count = np.bincount(phase[measured], minlength=period)
    total = np.bincount(phase[measured], weights=rest[measured], minlength=period)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    centred: np.ndarray = (means - np.nanmean(means))[phase] if measured.any() else means[phase]
    return centred


def _variance(cells: np.ndarray) -> float:
    measured = cells[~np.isnan(cells)]
    return float(measured.var()) if len(measured) else 0.0
