"""Seasons and lookback, found in the training rows, each with its reason."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.chunks import RowSlices
from lstm_cli.data.dataset.windows import MAX_LOOKBACK

SAMPLED_SERIES = 200  # about this many series of a panel are used; more give the same result
SAMPLED_PEAK_SERIES = 50  # about this many if the lag is unknown
MAX_SEASON_ROWS = 1_000_000  # newest rows that confirm a season: two years of minutes
MAX_LAG_ROWS = 100_000  # newest rows that an unknown lag is searched in, 250 times the longest lag
COLUMNS_PER_CONFIRMATION = 3  # at least one column in three must confirm a season
ROUNDING = 1e-10  # a residual smaller than this share of the values is rounding


def autocorrelation(values: np.ndarray, lag: int) -> float:
    """Return the autocorrelation of one detrended column [T], NaN where not measured; NaN if it is undefined."""
    return _residual_autocorrelation(_detrend(values), lag, _mean_square(values))


def autocorrelations(values: np.ndarray, lags: int) -> np.ndarray:
    """Return the autocorrelations of one detrended column at lags 1 to `lags`, as an array [lags]."""
    residual, mean_square = _detrend(values), _mean_square(values)
    return np.array([_residual_autocorrelation(residual, lag, mean_square) for lag in range(1, lags + 1)])


def _detrend(values: np.ndarray) -> np.ndarray:
    rows = np.arange(len(values))
    measured = ~np.isnan(values)
    if measured.sum() < 3:
        return np.full(len(values), np.nan)
    slope, level = np.polyfit(rows[measured], values[measured], 1)
    return values - (slope * rows + level)


def _mean_square(values: np.ndarray) -> float:
    """Return the mean square of the measured values; far smaller residuals are rounding."""
    measured = values[~np.isnan(values)]
    return float(np.mean(np.square(measured))) if len(measured) else 0.0


def _residual_autocorrelation(residual: np.ndarray, lag: int, mean_square: float) -> float:
    """Return the autocorrelation of a residual [T], not centred; NaN if it is undefined.

    power: mean square of the values that the residual is of.
    """
    measured = ~np.isnan(residual)
    if lag >= len(residual) or measured.sum() < 3:
        return float("nan")
    pairs = measured[lag:] & measured[:-lag]
    variance = np.mean(np.square(residual[measured]))
    if pairs.sum() < 3 or variance <= ROUNDING**2 * mean_square:
        return float("nan")
    return float(np.mean(residual[lag:][pairs] * residual[:-lag][pairs]) / variance)


def _pair_correlation(residual: np.ndarray, lag: int) -> float:
    """Return the correlation of the pairs `lag` rows apart in a residual [T]: at most 1 (Cauchy-Schwarz).

    `_residual_autocorrelation` divides by the variance of all rows instead. That estimate exceeds 1 if the pairs vary
    more than the other rows. It is fine for a decision with a limit, but it is not a correlation that a report can
    print.
    """
    later, earlier = residual[lag:], residual[:-lag]
    pairs = ~np.isnan(later) & ~np.isnan(earlier)
    later, earlier = later[pairs], earlier[pairs]
    norm = np.sqrt(np.sum(np.square(later))) * np.sqrt(np.sum(np.square(earlier)))
    return min(1.0, float(np.sum(later * earlier) / norm)) if norm > 0 else float("nan")


def subtract_moving_mean(values: np.ndarray, season: int) -> np.ndarray:
    """Return one column [T] minus its centred moving mean over one season; NaN where undefined.

    The column has at least two seasons. The slow level is removed, a season remains: the first step of classical
    decomposition (Macaulay 1931, "The smoothing of time series"). An even season weights both ends by half. The mean is
    undefined if less than half of a window was measured. Before the first mean and after the last, a straight line
    extends it, with the slope over the nearest season.
    """
    measured = ~np.isnan(values)
    trend = np.full(len(values), np.nan)
    if not measured.any():
        return trend
    level = np.mean(values[measured])  # subtracted, because sums of large numbers lose digits
    totals = []
    for cells in (np.where(measured, values - level, 0.0), measured.astype(np.float64)):
        sums = np.concatenate([[0.0], np.cumsum(cells)])
        window = sums[season:] - sums[:-season]
        totals.append(window if season % 2 else (window[1:] + window[:-1]) / 2)
    total, count = totals
    half = season // 2
    trend[half : half + len(total)] = np.where(count >= season / 2, total / np.maximum(count, 1), np.nan)
    known = np.flatnonzero(~np.isnan(trend))
    if not len(known):
        return trend
    _extend_trend(trend, known, season)
    _extend_trend(trend[::-1], len(trend) - 1 - known[::-1], season)
    return values - level - trend


def _extend_trend(trend: np.ndarray, known: np.ndarray, season: int) -> None:
    """Extend a trend [T] from its first known row back to row 0, by a straight line through one season."""
    first = known[0]
    other = known[min(int(np.searchsorted(known, first + season)), len(known) - 1)]
    slope = (trend[other] - trend[first]) / max(other - first, 1)
    trend[:first] = trend[first] + slope * np.arange(-first, 0)


def confirm_seasons(candidates: tuple[int, ...], training: Sequence[RowSlices]) -> dict[int, float]:
    """Return the candidates that the training rows confirm, each with its correlation (`_pair_correlation`).

    A season is kept if most series hold it three times and at least a third of the columns confirm it
    (`season_correlation`). The result is the median of their correlations. A third is enough, because panels such as
    the M4 hourly series are mixtures; random data confirm one column in a hundred.

    candidates: steps, shortest first. training: for each series its target columns [T, C], NaN where not measured.
    """
    confirmed: dict[int, float] = {}
    sample = [rows[-MAX_SEASON_ROWS:] for rows in training[:: max(1, len(training) // SAMPLED_SERIES)]]
    for season in candidates:
        long_series = [rows for rows in sample if len(rows) >= 3 * season]
        if len(long_series) * 2 <= len(sample):
            continue
        columns = [rows[:, column] for rows in long_series for column in range(rows.shape[1])]
        shorter = max((known_season for known_season in confirmed if known_season < season), default=None)
        correlations = [season_correlation(column, season, shorter) for column in columns]
        confirmations = [value for value in correlations if value is not None]
        if confirmations and len(confirmations) * COLUMNS_PER_CONFIRMATION >= len(columns):
            confirmed[season] = float(np.median(confirmations))
    return confirmed


def season_correlation(values: np.ndarray, season: int, shorter: int | None) -> float | None:
    """Return the correlation (`_pair_correlation`) of one column [T] at a season P that it confirms, else None.

    The test uses the residual of the moving mean over P. For a random walk, this residual is a sum of its steps within
    P/2 on either side. So values a season apart are uncorrelated, with a random deviation of about sqrt(P / 6T). The
    mean of the autocorrelations at P and 2P must exceed the smallest one at lags P/2 to P by max(0.2, 2 / sqrt(T),
    sqrt((P + 2) / T)). Simulated random walks, noise and AR(1) pass this limit at most once in a hundred. The smallest
    one matters, because the residual of a smooth trend has similar autocorrelations at all lags. If a `shorter` season
    is confirmed, P must also explain what the shorter one does not (see `_partial_autocorrelation`).

    Args:
        values: values of the column [T], NaN where missing.
        season: season P to test, in steps.
        shorter: a shorter season that is confirmed, in steps; None without one.
    """
    rows = int((~np.isnan(values)).sum())
    if rows < 2 * season:
        return None
    residual, mean_square = subtract_moving_mean(values, season), _mean_square(values)
    at_season, at_second = (
        _residual_autocorrelation(residual, season, mean_square),
        _residual_autocorrelation(residual, 2 * season, mean_square),
    )
    if np.isnan(at_season):
        return None
    length = len(values)
    mean = at_season
    if not np.isnan(at_second):
        ones, twos = length - season, length - 2 * season  # numbers of pairs
        mean = (ones * at_season + twos * at_second) / (ones + twos)
    between = {season - max(1, season * part // 8) for part in (1, 2, 3, 4)} - {0}
    smallest = min((_residual_autocorrelation(residual, lag, mean_square) for lag in between), default=0.0)
    limit = max(0.2, 2 / np.sqrt(rows), np.sqrt((season + 2) / rows))
    if not mean - max(0.0, smallest) > limit:
        return None
    if shorter is not None and not _partial_autocorrelation(residual, mean_square, season, shorter) > np.sqrt(
        (season + 2) / rows
    ):
        return None
    return _pair_correlation(residual, season)


def _partial_autocorrelation(residual: np.ndarray, mean_square: float, season: int, shorter: int) -> float:
    """Return the partial autocorrelation at a long season P, given the value one shorter season S ago.

    (r_P - r_S r_(P-S)) / sqrt((1 - r_S^2) (1 - r_(P-S)^2)). It is 0 for a daily cycle whose shape drifts from day to
    day: the last day then explains all that the last week does, even if the autocorrelation at a week is high. A
    stable daily cycle in noise passes if there are many rows. That is intended: with two weeks of lookback instead of
    two days, a linear forecast has a 2.5 % smaller error (for a drifting cycle, a 3 to 15 % larger error). A missed
    weekly season costs 40 %.
    """
    long, short, difference = (
        _residual_autocorrelation(residual, lag, mean_square) for lag in (season, shorter, season - shorter)
    )
    spread = (1 - short**2) * (1 - difference**2)
    if np.isnan(spread):
        return 0.0
    return (long - short * difference) / np.sqrt(spread) if spread > 1e-12 else 0.0


def find_season(training: Sequence[RowSlices]) -> dict[int, float]:
    """Return the season of data without a usual season: the highest autocorrelation peak at lags 4 to T/4, or {}.

    A peak exceeds max(0.2, 2 / sqrt(T)) and is the highest within a quarter of its lag. Multiples of a season have
    peaks as high as the season. So the first peak that is at most 2 / sqrt(T) below the highest is chosen. In one noise
    series of three, the highest of many lags is a random peak. Therefore the season must also pass
    `confirm_seasons`.
    """
    sample = [rows[-MAX_LAG_ROWS:] for rows in training[:: max(1, len(training) // SAMPLED_PEAK_SERIES)]]
    rows_each = int(np.median([len(rows) for rows in sample]))
    columns = [rows[:, column] for rows in sample for column in range(rows.shape[1])]
    residuals = [(_detrend(column), _mean_square(column)) for column in columns]
    lags = range(3, min(rows_each // 4, 400) + 2)
    medians = {
        lag: _median(
            [_residual_autocorrelation(residual, lag, mean_square) for residual, mean_square in residuals]
        )
        for lag in lags
    }
    noise = 2 / np.sqrt(rows_each)
    peaks = {
        lag: medians[lag]
        for lag in list(lags)[1:-1]
        if medians[lag] > max(0.2, noise)
        and all(medians[lag] >= medians.get(lag + shift, -1) for shift in range(-(lag // 4), lag // 4 + 1))
    }
    first = next((lag for lag, value in peaks.items() if value >= max(peaks.values()) - noise), None)
    return {} if first is None else confirm_seasons((first,), training)


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")


def automatic_lookback(*, rows: int, horizon: int, seasons: tuple[int, ...]) -> int:
    """Return the lookback in steps that the data suggest.

    The lookback is two of the longest season, more if the season is short. It is limited so that enough windows remain,
    and to `MAX_LOOKBACK`, in whole seasons if one fits.

    Args:
        rows: training rows of a series (the median).
        horizon: steps.
        seasons: confirmed seasons in steps.
    """
    lookback = _unbounded_lookback(rows, horizon, seasons)
    if lookback <= MAX_LOOKBACK:
        return lookback
    return MAX_LOOKBACK - MAX_LOOKBACK % min(MAX_LOOKBACK, min(seasons, default=1))


def lookback_reason(*, rows: int, horizon: int, seasons: tuple[int, ...]) -> str:
    """Return the reason for the result of `automatic_lookback`.

    Args:
        rows: training rows of a series (the median).
        horizon: steps.
        seasons: confirmed seasons in steps.
    """
    season_phrase = (
        f"season{'s' if len(seasons) > 1 else ''} {' and '.join(map(str, seasons))}"
        if seasons
        else "no season"
    )
    rule = f"by rule from {season_phrase}, horizon {horizon} and {rows:,} training rows"
    unlimited = _unbounded_lookback(rows, horizon, seasons)
    if unlimited <= MAX_LOOKBACK:
        return rule
    limited = automatic_lookback(rows=rows, horizon=horizon, seasons=seasons)
    why = f"{unlimited:,} would take too much memory and time (use --lookback to override)"
    return f"{rule}, limited to {limited:,} steps, because {why}"


def _unbounded_lookback(rows: int, horizon: int, seasons: tuple[int, ...]) -> int:
    if seasons:
        shortest, longest = min(seasons), max(seasons)
        lookback = max(2 * longest, min(horizon, 336, rows // 6))
        if longest <= 14:
            lookback = max(lookback, min(8 * longest, rows // 8))
    else:
        shortest = 1
        lookback = max(8, 2 * horizon)
    lookback = min(lookback, max((rows - horizon) // 2, 2 * shortest, 4))
    lookback = max(lookback // shortest * shortest, 2 * shortest)
    return max(1, min(lookback, max(rows - 1, 1)))
