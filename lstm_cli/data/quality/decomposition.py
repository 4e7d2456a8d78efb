"""Strength of trend and season of a series, from 0 (absent) to 1 (nothing else).

The definition is that of Wang, Smith and Hyndman 2006, "Characteristic-based clustering for time series data", as
given by Hyndman and Athanasopoulos in "Forecasting: principles and practice", 3rd edition, section 4.3. A series is the
sum of trend T, season S and remainder R. The trend strength is max(0, 1 - Var(R) / Var(T + R)). The season strength is
max(0, 1 - Var(R) / Var(S + R)). They use STL; this module uses classical decomposition: the trend is the centred moving
mean over a season, and the season is the mean of each phase of the remainder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.chunks import RowSlices
from lstm_cli.data.quality.seasonality import MAX_LAG_ROWS, ROUNDING, SAMPLED_SERIES, subtract_moving_mean

TREND_SHARE = 10  # without a season the trend is the moving mean over a tenth of the rows
MIN_ROWS = 12


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Strength of trend and season of one column; for a panel the median over its series."""

    column: int
    period: int | None  # steps in the season; None: no season, so no seasonal strength
    trend: float
    season: float | None


def trend_and_season_strengths(
    series: Sequence[RowSlices], columns: int, seasons: Sequence[int]
) -> list[Strength]:
    """Return the strengths per column and season, if the rows hold the season twice in most series.

    Of many series a sample is used, of long series the newest rows.

    Args:
        series: for each series [T, F], NaN where not measured.
        columns: number of columns to measure, from the first.
        seasons: steps.
    """
    sample = [rows[-MAX_LAG_ROWS:] for rows in series[:: max(1, len(series) // SAMPLED_SERIES)]]
    strengths = []
    for column in range(columns):
        for period in seasons or (None,):
            pairs = [_strength(np.asarray(rows[:, column], dtype=np.float64), period) for rows in sample]
            valid_pairs = [pair for pair in pairs if pair is not None]
            if not valid_pairs or 2 * len(valid_pairs) < len(pairs):
                continue
            trend, season = np.median(valid_pairs, axis=0)
            strengths.append(
                Strength(
                    column=column,
                    period=period,
                    trend=float(trend),
                    season=None if period is None else float(season),
                )
            )
    return strengths


def _strength(cells: np.ndarray, period: int | None) -> tuple[float, float] | None:
    """Return the strengths of trend and season of one column [T]; None if it is too short or does not vary."""
    window = period or max(3, len(cells) // TREND_SHARE)
    if len(cells) < max(2 * window, MIN_ROWS) or window < 2 or np.isnan(cells).all():
        return None
    largest = float(np.nanmax(np.abs(cells)))
    if not _variance(cells / largest if largest else cells) > ROUNDING**2:
        return None
    cells = cells / largest  # so that no square overflows
    detrended = subtract_moving_mean(cells, window)
    trend = cells - detrended
    season = _phase_means(detrended, period) if period is not None else np.zeros(len(cells))
    remainder = detrended - season
    remainder_variance = _variance(remainder)
    return _strength_share(remainder_variance, _variance(trend + remainder)), _strength_share(
        remainder_variance, _variance(detrended)
    )


def _strength_share(remainder_variance: float, total_variance: float) -> float:
    """Return the share of the variance that a part adds to the remainder; rounding counts as 0."""
    return max(0.0, 1 - remainder_variance / total_variance) if total_variance > ROUNDING**2 else 0.0


def _phase_means(detrended: np.ndarray, period: int) -> np.ndarray:
    """Return the season [T] of detrended values [T]: the mean of each phase, centred."""
    phase = np.arange(len(detrended)) % period
    measured = ~np.isnan(detrended)
    count = np.bincount(phase[measured], minlength=period)
    total = np.bincount(phase[measured], weights=detrended[measured], minlength=period)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    centred: np.ndarray = (means - np.nanmean(means))[phase] if measured.any() else means[phase]
    return centred


def _variance(cells: np.ndarray) -> float:
    measured = cells[~np.isnan(cells)]
    return float(measured.var()) if len(measured) else 0.0
